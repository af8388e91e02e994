"""Form widgets that Django does not have."""

from __future__ import annotations

from typing import Any

from django import forms


class RangeInput(forms.NumberInput):
    """A slider. It always has a value, so HTML knows no `required` for it (HTML, 4.10.5.1.13)."""

    input_type = "range"

    def use_required_attribute(self, initial: Any) -> bool:
        """Never."""
        return False
