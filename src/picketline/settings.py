"""Django's settings, made from the environment (see ``picketline.environment``).

The process decides: a public web process has public URLs, public keys and a database role that
cannot read what supporters typed; see docs/architecture.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from platform import node
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from picketline import environment
from picketline.host import faults, postgres
from picketline.seal import keys

try:
    ENVIRONMENT = environment.read()
except environment.SettingsRefused as refusal:
    sys.exit(f"Picketline cannot start:\n{refusal}")

PROCESS = ENVIRONMENT.process
SITE_URL = ENVIRONMENT.site_url
SOURCE_URL = ENVIRONMENT.source_url
DATA = ENVIRONMENT.data
KEYS = ENVIRONMENT.keys or DATA / "keys"
MAIL_DOMAIN = ENVIRONMENT.mail_domain
SMTP_URL = ENVIRONMENT.smtp_url
SMTP_DIRECT = ENVIRONMENT.smtp_direct
LEASE_SECONDS = ENVIRONMENT.lease_seconds
GRACE_SECONDS = ENVIRONMENT.grace_seconds
RELAY_LOG = ENVIRONMENT.relay_log
POSTFIX_CONFIG = ENVIRONMENT.postfix_config
RELAY_NAME = ENVIRONMENT.relay_name or node()
STREAM_PER_MINUTE = {
    "letters": ENVIRONMENT.letters_per_minute,
    "confirmations": ENVIRONMENT.confirmations_per_minute,
    "notices": ENVIRONMENT.notices_per_minute,
    "updates": ENVIRONMENT.updates_per_minute,
}
DOMAIN_PER_MINUTE = ENVIRONMENT.domain_per_minute
TARGET_PER_MINUTE = ENVIRONMENT.target_per_minute
TARGET_PER_DAY = ENVIRONMENT.target_per_day
AUTHSERV_ID = ENVIRONMENT.authserv_id
NAMESERVERS = tuple(filter(None, (ENVIRONMENT.nameservers or "").split(",")))
IMAP_URL = ENVIRONMENT.imap_url
COUNTER_SECONDS = ENVIRONMENT.counter_seconds
DATABASE_ROLES = ENVIRONMENT.database_roles
METRICS = ENVIRONMENT.metrics
BODY_LIMIT = ENVIRONMENT.body_limit
_SITE = urlsplit(SITE_URL)
_HTTPS = _SITE.scheme == "https"
_PACKAGE = Path(__file__).parent

DEBUG = False  # its pages would show what visitors typed, and our secrets
SECRET_KEY = keys.django_secret(KEYS)
ALLOWED_HOSTS = [_SITE.hostname or "127.0.0.1"]
ROOT_URLCONF = "picketline.urls"
WSGI_APPLICATION = "picketline.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "picketline"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "picketline.public.headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_PACKAGE / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.i18n",
                "picketline.public.context.site",
            ],
            "builtins": ["picketline.public.tags"],
        },
    }
]


def _database() -> dict[str, Any]:
    """The connection of this process: its own role on the embedded server or on the given one."""
    if ENVIRONMENT.database_url:
        parameters: dict[str, Any] = dict(dj_database_url.parse(ENVIRONMENT.database_url))
    else:
        parameters = _embedded_database()
    # Prepared statements make signing about a third faster (docs/benchmarks.md).
    quick = {"server_side_binding": True, "prepare_threshold": 5}
    return {
        **parameters,
        "OPTIONS": {**quick, **_session(parameters.get("OPTIONS", {}))},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


# A worker that freezes within a transaction must not hold up the others: the database ends its
# session. Nothing that a worker does takes as long as the last of these.
_WORKER_SESSION = (
    "-c idle_in_transaction_session_timeout=15s -c lock_timeout=30s -c statement_timeout=10min"
)


def _session(chosen: dict[str, Any]) -> dict[str, Any]:
    """A URL's options, with what the process's sessions are to be like. The URL wins over that."""
    words = [_WORKER_SESSION] if PROCESS == "worker" else []
    words += [chosen["options"]] if "options" in chosen else []
    if ENVIRONMENT.database_url and ENVIRONMENT.database_roles and PROCESS != "owner":
        words.append(f"-c role=picketline_{PROCESS}")
    return {**chosen, "options": " ".join(words)} if words else chosen


def _embedded_database() -> dict[str, Any]:
    """The running embedded server; commands that need none may go on without."""
    try:
        found = postgres.connection_parameters(ENVIRONMENT.data, PROCESS)
    except faults.DatabaseTrouble as trouble:
        if PROCESS in ("public", "worker"):
            sys.exit(f"Picketline cannot start:\n{trouble}")
        return {"ENGINE": "django.db.backends.dummy"}
    return {"ENGINE": "django.db.backends.postgresql", **found}


DATABASES = {"default": _database()}

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("fr", "Français"),
    ("ru", "Русский"),
    ("kk", "Қазақша"),
    ("ar", "العربية"),
]
LOCALE_PATHS = [_PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.data / "static"
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# No accounts, no sessions: the one cookie is the form's CSRF token, gone with the browser window.
CSRF_COOKIE_AGE = None
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if _HTTPS else "csrf"
# Behind a proxy that ends TLS Django sees plain http; the forms are the site's all the same.
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "picketline.public.faults.csrf_failed"
DATA_UPLOAD_MAX_MEMORY_SIZE = ENVIRONMENT.body_limit
DATA_UPLOAD_MAX_NUMBER_FIELDS = 60
FILE_UPLOAD_HANDLERS: list[str] = []

# public/headers.py sets the headers that these two middlewares would set, and more.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002"]
