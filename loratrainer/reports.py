"""What browsers report about our content security policy: a line in the log each, within limits."""

from __future__ import annotations

import json
import logging
import time
from collections import deque

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

logger = logging.getLogger(__name__)

MAX_BYTES = 8_000
MAX_PER_MINUTE = 20
"""Lines of one process; a flood of reports tells nothing more than its beginning."""

_logged: deque[float] = deque(maxlen=MAX_PER_MINUTE)


@csrf_exempt
@login_not_required
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log a report (CSP Level 3, 5.3, or the Reporting API). Always 204: nobody is to be told."""
    if int(request.headers.get("Content-Length") or 0) <= MAX_BYTES and _has_room():
        try:
            logger.warning("Content security policy: %s", _summary(json.loads(request.body)))
        except (ValueError, RecursionError, RequestDataTooBig):
            logger.info("A report about the content security policy could not be read")
    return HttpResponse(status=204)


def _has_room() -> bool:
    now = time.monotonic()
    if len(_logged) == MAX_PER_MINUTE and now - _logged[0] < 60:
        return False
    _logged.append(now)
    return True


def _summary(report: object) -> str:
    """The facts that matter, one line, cut off; nothing of the report reaches the log as it is."""
    if isinstance(report, list):
        report = report[0] if report else {}
    body = report.get("csp-report") or report.get("body") if isinstance(report, dict) else None
    if not isinstance(body, dict):
        raise ValueError("not a report")
    names = {
        "directive": ("effective-directive", "effectiveDirective", "violated-directive"),
        "blocked": ("blocked-uri", "blockedURL"),
        "page": ("document-uri", "documentURL"),
    }
    found = {
        name: str(next((body[key] for key in keys if key in body), ""))[:200]
        for name, keys in names.items()
    }
    return json.dumps(found)
