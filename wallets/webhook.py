"""A webhook of the owner's own: signed, and repeated with the same id until it is acknowledged.

Standard Webhooks (https://www.standardwebhooks.com): a receiver knows by `webhook-id` what it has
had already, so sending again after doubt is right here, where it would be wrong for mail and push.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook

from loratrainer.outcomes import GiveUp, TryAgainLater
from loratrainer.posting import post
from wallets.notices import Notice, Status

WEBHOOK_SECONDS = 15.0


def webhook(notice: Notice) -> None:
    """Send it; every answer but 2xx is a failure, and a redirect is not followed."""
    destination = notice.destination
    body = json.dumps(notice.body)
    notice.mark_sent()
    status = post(
        destination.address,
        body.encode(),
        headers=headers_of(notice, body),
        allowed=settings.FETCH_HOSTS["webhook"],
        timeout_in=WEBHOOK_SECONDS,
    )
    if 200 <= status < 300:
        notice.move(Status.SENT, due_in=None)
    elif status == 410:
        destination.disable(_("It answered HTTP 410: it wants no more."))
        raise GiveUp(_("It answered HTTP 410: it wants no more."))
    elif 300 <= status < 400:
        words = _("It answered HTTP {status}: we do not follow redirects.")
        raise TryAgainLater(words.format(status=status))
    else:
        raise TryAgainLater(_("It answered HTTP {status}.").format(status=status))


def headers_of(notice: Notice, body: str) -> dict[str, str]:
    """Sign a body; the timestamp is of this try, the id of the notice."""
    message_id, now = f"msg_{notice.pk.hex}", datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(notice.destination.secret).sign(message_id, now, body),
    }
