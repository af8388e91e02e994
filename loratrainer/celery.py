"""The doorbell: Celery carries (kind, id) and nothing else; Postgres is the truth."""

from __future__ import annotations

import os

from celery import Celery

from loratrainer import folder  # noqa: F401 - gives the broker of a local installation its name

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loratrainer.settings")

app = Celery("loratrainer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["loratrainer"])
