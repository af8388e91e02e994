"""Mail to an address that was confirmed, by the server in the settings: plain text, once."""

from __future__ import annotations

import logging
import smtplib
from contextlib import suppress
from email.policy import default
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from loratrainer.outcomes import GiveUp, TryAgainLater
from wallets.notices import CONFIRM, Notice, Status

logger = logging.getLogger(__name__)

LINE_LENGTH = 990
"""A line of a mail may have 998 bytes (RFC 5322, 2.1.1)."""


class Mail(EmailMessage):
    """A mail whose links stay whole: Python folds a long header in a way that no program undoes."""

    def message(self, *, policy: Any = default) -> Any:
        """Write it in lines as long as they may be."""
        return super().message(policy=policy.clone(max_line_length=LINE_LENGTH))


def mail(notice: Notice) -> None:
    """Send it, once: what the server surely refused may be tried again, what is in doubt not."""
    if notice.sent_at is not None:
        notice.doubt()
        return
    message, connection = message_of(notice), mailers.default
    try:
        open_(connection)
        notice.mark_sent()
        deliver(notice, message, connection)
    finally:
        with suppress(OSError):
            connection.close()


def open_(connection: Any) -> None:
    """Greet the server, before anything is marked. Raises `TryAgainLater`."""
    try:
        connection.open()
    except OSError as exc:
        logger.warning("The mail server is away: %r", exc)
        raise TryAgainLater(_("Our mail server did not answer.")) from exc


def deliver(notice: Notice, message: EmailMessage, connection: Any) -> None:
    """Hand it to the server, whose answer alone says that it was refused (RFC 5321, 4.2)."""
    try:
        connection.send_messages([message])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as exc:
        code = code_of(exc)
        logger.warning("A mail was refused with %s", code)
        if 400 <= code < 500:
            notice.take_back()
            raise TryAgainLater(
                _("The mail was not taken yet ({code}).").format(code=code)
            ) from exc
        raise GiveUp(_("The mail was refused ({code}).").format(code=code)) from exc
    except OSError as exc:
        logger.warning("A mail is in doubt: %r", exc)
        notice.doubt()
        return
    notice.move(Status.SENT, due_in=None)


def code_of(refusal: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> int:
    """Return the server's answer: of the address that it refused, or of the whole mail."""
    if isinstance(refusal, smtplib.SMTPResponseException):
        return refusal.smtp_code
    return max(code for code, _words in refusal.recipients.values())


def message_of(notice: Notice) -> EmailMessage:
    """Write the mail, with the two headers by which a mail program ends them (RFC 8058)."""
    destination = notice.destination
    path = reverse("wallets:unsubscribe", args=[destination.unsubscribe_token])
    url = settings.SITE_URL + path
    context = {
        "notice": notice,
        "unsubscribe_url": url,
        "asks": notice.event == CONFIRM,
        "SITE_NAME": settings.SITE_NAME,
    }
    host = settings.SITE_HOST.partition(":")[0]
    return Mail(
        subject=f"{settings.SITE_NAME}: {notice.title}",
        body=render_to_string("wallets/mail.txt", context),
        to=[destination.address],
        headers={
            # The same each time, so that a mail program would know a second one.
            "Message-ID": f"<{notice.pk}@{host}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
