"""What a service's answer means for the caller, and its words made readable for people."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from fal_client import FalClientHTTPError
from replicate.exceptions import ReplicateError

from loratrainer.outcomes import Failed, GiveUp, TryAgainLater
from providers.base import Doubt

logger = logging.getLogger(__name__)

ACCOUNT = {401, 402, 403}
"""Our key, our balance or our rights: fal answers 403 to an account without money."""
LATER = {408, 409, 425, 429}
ACCOUNT_WORDS = gettext_noop("The training service refuses our account. We have been told.")
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures before the first byte of a request: no name, no connection, no TLS."""
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
LONGEST_WORDS = 300
LONGEST_LINE = 500
MOST_LINES = 2000
BAR = re.compile(r"\d+%\|[^|]*\|\s*(\d+)/(\d+)")
"""A line of tqdm; Replicate's trainer puts its name in front of it."""
SHORTEST_BAR = 100
"""Bars of fewer steps count captions and downloads: no training here has fewer than 100 steps."""


@contextmanager
def ordering(service: str) -> Iterator[None]:
    """Sort what goes wrong with a call that spends money; nothing else may stand inside.

    A 4xx was certainly not accepted. A 5xx proves nothing: it may come from any machine behind the
    one that took the order.
    """
    try:
        yield
    except UNSENT as error:
        raise TryAgainLater(_("{service} cannot be reached.").format(service=service)) from error
    except (FalClientHTTPError, ReplicateError) as error:
        status, words = _heard(error)
        if status in ACCOUNT:
            _report_account(service, status, words)
            raise GiveUp(_(ACCOUNT_WORDS)) from error
        if status == 429:
            raise slow_down(service) from error
        if 400 <= status < 500 and status not in LATER:
            if status == 404:
                logger.error("%s does not know what we order: %s", service, words)
            refused = _("{service} refused the order: {words}")
            raise GiveUp(refused.format(service=service, words=words)) from error
        logger.warning("An order to %s is in doubt: HTTP %d, %s", service, status, words)
        raise Doubt(f"{service} answered with HTTP {status}.") from error
    except Exception as error:
        # Even a bug of ours, or of the SDK, may have struck after the order was sent.
        logger.warning("An order to %s is in doubt: %r", service, error)
        raise Doubt(f"{service} gave no answer that we can read.") from error


@contextmanager
def asking(service: str) -> Iterator[None]:
    """Sort what goes wrong with an SDK's call that is free to repeat."""
    try:
        yield
    except (FalClientHTTPError, ReplicateError, httpx.HTTPStatusError) as error:
        status, words = _heard(error)
        if status in ACCOUNT:
            _report_account(service, status, words)
            raise GiveUp(_(ACCOUNT_WORDS)) from error
        if 400 <= status < 500 and status not in LATER:
            raise GiveUp(
                _("{service} refused: {words}").format(service=service, words=words)
            ) from error
        raise troubled(service, status) from error
    except httpx.HTTPError as error:
        raise TryAgainLater(_("{service} did not answer.").format(service=service)) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise unreadable(service, repr(error)) from error


def ask(
    service: str, http: httpx.Client, method: str, url: str, **params: str | int
) -> httpx.Response:
    """Send a request that is free to repeat, and return any answer that is about what was asked.

    Raises `TryAgainLater` for no answer, and for one about our account or our haste: neither says
    anything about the job.
    """
    try:
        response = http.request(method, url, params=params or None)
    except httpx.HTTPError as error:
        raise TryAgainLater(_("{service} did not answer.").format(service=service)) from error
    if response.status_code in ACCOUNT:
        _report_account(service, response.status_code, words_of(response))
        words = _("{service} does not let us ask at the moment. We have been told.")
        raise TryAgainLater(words.format(service=service))
    if response.status_code in LATER:
        raise slow_down(service)
    return response


def read(service: str, http: httpx.Client, url: str, **params: str | int) -> dict[str, Any] | None:
    """Get a JSON object; None means that the service knows of nothing there (404).

    Raises `TryAgainLater` for everything else.
    """
    response = ask(service, http, "GET", url, **params)
    return None if response.status_code == 404 else object_in(service, response)


