"""Every setting, read from the environment. `.env.example` explains each one.

Without `SECRET_KEY` this is a local installation: the database, the broker and the outside worlds
(`loratrainer/worlds.py`) that have no address of their own are those that `make run` starts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from loratrainer import embedded
from loratrainer.environment import BASE_DIR, LOCAL, VAR_DIR, env
from loratrainer.log_settings import logging_of
from loratrainer.storages import storage_of
from loratrainer.worlds import *  # noqa: F403 - the settings of the outside worlds

# --- Where we are ---------------------------------------------------------------------------------

SECRET_KEY: str = env.str("SECRET_KEY", "") or embedded.secret_key(VAR_DIR)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
DEBUG: bool = env.bool("DEBUG", False)

SITE_NAME: str = env.str("SITE_NAME", "LoRA Trainer")
PORT: int = env.int("PORT", 8000)
MAINTENANCE: bool = env.bool("MAINTENANCE", False)
SITE_URL: str = (env.str("SITE_URL", "") or f"http://localhost:{PORT}").rstrip("/")
SITE_HOST = SITE_URL.partition("://")[2]
if not SITE_URL.startswith(("http://", "https://")) or "/" in SITE_HOST:
    raise ImproperlyConfigured(
        f"SITE_URL must be an origin like https://lora.example, not {SITE_URL!r}."
    )
HTTPS = SITE_URL.startswith("https://")
PROXY_HOPS: int = env.int("PROXY_HOPS", 0)
"""How many proxies of ours stand in front, each adding one entry to X-Forwarded-For."""

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [SITE_HOST.partition(":")[0]])
ROOT_URLCONF = "loratrainer.urls"
WSGI_APPLICATION = "loratrainer.wsgi.application"
APPEND_SLASH = False  # Addresses end as they are written, and a webhook must never meet a redirect.

INSTALLED_APPS = [
    "loratrainer.admin_site.Config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "loratrainer",
    "wallets",
    "datasets",
    "payments",
    "trainings",
    "generations",
    "gallery",
]

MIDDLEWARE = [
    "loratrainer.logs.middleware",
    # Headers first, so that static files and early refusals carry them too.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "loratrainer.languages.middleware",
    "gallery.api_problems.middleware",
    "loratrainer.headers.middleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "loratrainer.compression.PublicGZipMiddleware",
    "loratrainer.errors.maintenance",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "loratrainer.csrf.CsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

LOADERS = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": LOADERS if LOCAL else [("django.template.loaders.cached.Loader", LOADERS)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "loratrainer.context.site",
            ],
        },
    }
]

# --- Where things are kept ------------------------------------------------------------------------

DATABASE_URL: str = env.str("DATABASE_URL", "") or embedded.database_url(VAR_DIR)
DATABASES: dict[str, Any] = {
    "default": {
        **dj_database_url.parse(DATABASE_URL),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGE: str = env.str("STORAGE", "") or "disk"
STORAGES: dict[str, Any] = {
    "default": storage_of(STORAGE, var=VAR_DIR),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "loratrainer.static.HashedStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = LOCAL
SENDFILE_HEADER: str = env.str("SENDFILE_HEADER", "")
SENDFILE_ROOT: str = env.str("SENDFILE_ROOT", "/internal-files")
"""How the web server before us is told to send a file of the disk: see `datasets/ranges.py`."""

# --- Work -----------------------------------------------------------------------------------------

REDIS_URL: str = env.str("REDIS_URL", "")
CELERY_BROKER_URL = REDIS_URL or "folder://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        # A lost message costs one sweep, so Redis may give a dead worker's messages back early.
        "visibility_timeout": 300,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        # What cannot be sent now is not worth a person's waiting: kombu would try for 6 s.
        "max_retries": 0,
    }
    if REDIS_URL
    else embedded.broker_options(VAR_DIR)
)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_LOST_WAIT = 2.0
CELERY_TASK_TIME_LIMIT = 900
JOB_LEASE = timedelta(seconds=env.float("JOB_LEASE_SECONDS", 120))
SWEEPS = [
    "loratrainer.sessions.sweep",
    "wallets.models.sweep_challenges",
    "wallets.destinations.sweep",
    "datasets.archives.sweep",
    "datasets.retouches.sweep",
]
"""Functions without arguments that every sweep calls; each must be cheap when nothing is to do."""
METRICS_TOKEN: str = env.str("METRICS_TOKEN", "")
METRICS = [
    "payments.metrics.measure",
    "trainings.metrics.measure",
    "generations.metrics.measure",
]
"""Functions without arguments that yield what /metrics says, beside the work itself."""
SWEEP_EVERY = timedelta(seconds=env.float("SWEEP_SECONDS", 2))
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "loratrainer.tasks.sweep",
        "schedule": SWEEP_EVERY,
        # While every worker is busy, sweeps would pile up in the queue.
        "options": {"expires": 10},
    }
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "wallets.Wallet"
AUTHENTICATION_BACKENDS = ["wallets.backends.WalletBackend"]
LOGIN_URL = "wallets:connect"
ADMIN_WALLETS: list[str] = env.list("ADMIN_WALLETS", [])
ADMIN_SECOND_FACTOR: bool = env.bool("ADMIN_SECOND_FACTOR", not LOCAL)
"""Whether admins show a code of an app on their phone before they see the admin's pages."""
ADMIN_PAGES = {"margin": "generations.margin.margin"}
"""The admin's pages that are no model's: views, by the end of their addresses."""
OTP_TOTP_ISSUER = SITE_NAME
QA_WALLETS: list[str] = env.list("QA_WALLETS", [])
ALLOWED_WALLETS: list[str] = env.list("ALLOWED_WALLETS", [])
CHALLENGE_LIFETIME = timedelta(minutes=5)

SESSION_ENGINE = "loratrainer.sessions"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = int(timedelta(days=7).total_seconds())
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "loratrainer.errors.csrf_failure"
# It looks for Django's own class by name; ours is a kind of it.
SILENCED_SYSTEM_CHECKS = ["security.W003"]

# --- Pictures -------------------------------------------------------------------------------------

PICTURES_MIN: int = env.int("PICTURES_MIN", 4)
PICTURES_MAX: int = env.int("PICTURES_MAX", 15)
"""How many pictures a training takes."""
PICTURE_MAX_BYTES: int = env.int("PICTURE_MAX_BYTES", 10_000_000)
PICTURE_MAX_PIXELS: int = env.int("PICTURE_MAX_PIXELS", 40_000_000)
PICTURE_MAX_SIDE: int = env.int("PICTURE_MAX_SIDE", 8192)
PICTURE_MIN_SIDE: int = env.int("PICTURE_MIN_SIDE", 256)
RETOUCHES_PER_DAY: int = env.int("RETOUCHES_PER_DAY", 100)
"""How many automatic captions and cut-outs a wallet may ask for in any 24 hours."""

# --- Images ---------------------------------------------------------------------------------------

GENERATIONS_PER_DAY: int = env.int("GENERATIONS_PER_DAY", 8)
"""How many batches of images a wallet may begin in any 24 hours."""

# --- What the browser is told ---------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "report-uri": ["/csp-report"],
    "report-to": ["csp"],
    **({"upgrade-insecure-requests": True} if HTTPS else {}),
}
# Django's default, same-origin, breaks the Coinbase and Base Account pop-ups.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/webhook/", r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 16
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_PERMISSIONS = 0o600

# --- Words ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = logging_of(env.str("LOG_LEVEL", "INFO"), is_local=LOCAL)
