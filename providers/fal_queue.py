"""fal.ai's queue and its list of requests, with every answer sorted for the caller.

https://fal.ai/docs/inference-api and https://fal.ai/docs/platform-apis; what they leave open is
named where it matters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import fal_client
from django.utils.translation import gettext as _

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.answers import (
    ask,
    checked_job_id,
    log_of,
    object_in,
    ordering,
    percent_of,
    read,
    says,
    troubled,
    unknown,
    unreadable,
    words_of,
)
from providers.base import Cancelled
from providers.sdk import fal_client_for, http_for

logger = logging.getLogger(__name__)

SERVICE = "fal.ai"
SLACK = timedelta(minutes=5)
"""By so much our clock and fal's may differ."""
PAGE, MOST_PAGES = 100, 50


class FalQueue:
    """The jobs of one account. An empty `url` means fal's real hosts."""

    def __init__(self, key: str, url: str) -> None:
        self._key, self._url = key, url
        self._http = http_for(f"Key {key}")
        platform = f"{url}/api" if url else "https://api.fal.ai"
        self._list_url = f"{platform}/v1/models/requests/by-endpoint"

    @property
    def sdk(self) -> fal_client.SyncClient:
        """The SDK's client; asked for at each use, because it keeps its addresses in globals."""
        return fal_client_for(self._key, self._url)

    def submit(self, endpoint: str, given: dict[str, Any], webhook_url: str) -> str:
        """Order a job and return its id. Raises what `ordering` raises."""
        sdk = self.sdk
        with ordering(SERVICE):
            handle = sdk.submit(endpoint, given, webhook_url=webhook_url or None)
            return checked_job_id(handle.request_id)

    def find(
        self,
        endpoint: str,
        sent_at: datetime,
        is_ours: Callable[[dict[str, Any]], bool],
        taken: Collection[str] = (),
    ) -> str | None:
        """Return the id of the job with our input, None if the list has none.

        Raises `TryAgainLater` if the list fails, breaks off, or hides the input of any job.
        """
        start = (sent_at - SLACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        complete = True
        for item in self._listed(endpoint, start=start):
            given, job_id = item.get("json_input"), item.get("request_id")
            if not isinstance(given, dict):
                complete = False
            elif is_ours(given) and isinstance(job_id, str) and job_id not in taken:
                return job_id
        if not complete:
            raise unreadable(SERVICE, "the list has requests without their input")
        return None

    def check(self, endpoint: str, job_id: str) -> Outcome[dict[str, Any]]:
        """Ask for the status, and for the output if there is one."""
        body = self._status(endpoint, job_id)
        if not body:
            return self._remembered(endpoint, job_id)
        entries = body.get("logs") or []
        log = log_of(entry.get("message") for entry in entries if isinstance(entry, dict))
        match body.get("status"):
            case "IN_QUEUE":
                position = body.get("queue_position")  # Counted from 0.
                if not isinstance(position, int) or position < 0:
                    return Pending(note=_("In the queue"))
                place = _("Number {number} in the queue").format(number=position + 1)
                return Pending(note=place, position=position)
            case "IN_PROGRESS":
                return Pending(percent=percent_of(log), log=log)
            case "COMPLETED":
                return self._result(endpoint, job_id, body)
            case status:
                logger.error("fal.ai has a status that we do not know: %.100r", status)
                return Pending(note=says(SERVICE, status), log=log)

    def cancel(self, endpoint: str, job_id: str) -> Cancelled:
        """Take a job out of the queue, or ask its runner to stop.

        https://fal.ai/docs/inference-api/queue/cancel: only what waits is removed for certain. What
        the status is afterwards is not documented, so every one has its place here.
        """
        before = self._status(endpoint, job_id)
        if not before:
            raise unknown(SERVICE)
        if before.get("status") == "COMPLETED":
            return Cancelled.OVER
        url = self.sdk.get_handle(endpoint, job_id).cancel_url
        answer = ask(SERVICE, self._http, "PUT", url)
        if answer.status_code >= 500:
            raise troubled(SERVICE, answer.status_code)
        after = self._status(endpoint, job_id)
        match after.get("status"):
            case "COMPLETED" if not after.get("error"):
                return Cancelled.OVER
            case "IN_PROGRESS":
                return Cancelled.RUNS_ON
            case _ if before.get("status") == "IN_QUEUE" and answer.is_success:
                return Cancelled.NOT_BEGUN
            case "COMPLETED" | None:
                return Cancelled.STOPPED
        return Cancelled.RUNS_ON

    def _status(self, endpoint: str, job_id: str) -> dict[str, Any]:
        """Return the status as fal has it; an empty one for a job that its queue does not know."""
        url = self.sdk.get_handle(endpoint, job_id).status_url
        return read(SERVICE, self._http, url, logs=1) or {}

    def _result(
        self, endpoint: str, job_id: str, status: dict[str, Any]
    ) -> Outcome[dict[str, Any]]:
        """Get the output; a failed job answers with its failure and an HTTP status of its own."""
        url = self.sdk.get_handle(endpoint, job_id).response_url
        answer = ask(SERVICE, self._http, "GET", url)
        if answer.is_success:
            return Succeeded(object_in(SERVICE, answer))
        error = status.get("error")
        if answer.status_code == 404 and not error:
            return self._remembered(endpoint, job_id)
        is_its_own = "x-fal-error-type" in answer.headers or 400 <= answer.status_code < 500
        if not is_its_own and not error:
            raise troubled(SERVICE, answer.status_code)
        return _failed(answer if is_its_own else {"detail": error})

    def _remembered(self, endpoint: str, job_id: str) -> Outcome[dict[str, Any]]:
        """Take the output from the list: the queue keeps it for an hour, the list for 30 days.

        https://fal.ai/docs/inference-api/queue/result
        https://fal.ai/docs/documentation/model-apis/media-expiration
        """
        for item in self._listed(endpoint, request_id=job_id):
            code, output = item.get("status_code"), item.get("json_output")
            if item.get("request_id") == job_id and isinstance(code, int):
                if code >= 400:
                    return _failed(output)
                if isinstance(output, dict):
                    return Succeeded(output)
        raise unknown(SERVICE)

    def _listed(self, endpoint: str, **narrowed: str) -> list[dict[str, Any]]:
        """Return fal's list of our requests, all pages of it.

        https://fal.ai/docs/platform-apis/v1/models/requests/by-endpoint: sorted by their end, so
        that no page tells that the next ones are too old.
        """
        query: dict[str, str | int] = {
            "endpoint_id": endpoint,
            "expand": "payloads",
            "limit": PAGE,
            **narrowed,
        }
        items: list[dict[str, Any]] = []
        for _turn in range(MOST_PAGES):
            body = read(SERVICE, self._http, self._list_url, **query) or {}
            page, cursor = body.get("items"), body.get("next_cursor")
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise unreadable(SERVICE, "the list of requests has no items")
            items += page
            if body.get("has_more") is False and not cursor:
                return items
            if not isinstance(cursor, str) or cursor == query.get("cursor"):
                raise unreadable(SERVICE, "the list of requests breaks off")
            query["cursor"] = cursor
        raise unreadable(SERVICE, "the list of requests does not end")


def _failed(answer: Any) -> Failed:
    return Failed(f"fal.ai could not do it: {words_of(answer)}")
