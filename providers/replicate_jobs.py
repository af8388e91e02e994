"""Replicate's trainings, predictions and models, with every answer sorted for the caller.

https://replicate.com/docs/reference/http; what it leaves open is named where it matters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import httpx
from django.utils.translation import gettext, gettext_noop
from replicate.client import Client

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.answers import (
    ask,
    asking,
    checked_job_id,
    log_of,
    percent_of,
    read,
    says,
    unknown,
    unreadable,
    words_of,
)
from providers.base import Cancelled
from providers.sdk import http_for, replicate_client_for

logger = logging.getLogger(__name__)

SERVICE = "Replicate"
SLACK = timedelta(minutes=5)
"""By so much our clock and Replicate's may differ."""
MOST_PAGES = 50
ENDED = {
    "canceled": gettext_noop("It was cancelled at Replicate."),
    "aborted": gettext_noop("Replicate ended it before it began."),
}
"""The final statuses without an error; npm replicate 1.4 has `aborted`, the Python SDK not."""


class ReplicateJobs:
    """The jobs and models of one account. `url` is Replicate's address without `/v1`."""

    def __init__(self, token: str, url: str) -> None:
        self._token, self._url = token, url

    @property
    def sdk(self) -> Client:
        """The SDK's client."""
        return replicate_client_for(self._token, self._url)

    @property
    def http(self) -> httpx.Client:
        """The same host for what the SDK does not read safely."""
        return http_for(f"Bearer {self._token}", self._url)

    @cached_property
    def username(self) -> str:
        """Whose token it is. Raises `TryAgainLater`."""
        match self.read("/v1/account"):
            case {"username": str(username)}:
                return username
        raise unreadable(SERVICE, "the account has no username")

    def read(self, path: str) -> dict[str, Any]:
        """Get something that must be there. Raises `TryAgainLater`."""
        body = read(SERVICE, self.http, path)
        if body is None:
            raise unknown(SERVICE)
        return body

    def cancel(self, path: str) -> Cancelled:
        """End a job; the status that it has afterwards decides, whatever the answer was."""
        if self.read(path).get("status") not in {"starting", "processing"}:
            return Cancelled.OVER
        ask(SERVICE, self.http, "POST", f"{path}/cancel")
        match self.read(path):
            case {"status": "aborted"} | {"status": "canceled", "started_at": None}:
                return Cancelled.NOT_BEGUN
            case {"status": "canceled"}:
                return Cancelled.STOPPED
            case {"status": "succeeded" | "failed"}:
                return Cancelled.OVER
        return Cancelled.RUNS_ON

    def find(
        self,
        kind: Literal["trainings", "predictions"],
        model: str,
        sent_at: datetime,
        is_ours: Callable[[dict[str, Any]], bool | None],
    ) -> str | None:
        """Return the id of our job of a model, None if the list has none.

        `is_ours` answers None for a job that does not tell: input and output are removed after a
        while. Raises `TryAgainLater` for such a job, and if the list fails or breaks off.
        """
        complete = True
        for job in self._listed(f"/v1/{kind}"):
            if _created_at(job) < sent_at - SLACK:
                break  # Newest first.
            ours = is_ours(job) if job.get("model") == model else False
            if ours:
                return checked_job_id(job.get("id"))
            complete &= ours is not None
        if not complete:
            raise unreadable(SERVICE, "the list has jobs without their input")
        return None

    def make_model(self, name: str, *, hardware: str) -> None:
        """Create a private model, `owner/name`, unless it is there.

        Raises `TryAgainLater` and `GiveUp`.
        """
        if read(SERVICE, self.http, f"/v1/models/{name}") is None:
            owner, _, short = name.partition("/")
            with asking(SERVICE):
                self.sdk.models.create(owner, short, visibility="private", hardware=hardware)

    def newest_version(self, model: str) -> str:
        """Return the id of a model's newest version. Raises `TryAgainLater`."""
        match self.read(f"/v1/models/{model}"):
            case {"latest_version": {"id": str(version)}}:
                return version
        raise unreadable(SERVICE, f"{model} has no version")

    def has_version(self, model: str, sent_at: datetime) -> bool:
        """Say whether a model, if it is there, got a version since. Raises `TryAgainLater`."""
        body = read(SERVICE, self.http, f"/v1/models/{model}/versions") or {"results": []}
        return any(_created_at(version) >= sent_at - SLACK for version in _results(body))

    def _listed(self, path: str) -> Iterator[dict[str, Any]]:
        url = path
        for _ in range(MOST_PAGES):
            body = self.read(url)
            yield from _results(body)
            following = body.get("next")
            if following is None:
                return
            if not str(following).startswith(f"{self._url}/") or following == url:
                raise unreadable(SERVICE, "the list breaks off")
            url = following
        raise unreadable(SERVICE, "the list does not end")


def outcome_of(job: dict[str, Any]) -> Outcome[Any]:
    """Return how a training or a prediction is doing; its output as it is."""
    log = log_of([job.get("logs")])
    match job.get("status"):
        case "starting":
            return Pending(note=gettext("Waiting for a machine"), log=log)
        case "processing":
            return Pending(percent=percent_of(log), log=log)
        case "succeeded":
            return Succeeded(job.get("output"))
        case "failed":
            failed = gettext("{service} could not do it: {words}")
            return Failed(failed.format(service=SERVICE, words=words_of(job)))
        case status if status in ENDED:
            return Failed(gettext(ENDED[status]))
    logger.error("Replicate has a status that we do not know: %.100r", job.get("status"))
    return Pending(note=says(SERVICE, job.get("status")), log=log)


def _results(body: dict[str, Any]) -> list[dict[str, Any]]:
    results = body.get("results")
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise unreadable(SERVICE, "the list has no results")
    return results


def _created_at(one: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(one["created_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(SERVICE, "a date in the list") from error
