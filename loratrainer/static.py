"""Static files whose names carry their content, so that they can be kept for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashes the addresses inside CSS and of JavaScript's `import` too."""

    support_js_module_import_aggregation = True
