"""What the logs say, and what they never say.

In production each line is one JSON object, with the id of its request or of its task and job. No
line holds a secret: whatever a message, an argument or a traceback brings along, the formatter that
writes the line takes out what looks like one, and what the settings say is one.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import uuid4

from celery import current_task
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from pythonjsonlogger.json import JsonFormatter

from loratrainer.environment import env

type View = Callable[[HttpRequest], HttpResponse]

logger = logging.getLogger(__name__)

HIDDEN = "[hidden]"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SHORTEST_SECRET = 8
"""What is shorter is no secret, and would be found in ordinary words."""
SECRETS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern, re.IGNORECASE), kept)
    for pattern, kept in [
        # Keys of this site's own API.
        (r"\blt_[\w-]{20,}", f"lt_{HIDDEN}"),
        # Credentials in headers, whatever their scheme.
        (r"\b(bearer|basic|token|key)( +|%20)[\w.~+/=:-]{16,}", rf"\1 {HIDDEN}"),
        (r"""\b((?:set-)?cookie['"]?: *['"]?)[^'"\r\n]+""", rf"\1{HIDDEN}"),
        (
            r"((?:session(?:id)?|csrf(?:token|middlewaretoken)|browser)=)[^;&\s'\"\\]+",
            rf"\1{HIDDEN}",
        ),
        # The tokens of webhooks, of the archives that are named for them, and of files of ours.
        (r"(/api/(?:webhook/[\w-]+|weights)/)[^/?\s'\"\\]+", rf"\1{HIDDEN}"),
        (r"(\barchives/)[\w-]{16,}", rf"\1{HIDDEN}"),
        (r"(/files/)[^/\s'\"\\]+", rf"\1{HIDDEN}"),
        # Drafts on their way to another browser.
        (r"(/h/)[\w-]{16,}", rf"\1{HIDDEN}"),
        # The links in our mails, and what the webhooks of wallets are signed with.
        (r"(/wallet/notices/(?:confirm|unsubscribe)/)[^/?\s'\"\\]+", rf"\1{HIDDEN}"),
        (r"\bwhsec_[\w+/=-]{16,}", f"whsec_{HIDDEN}"),
        # What signs an address of a storage, and what stands before the host of any.
        (
            r"((?:signature|credential|token|secret|password|api_?key)=)[^&;\s'\"\\]+",
            rf"\1{HIDDEN}",
        ),
        (r"(\w://)[^/@\s'\"\\]+@", rf"\1{HIDDEN}@"),
        # Signatures of wallets, of 65 bytes or more; a transaction's hash has 32.
        (r"\b0x[0-9a-f]{128,}", f"0x{HIDDEN}"),
        # Wallets are told apart by less than their whole address.
        (r"\b(0x[0-9a-f]{4})[0-9a-f]{32}([0-9a-f]{4})\b", r"\1…\2"),
    ]
]

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def redact(text: str) -> str:
    """Return the text without what looks like a secret, and without those of the settings."""
    for secret in _secrets_of_settings():
        text = text.replace(secret, HIDDEN)
    for pattern, kept in SECRETS:
        text = pattern.sub(kept, text)
    return text


def _secrets_of_settings() -> Iterable[str]:
    if not settings.configured:
        return
    named = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    named += [settings.FAL_KEY, settings.REPLICATE_API_TOKEN]
    named += [settings.DATABASES["default"].get("PASSWORD", "")]
    named += [env.str("REFUND_PRIVATE_KEY", "").strip().removeprefix("0x")]
    named += [settings.METRICS_TOKEN, settings.VAPID_PRIVATE_KEY]
    named += [settings.MAILERS["default"].get("OPTIONS", {}).get("password", "")]
    options = settings.STORAGES["default"].get("OPTIONS", {})
    named += [options.get("access_key", ""), options.get("secret_key", "")]
    yield from (secret for secret in named if secret and len(secret) >= SHORTEST_SECRET)


class Context(logging.Filter):
    """Adds what a line belongs to: `request_id`, or `task_id` and `job`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if request_id := _request_id.get():
            record.request_id = request_id
        if current_task and current_task.request.id:
            record.task_id = current_task.request.id
            record.job = " ".join(str(argument) for argument in current_task.request.args or ())
        return True


class Plain(logging.Formatter):
    """For people: one line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback if there is one."""
        return redact(super().format(record))


class Json(JsonFormatter):
    """For programs: one JSON object a line, without secrets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            *args,
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
            timestamp="at",
            **kwargs,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Return what is written, without secrets; a whole request says nothing that helps."""
        return {name: clean(value) for name, value in log_data.items() if name != "request"}


def clean(value: Any) -> Any:
    """Return a value of a record without secrets, whatever it consists of."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {clean(key): clean(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [clean(each) for each in value]
        case bool() | int() | float() | datetime() | None:
            return value
        case _:
            return redact(str(value))


def middleware(get_response: View) -> View:
    """Give each request an id, which its lines and its response carry; write one line about it.

    A proxy before us may have given it one (`X-Request-ID`); what is no such id is replaced.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        token, began = _request_id.set(request_id), time.perf_counter()
        try:
            response = get_response(request)
            facts = {
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.perf_counter() - began) * 1000),
            }
            logger.info("%(method)s %(path)s %(status)d %(ms)d ms", facts, extra=facts)
        finally:
            _request_id.reset(token)
        response.headers["X-Request-ID"] = request_id
        return response

    return respond
