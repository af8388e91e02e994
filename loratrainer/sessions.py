"""Sessions in the database, of which an anonymous one outlives signing in by a moment."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db.models.functions import Now

LINGERS_IN = timedelta(minutes=1)


class SessionStore(DatabaseSessions):
    """Django's sessions, except that signing in does not pull them away under other requests.

    A page asks for many things at once. What was on its way with the old cookie while somebody
    signed in would find no session, and Django would answer it by taking away the cookie, which is
    the new one by then: whoever had just signed in would be nobody, without their draft. So a
    session in which nobody was signed in stays for a minute; it never becomes more than that.
    """

    def cycle_key(self) -> None:
        """Go on under a new key, with the same content."""
        content, before = dict(self.items()), self.session_key
        if before is None or SESSION_KEY in content:
            super().cycle_key()
            return
        self.create()
        self._session_cache = content
        old = self.get_model_class().objects.filter(session_key=before)
        old.update(expire_date=Now() + LINGERS_IN)


def sweep() -> None:
    """Remove the sessions that are over; nobody can open them any more."""
    SessionStore.get_model_class().objects.filter(expire_date__lte=Now()).delete()
