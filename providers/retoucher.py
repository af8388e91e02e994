"""What we ask of a service that describes pictures and takes their backgrounds away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from loratrainer.outcomes import Outcome

type Touch = Literal["caption", "cutout"]
"""What is wanted of a picture: words for it, or the picture without its background."""


class Retoucher(ABC):
    """One instance per entry of `settings.RETOUCHERS`; a `Provider` need not be one.

    An order costs a fraction of a cent, so there is no look-up after doubt: the caller says that it
    is in doubt, and whoever wants the picture asks once more.
    """

    service: ClassVar[str]
    """Whom we pay, and who sees the pictures: "fal.ai"."""
    files_at: ClassVar[str]
    """The entry of `settings.FETCH_HOSTS` with the hosts that its files come from."""

    @abstractmethod
    def upload(self, picture: bytes, *, suffix: str) -> str:
        """Put a picture (`suffix` is "jpg" or "png") where the service can read it, for a day.

        Only for pictures that the outside cannot read here. Returns the address. Raises
        `TryAgainLater` and `GiveUp`.
        """

    @abstractmethod
    def submit(self, touch: Touch, picture_url: str) -> str:
        """Order it and return the job id. Spends money; sends exactly one order.

        Raises `TryAgainLater` and `GiveUp` only if nothing was ordered for certain, else `Doubt`.
        """

    @abstractmethod
    def check(self, touch: Touch, job_id: str) -> Outcome[str]:
        """Ask how it is doing: free, at any time. It succeeds with a caption, or with the address
        of a cut-out: a picture of the same size, transparent where the background was.

        Raises `TryAgainLater`.
        """
