"""The site's settings, and a kind of job that only the tests have."""

from __future__ import annotations

from loratrainer.settings import *  # noqa: F403
from loratrainer.settings import INSTALLED_APPS, LOADERS, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.errands"]
REPORT_CARDS = False
"""Tests of other things need no twelve images more; those of report cards say so."""

# As in production; reading each template anew takes a quarter of a test of a view.
TEMPLATES[0]["OPTIONS"] |= {"loaders": [("django.template.loaders.cached.Loader", LOADERS)]}