def object_in(service: str, response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises `TryAgainLater` for errors and other things."""
    if not response.is_success:
        raise troubled(service, response.status_code)
    body = _json(response)
    if not isinstance(body, dict):
        raise unreadable(service, f"{response.request.url.path} is not a JSON object")
    return body


def says(service: str, status: object) -> str:
    """Say the service's own name of a status that we do not know."""
    return _("{service} says: {words}").format(service=service, words=plain(str(status)))


def unknown(service: str) -> TryAgainLater:
    """Return what to raise for a job that must be there and is not."""
    words = _("{service} does not know this job at the moment.")
    return TryAgainLater(words.format(service=service))


def slow_down(service: str) -> TryAgainLater:
    """Return what to raise when we have asked too much."""
    return TryAgainLater(_("{service} asks us to slow down.").format(service=service))


def troubled(service: str, status: int) -> TryAgainLater:
    """Return what to raise for an HTTP status that says nothing about what was asked."""
    words = _("{service} answered with HTTP {status}.")
    return TryAgainLater(words.format(service=service, status=status))


def unreadable(service: str, why: str) -> TryAgainLater:
    """Log an answer that is not as documented, and return what to raise for it."""
    logger.error("%s gave an answer that we cannot read: %s", service, plain(why))
    words = _("{service} gave an answer that we cannot read.")
    return TryAgainLater(words.format(service=service))


def useless(
    service: str, job_id: str, what: Literal["images", "weights", "caption", "cutout"]
) -> Failed:
    """Log a result of another shape than documented, and return the answer for it."""
    logger.error("%s gave no %s for %s", service, what, job_id)
    words = {
        "images": _("{service} finished, but without images that we can read."),
        "weights": _("{service} finished, but without weights that we can read."),
        "caption": _("{service} found no words for this image."),
        "cutout": _("{service} finished, but without an image that we can read."),
    }
    return Failed(words[what].format(service=service))


def checked_job_id(value: object) -> str:
    """Return a job id that can stand in a URL's path. Raises `ValueError`."""
    if not isinstance(value, str) or not JOB_ID.fullmatch(value):
        raise ValueError(f"{value!r:.120} is not a job id.")
    return value


def words_of(answer: httpx.Response | Any) -> str:
    """Return what an error, as an answer or as its JSON, says, in one line.

    fal: `detail` is a text or an array of pydantic's errors
    (https://fal.ai/docs/documentation/model-apis/errors), its platform API has
    `{"error": {"message"}}`. Replicate: problem details (RFC 9457).
    """
    body = answer
    if isinstance(answer, httpx.Response):
        body = _json(answer)
        if body is None:
            return f"HTTP {answer.status_code}"
    if isinstance(body, dict):
        error = body.get("error")
        body = body.get("detail") or (error.get("message") if isinstance(error, dict) else error)
    if isinstance(body, list):
        body = "; ".join(_detail(one) for one in body)
    return plain(body) if isinstance(body, str) and body.strip() else _("no reason given")


def plain(text: str, longest: int = LONGEST_WORDS) -> str:
    """Return somebody else's text on one line, without the secrets that signed URLs carry."""
    unsigned = re.sub(r"(https?://[^\s?#]+)[?#]\S*", r"\1", text)
    printable = "".join(char if char.isprintable() else " " for char in unsigned)
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def log_of(texts: Iterable[object]) -> tuple[str, ...]:
    """Return a job's log as lines, the last 2000 of them at most."""
    lines = [
        plain(line, LONGEST_LINE)
        for text in texts
        if isinstance(text, str)
        for line in text.splitlines()
        if line.strip()
    ]
    return tuple(lines[-MOST_LINES:])


def percent_of(log: Iterable[str]) -> int | None:
    """Return how far the log's newest progress bar is, 0 to 100."""
    percent = None
    for line in log:
        for done, total in BAR.findall(line):
            if int(total) >= SHORTEST_BAR:
                percent = min(100, 100 * int(done) // int(total))
    return percent


def _heard(error: FalClientHTTPError | ReplicateError | httpx.HTTPStatusError) -> tuple[int, str]:
    if isinstance(error, ReplicateError):
        said = ": ".join(text for text in (error.title, error.detail) if text)
        return error.status or 0, plain(said) or _("no reason given")
    return error.response.status_code, words_of(error.response)


def _detail(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    where = one.get("loc")
    place = ".".join(str(part) for part in where[1:]) if isinstance(where, list) else ""
    return f"{place}: {one.get('msg')}" if place else str(one.get("msg"))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _report_account(service: str, status: int, words: str) -> None:
    logger.critical("%s refuses our account (HTTP %d): %s", service, status, words)
