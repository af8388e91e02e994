"""What the API says when something goes wrong: problem details in words (RFC 9457), always."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from loratrainer.outcomes import TryAgainLater

type View = Callable[[HttpRequest], HttpResponse]

MEDIA_TYPE = "application/problem+json"
BELOW = "/api/"
NOT_BELOW = "/api/webhook/"
"""Webhooks are read by no person; they have answers of their own."""

WORDS: dict[int, tuple[str | Promise, str | Promise]] = {
    400: (_("That could not be read"), _("Something in what was sent is not as it must be.")),
    401: (
        _("Say which wallet you work for"),
        _("Send an API key of yours in the header: Authorization: Bearer lt_…"),
    ),
    402: (_("The balance is too low"), _("Pay on the site first; nothing was begun.")),
    403: (_("That is not yours to do"), _("It came from another site, or from an old page.")),
    404: (
        _("Nothing hangs here"),
        _("The address may be cut off, or its owner has hidden or deleted what was here."),
    ),
    405: (_("That cannot be done here"), _("The header Allow says which methods can.")),
    409: (_("It has gone on meanwhile"), _("That cannot be done any more, or not yet.")),
    413: (_("That is more than we take at once"), _("Send less, or smaller files.")),
    415: (_("We do not read that here"), _("The documentation says which type to send.")),
    422: (_("Something in it is not right"), _("Each of the errors says what and where.")),
    429: (_("That was the last one for now"), _("The header Retry-After says how long to wait.")),
    500: (
        _("Something broke on our side"),
        _("It is in our log. What was running keeps running. Try again in a minute."),
    ),
    503: (_("Back in a few minutes"), _("Nothing is lost. Try again when Retry-After says so.")),
}
"""A title and a sentence for each status that the API answers with."""


class Problem(Exception):
    """What was asked is not done; `detail` says why, `more` are members for programs."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers or {}, more


class Invalid(Problem):
    """422: `errors` are sentences by the place that each is about."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(422, errors=list(errors))


def document(status: int, detail: str = "", **more: Any) -> dict[str, Any]:
    """Return the members of a problem (RFC 9457, 3.1)."""
    title, usual = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    return {
        "type": f"{settings.SITE_URL}/api/docs#problem-{status}",
        "title": str(title),
        "status": status,
        "detail": detail or str(usual),
        **more,
    }


def answer(problem: Problem) -> HttpResponse:
    """Return the response that says it."""
    body = json.dumps(document(problem.status, problem.detail, **problem.more), ensure_ascii=False)
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return HttpResponse(body, status=problem.status, content_type=MEDIA_TYPE, headers=headers)


def middleware(get_response: View) -> View:
    """Turn every error page below /api/ into a problem, whoever wrote it: Django, we, a guard."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_ours = request.path.startswith(BELOW) and not request.path.startswith(NOT_BELOW)
        if not is_ours or response.status_code < 400 or response.streaming:
            return response
        if response.headers.get("Content-Type") != MEDIA_TYPE:
            response.content = answer(Problem(response.status_code)).content
            response.headers["Content-Type"] = MEDIA_TYPE
            response.headers["Cache-Control"] = "no-store"
        return response

    return respond


def add_handlers(api: NinjaAPI) -> None:
    """Have the API answer with problems. What is not listed here is Django's, then ours above."""
    problems: dict[type[Exception], Callable[[Any], Problem]] = {
        Problem: lambda exc: exc,
        Http404: lambda _exc: Problem(404),
        AuthenticationError: lambda _exc: Problem(401),
        HttpError: lambda exc: Problem(exc.status_code),
        RequestDataTooBig: lambda _exc: Problem(413),
        TryAgainLater: lambda exc: Problem(503, str(exc), headers={"Retry-After": "10"}),
        ValidationError: of_validation,
    }
    for kind, problem_of in problems.items():
        api.add_exception_handler(kind, partial(_answer, problem_of))


def _answer(
    problem_of: Callable[[Any], Problem], request: HttpRequest, exc: Exception
) -> HttpResponse:
    return answer(problem_of(exc))


def of_validation(exc: ValidationError) -> Problem:
    """Return the problem of what does not fit the schema: 400 for headers, else 422."""
    errors = [place(error["loc"]) | {"detail": sentence(error)} for error in exc.errors]
    if any("header" in error for error in errors):
        return Problem(400, errors=errors)
    return Invalid(errors)


def place(loc: Sequence[str | int]) -> dict[str, str]:
    """Say where: a `pointer` into the body (RFC 6901), or the name of a parameter or header."""
    source, *rest = loc
    name = str(rest[-1]) if rest else ""
    match source:
        case "query" | "path":
            return {"parameter": name}
        case "header":
            return {"header": name.replace("_", "-")}
        case "body":
            # The first part is the name of the argument in our code.
            return {"pointer": "#" + "".join(f"/{part}" for part in rest[1:])}
        case _:
            return {"pointer": "#" + "".join(f"/{part}" for part in rest)}


def sentence(error: Mapping[str, Any]) -> str:
    """Return pydantic's message as a sentence."""
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text if text.endswith(".") else f"{text}."
