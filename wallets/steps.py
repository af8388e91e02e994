"""What a worker does for a notice: one call, to the one destination it is for.

It may run twice, and nobody hears the same message twice. Mail and push are marked as sent before
the call, and never sent again once that mark is found. A webhook is repeated with the same id.
"""

from __future__ import annotations

from collections.abc import Callable

from loratrainer.outcomes import GiveUp, TryAgainLater
from wallets.destinations import Destination, Kind, offered
from wallets.mail import mail
from wallets.notices import CONFIRM, TEST, Notice, Status
from wallets.push import push
from wallets.webhook import webhook

WAYS: dict[str, Callable[[Notice], None]] = {
    Kind.PUSH: push,
    Kind.MAIL: mail,
    Kind.WEBHOOK: webhook,
}


def send(notice: Notice) -> None:
    """Send it in the way of its destination, unless that wants no more."""
    destination = notice.destination
    if not takes(destination, notice.event):
        notice.move(Status.DROPPED, due_in=None)
        return
    try:
        WAYS[destination.kind](notice)
    except TryAgainLater as exc:
        if notice.event == TEST:
            # Somebody waits at the page, and may ask again.
            raise GiveUp(str(exc)) from exc
        destination.hear(str(exc))
        raise


def takes(destination: Destination, event: str) -> bool:
    """Whether the destination is still one to send this to."""
    if destination.removed_at is not None or destination.kind not in offered():
        return False
    if event in {CONFIRM, TEST}:
        return True
    return Destination.objects.usable().filter(pk=destination.pk).exists()
