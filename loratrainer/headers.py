"""Response headers that Django has no setting for, and the guard on where requests come from."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from loratrainer.errors import permission_denied

type View = Callable[[HttpRequest], HttpResponse]

PERMISSIONS_POLICY = "clipboard-write=(self), " + ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "serial",
        "usb",
    )
)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def middleware(get_response: View) -> View:
    """Add the headers of every response; refuse changes that another site sends here.

    Browsers say where a request comes from in `Sec-Fetch-Site` (W3C Fetch Metadata). Programs say
    nothing, and are let through: the CSRF token and the API key decide about them.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        site = request.headers.get("Sec-Fetch-Site", "none")
        if request.method not in SAFE_METHODS and site not in {"same-origin", "none"}:
            response = permission_denied(request, PermissionError(_("It came from another site.")))
        else:
            response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Reporting-Endpoints", 'csp="/csp-report"')
        if response.has_header("Set-Cookie") or _knows_the_person(request):
            # The back button after signing out must not show a private page.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return respond


def _knows_the_person(request: HttpRequest) -> bool:
    """Whether the view has read the session: what it answered may be for one person only."""
    return bool(getattr(getattr(request, "session", None), "accessed", False))
