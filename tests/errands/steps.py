"""What a worker does for an errand."""

from __future__ import annotations

import os
import signal
import time

from loratrainer.outcomes import GiveUp, TryAgainLater
from tests.errands.models import Errand


def walk(errand: Errand) -> None:
    match errand.script:
        case {"kill": True}:
            os.kill(os.getpid(), signal.SIGKILL)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"again": words}:
            raise TryAgainLater(words)
        case {"give_up": words}:
            raise GiveUp(words)
        case {"bug": True}:
            raise ZeroDivisionError("a bug")
        case {"nothing": True}:
            return
    errand.move("talking")


def talk(errand: Errand) -> None:
    errand.move("completed", due_in=None, why="All said.", done=errand.done + 1)
