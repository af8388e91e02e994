"""Who logs what, and how it is written; what a line looks like says `loratrainer/logs.py`."""

from __future__ import annotations

from typing import Any


def logging_of(level: str, *, is_local: bool) -> dict[str, Any]:
    """Return LOGGING (docs.djangoproject.com, "Logging"): lines for people, or JSON."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "loratrainer.logs.Context"}},
        "formatters": {
            "plain": {"()": "loratrainer.logs.Plain", "fmt": "%(levelname)s %(name)s: %(message)s"},
            "json": {"()": "loratrainer.logs.Json"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "plain" if is_local else "json",
                "filters": ["context"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django hangs a handler of its own here, which would say everything twice.
            "django": {"handlers": [], "level": "INFO"},
            # Their every-second successes would drown what matters; jobs log their own moves.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            # A line for each request; locally the web server prints them.
            "loratrainer.logs": {"level": "WARNING" if is_local else "INFO"},
        },
    }
