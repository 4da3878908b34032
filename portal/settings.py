"""Settings of the portal, read from the environment and safe for development as they stand.

Variables: `DATABASE_URL` `SECRET_KEY` `DEBUG` `ALLOWED_HOSTS` `CACHE_URL` `REPLICA_URL` `API_ANON_RATE` `HTTPS`
`PROXIES` `CSRF_TRUSTED_ORIGINS` `DB_POOL_SIZE` `PAGE_CACHE` `STATEMENT_TIMEOUT` `DUMP_DIR` `LOG_LEVEL`.
With `DEBUG` off the portal refuses to start on bad or missing ones and names all of them at once.
"""

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError

from portal import __version__
from portal.trial import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent


# ---------------------------------------------------------------------------------------------------------------------
# The environment
# ---------------------------------------------------------------------------------------------------------------------

env = Env(eager=False)  # collect every complaint, raise once

DEBUG = env.bool("DEBUG", True)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [])
HTTPS = env.bool("HTTPS", not DEBUG)  # off only for a trial on this machine
PROXIES = env.int("PROXIES", 0)  # trusted proxies in front; 0 means the peer address is the client's
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [])
API_ANON_RATE = env.str("API_ANON_RATE", "6000/hour")
LOG_LEVEL = env.log_level("LOG_LEVEL", "INFO")
DB_POOL_SIZE = env.int("DB_POOL_SIZE", 8)
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", 0)  # milliseconds (PostgreSQL); 0: none
PAGE_CACHE = env.int("PAGE_CACHE", 0 if DEBUG else 3600)  # seconds for which a page is kept for all readers; 0: not
DUMP_DIR = env.path("DUMP_DIR", BASE_DIR / "dumps")  # where `manage.py dump` writes and /api/v1/dumps/ reads

database = env.dj_db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
replica = env.dj_db_url("REPLICA_URL") if os.environ.get("REPLICA_URL") else None
cache = env.dj_cache_url("CACHE_URL", "locmem://")

problems = []
if DEBUG is False:
    reasons = {
        "SECRET_KEY": "a long random string",
        "ALLOWED_HOSTS": "the host names to answer for, separated by commas",
        "DATABASE_URL": "such as postgres://user@host/name",
    }
    problems += [f"{name} is missing ({what})." for name, what in reasons.items() if not os.environ.get(name)]
try:
    env.seal()
except EnvValidationError as error:
    problems += [f"{name}: {' '.join(map(str, said))}" for name, said in error.error_messages.items()]
if problems:
    raise ImproperlyConfigured("The environment is not complete.\n  " + "\n  ".join(problems))

if DEBUG:
    SECRET_KEY = SECRET_KEY or kept_secret(BASE_DIR / ".secret_key")

# ---------------------------------------------------------------------------------------------------------------------
# Application
# ---------------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal",
    "reports",
    "recommendations",
    "whitenoise.runserver_nostatic",  # the same server of static files in development and production
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "csp",
]

MIDDLEWARE = [
    "portal.caching.unchanged",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.permissions_policy",
    "django.middleware.http.ConditionalGetMiddleware",
    "portal.middleware.content_security_policy",
    "portal.middleware.language_of_address",
    "portal.caching.by_version",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.middleware.Authentication",
    "portal.middleware.Messages",
    "portal.middleware.TooLong",
]

ROOT_URLCONF = "portal.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.site",
            ],
        },
    },
]

# ---------------------------------------------------------------------------------------------------------------------
# Databases and cache
# ---------------------------------------------------------------------------------------------------------------------


def prepared(config):
    """`config` with what this portal needs of its engine, under what the URL itself says."""
    if config["ENGINE"] == "django.db.backends.sqlite3":
        options = {
            # A transaction that will write takes its lock at the start: waiting works, upgrading a read lock does not.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
        kept = 60  # seconds: to open a connection takes as long as half a list
    else:
        kept = 0  # the pool keeps connections itself, so Django must not
        options = {
            "pool": {"min_size": 1, "max_size": DB_POOL_SIZE, "timeout": 10},
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT}",
        }
    return {
        **config,
        "CONN_MAX_AGE": kept,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**options, **config.get("OPTIONS", {})},
    }


DATABASES = {"default": prepared(database)}
if replica:
    # Reserved: the alias exists for `using("replica")`; nothing is routed to it by itself.
    DATABASES["replica"] = {**prepared(replica), "TEST": {"MIRROR": "default"}}


def apart(name, most):
    """The cache for what may be let go, apart from the counters of limits where these share the memory of a process."""
    own = {"LOCATION": name, "OPTIONS": {"MAX_ENTRIES": most}} if cache["BACKEND"].endswith(".LocMemCache") else {}
    return cache | own


CACHES = {
    "default": cache,
    "pages": apart("pages", 300),
    "template_fragments": apart("template_fragments", 500),  # the name under which `{% cache %}` looks for it
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---------------------------------------------------------------------------------------------------------------------
# Language and time
# ---------------------------------------------------------------------------------------------------------------------

# Django knows simplified Chinese as "zh-hans", with its own catalogues and date forms; under a bare "zh" the admin,
# forms and API would fall back to English. Addresses say /zh/ all the same: see `portal.middleware.language_patterns`,
# which takes the place of `i18n_patterns`. Locale folder: portal/locale/zh_Hans.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_PREFIXES = {"zh-hans": "zh", "en": "en"}  # language code -> the word in the address
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
USE_I18N = True

LANGUAGE_COOKIE_NAME = "duizhao_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS

TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# ---------------------------------------------------------------------------------------------------------------------
# Static files
# ---------------------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# In production, and in `manage.py demo`, which collects the files and then serves in a process with DEBUG off, names
# carry a hash of the content and files are compressed beforehand. With DEBUG on, and so in the tests, WhiteNoise finds
# the files where they are written, and nothing has to be collected.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# ---------------------------------------------------------------------------------------------------------------------
# Security
# ---------------------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# One policy for every page, the admin included; nothing inline, no third party. From Django 6.0 on the inner dict
# moves to SECURE_CSP as it stands.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "upgrade-insecure-requests": HTTPS,
    }
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, in plain HTTP
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# HSTS for sibling subdomains and the preload list is the domain owner's to promise, not the portal's.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# ---------------------------------------------------------------------------------------------------------------------
# API
# ---------------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # Nobody logs in to the API, and it has no method that writes: such a request is answered 405 rather than 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "portal.renderers.JSONRenderer",
        *(["rest_framework.renderers.BrowsableAPIRenderer"] if DEBUG else []),
    ],
    "EXCEPTION_HANDLER": "portal.api.refusal",
    # An unknown parameter is refused by the filters; `format` is no exception.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_THROTTLE_RATES": {"anon": API_ANON_RATE or None},
    "NUM_PROXIES": PROXIES,
}

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Duizhao API",
    "DESCRIPTION": "Policy documents set side by side: what each one recommends, claims, forecasts and rates, "
    "and where it is written. Read-only. Objects are named by slugs and keys.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}

# ---------------------------------------------------------------------------------------------------------------------
# Logging
# ---------------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "django.server": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
    },
}
