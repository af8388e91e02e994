"""The steps of reading an Are.na channel: its pages, then its pictures."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from datasets import arena, decoding
from datasets.channels import IMPORT_LASTS
from datasets.decoding import Developed
from datasets.folders import fill, reserve
from datasets.models import Dataset
from datasets.pictures import Picture, files_of
from loratrainer.fetching import fetch
from loratrainer.outcomes import GiveUp, TryAgainLater

MAX_BLOCKS = 1000
"""How many pictures of a channel are shown, the newest; a page with more of them is of no use."""
THREADS = 4
BATCH = 8
"""How many pictures are loaded between two looks at what is still wanted."""
STEP_SECONDS = 10.0
"""A step ends after so long, so that a worker has time for other jobs too."""
PICTURE_SECONDS = 30.0
"""Two of them, one after the other in a thread, must fit into a lease."""


def list_channel(dataset: Dataset) -> None:
    """Read one page of the channel; after the last one, have its pictures loaded."""
    facts: dict[str, Any] = {}
    if dataset.next_page == 1:
        channel = arena.read_channel(dataset.channel)
        facts = {
            "channel_url": channel.url,
            "channel_title": channel.title,
            "channel_owner": channel.owner,
            "channel_total": channel.total,
        }
    page = arena.read_page(dataset.channel, dataset.next_page)
    facts["skipped"] = dataset.skipped + page.skipped
    with transaction.atomic():
        dataset.lock()
        dataset.add_blocks(page.blocks, at_most=MAX_BLOCKS)
        number = dataset.pictures.blocks().count()
        if page.has_more and number < MAX_BLOCKS:
            facts["next_page"] = dataset.next_page + 1
            dataset.wait(timedelta(0), note=_reading(dataset, facts), **facts)
        elif number:
            dataset.choose_first()
            dataset.move("loading", deadline_in=IMPORT_LASTS, **facts)
        else:
            reason = _nothing_to_see(facts["skipped"])
            dataset.move("failed", due_in=None, why=reason, error=reason, **facts)


def _reading(dataset: Dataset, facts: dict[str, Any]) -> str:
    seen = dataset.next_page * arena.PER_PAGE
    total = max(seen, facts.get("channel_total", dataset.channel_total))
    words = _("Reading the channel: {seen} of {total} blocks.")
    return words.format(seen=seen, total=total)


def _nothing_to_see(skipped: int) -> str:
    if not skipped:
        return _("This channel is empty.")
    return _("This channel holds no pictures, only links and texts.")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of fetching one picture. It failed for now if nothing is said."""

    picture: Picture
    folder: str
    developed: Developed | None = None
    is_preview: bool = False
    problem: str = ""


def load_pictures(dataset: Dataset) -> None:
    """Load what is missing: the originals of chosen pictures first, thumbnails of the others."""
    ends_at = time.monotonic() + STEP_SECONDS
    late: set[UUID] = set()
    with ThreadPoolExecutor(THREADS) as threads:
        while batch := _next_batch(dataset, late):
            results = list(threads.map(_load, batch, reserve(len(batch))))
            for result in results:
                _store(dataset, result)
            missed = {result.picture.pk for result in results if _must_try_again(result)}
            late |= missed
            if len(missed) == len(batch):
                break  # Then it is not the pictures' fault.
            if time.monotonic() > ends_at:
                dataset.wait(timedelta(0), note=dataset.note)
                return
    if dataset.pictures.missing().filter(pk__in=late).exists():
        raise TryAgainLater(_("Some pictures did not arrive. We ask for them again."))
    with transaction.atomic():
        dataset.lock()
        # Whoever chooses another picture waits for this lock, and then finds the job at rest.
        if dataset.pictures.missing().exists():
            dataset.wait(timedelta(0))
        else:
            dataset.move("ready", due_in=None)


def _next_batch(dataset: Dataset, late: set[UUID]) -> list[Picture]:
    missing = dataset.pictures.missing().exclude(pk__in=late)
    return list(missing.order_by("attempts", "-chosen", "position")[:BATCH])


def _load(picture: Picture, folder: str) -> Loaded:
    """Fetch and decode a picture, and keep it in the folder. Runs in a thread: no database."""
    try:
        if picture.chosen:
            developed = decoding.develop(_fetch(picture.remote_url))
            fill(folder, files_of(developed))
            return Loaded(picture, folder, developed=developed)
        files = decoding.preview(_fetch(picture.preview_url or picture.remote_url))
        fill(folder, files)
        return Loaded(picture, folder, is_preview=True)
    except GiveUp as error:
        return Loaded(picture, folder, problem=str(error))
    except TryAgainLater:
        return Loaded(picture, folder)


def _fetch(url: str) -> bytes:
    file = io.BytesIO()
    fetch(
        url,
        into=file,
        allowed=settings.FETCH_HOSTS["arena"],
        max_bytes=settings.PICTURE_MAX_BYTES,
        timeout_in=PICTURE_SECONDS,
    )
    return file.getvalue()


def _must_try_again(result: Loaded) -> bool:
    return not (result.developed or result.is_preview or result.problem)


def _store(dataset: Dataset, result: Loaded) -> None:
    """Write down what came of a picture, unless it was removed meanwhile."""
    with transaction.atomic():
        dataset.lock()
        dataset.renew(note=_loading(dataset))
        picture = dataset.pictures.filter(pk=result.picture.pk).first()
        if picture is None:
            return
        if result.developed:
            picture.kept_as(result.developed, result.folder)
        elif result.is_preview:
            picture.previewed_as(result.folder)
        elif result.problem:
            picture.give_up(result.problem)
        else:
            picture.count_attempt()


def _loading(dataset: Dataset) -> str:
    blocks = dataset.pictures.blocks()
    done = blocks.count() - blocks.missing().count()
    return _("Loading pictures: {done} of {all}.").format(done=done, all=blocks.count())
