"""Wiring, no logic. Every setting comes from the environment, with a default that works on one machine."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from builds.engine.platforms import PLATFORMS as ENGINE_PLATFORMS
from builds.engine.quantities import parse_size
from builds.engine.reach import Reach

from .keys import key, keys
from .logs import LOGGING as LOGGING

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Everything that the installation writes: database, files, queue, work folders, keys.
DATA_DIR = Path(env("SLIPWAY_DATA", default=str(BASE_DIR / "var"))).resolve()

DEBUG = env.bool("SLIPWAY_DEBUG", default=False)
# A cluster passes both keys to all its machines; a single machine makes its own on first need.
SECRET_KEY = env("SECRET_KEY", default="") or key(DATA_DIR / "keys" / "secret_key")
# Fernet keys, newest first; older ones still decrypt.
SECRETS_KEYS = env.list("SLIPWAY_SECRETS_KEYS", default=[]) or keys(DATA_DIR / "keys" / "secrets_keys")
# Marks what belongs to this installation in clouds that it may share with another. A cluster passes it to all.
INSTALLATION = env("SLIPWAY_INSTALLATION", default="") or key(DATA_DIR / "keys" / "installation")[:12]
SITE_URL = env("SLIPWAY_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "appliances.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "catalog:home"

INSTALLED_APPS = [
    "appliances",
    "builds",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_rq",
    "storages",
]

MIDDLEWARE = [
    "appliances.catalog.slashes.Slashes",  # before anything that looks at the address
    "appliances.vagrant_cloud.middleware.Edges",
    "appliances.api.middleware.Edges",  # first: it answers in JSON what any other one refuses
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "appliances.attempts.Limit",
]

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
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'slipway.sqlite3'}")}
# To open one for every request takes longer than most requests: SQLite writes its log back each time.
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers wait for each other instead of failing; readers never wait (WAL).
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# Without an address `manage.py up` starts a Redis of its own on this socket.
REDIS_SOCKET = None if env("REDIS_URL", default="") else DATA_DIR / "redis.sock"
REDIS_URL = env("REDIS_URL", default="") or f"unix://{REDIS_SOCKET}?db=0"
PLATFORMS = list(ENGINE_PLATFORMS)  # a queue for each
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 24 * 3600} for name in [*PLATFORMS, "default"]}

STORAGES = {
    "default": {"BACKEND": "builds.storage.FileStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if bucket := env("S3_BUCKET", default=""):
    STORAGES["default"] = {
        "BACKEND": "builds.storage.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": env("S3_ENDPOINT_URL", default=None),
            "region_name": env("S3_REGION", default=None),
            "querystring_expire": 3600,
            "default_acl": None,
            "file_overwrite": False,
        },
    }

# Where nginx is told to fetch files itself, such as /files/; empty: the web server sends them.
ACCEL_REDIRECT = env("SLIPWAY_ACCEL_REDIRECT", default="")

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # What the catalog says to programs: each key names the edition it is of, so nothing in it is ever out of date.
    "documents": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "documents",
        "TIMEOUT": 24 * 3600,
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
}

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# Where e-mail goes: smtp+tls://user:password@host:587. Without it nothing is sent, and the pages say so.
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default=f"Slipway <slipway@{urlsplit(SITE_URL).hostname}>")

USE_TZ = True
TIME_ZONE = env("TZ", default="UTC")
LANGUAGE_CODE = "en-us"

# A worker whose heartbeat is older than this (seconds) is dead; its builds are failed and swept.
HEARTBEAT_TIMEOUT = env.int("SLIPWAY_HEARTBEAT_TIMEOUT", default=60)
# How many builds may be at work at once; an account's own numbers are in the administration, under Limits.
BUILDS_PER_ACCOUNT = env.int("SLIPWAY_BUILDS_PER_ACCOUNT", default=8)
BUILDS_PER_REGION = env.int("SLIPWAY_BUILDS_PER_REGION", default=4)
BUILDS_PER_HOST = env.int("SLIPWAY_BUILDS_PER_HOST", default=os.cpu_count() or 1)
# States of machines that are kept between builds: bytes on each host, 0 for none, and after how many days they are
# of no use any more, those into which something was fetched and the others.
LAYERS = 0 if env("SLIPWAY_LAYERS", default="20G") == "off" else parse_size(env("SLIPWAY_LAYERS", default="20G"))
LAYERS_DAYS = env.int("SLIPWAY_LAYERS_DAYS", default=30)
LAYERS_FETCHED_DAYS = env.int("SLIPWAY_LAYERS_FETCHED_DAYS", default=7)
# In accounts, where they cost money: how many of each appliance and platform.
CLOUD_LAYERS = env.int("SLIPWAY_CLOUD_LAYERS", default=5)
# Whether workers take each other's, by way of the storage; of use when builds run on more than one host.
LAYERS_SHARED = env.bool("SLIPWAY_LAYERS_SHARED", default=False)
# Rebuilds that nobody asked for one by one: how many an hour; the rest waits.
REBUILDS_PER_HOUR = env.int("SLIPWAY_REBUILDS_PER_HOUR", default=20)
# How often it is asked whether a base has changed, and the hour (0 to 23) at which nightly rebuilds start.
BASE_CHECK_HOURS = env.int("SLIPWAY_BASE_CHECK_HOURS", default=6)
NIGHT_HOUR = env.int("SLIPWAY_NIGHT_HOUR", default=3) % 24
# Networks inside that templates, repositories and hooks may name; the public internet always may be.
REACH = Reach.of(env.list("SLIPWAY_ALLOWED_NETWORKS", default=[]))
# The largest archive of sources that may be uploaded, in bytes.
ARCHIVE_LIMIT = env.int("SLIPWAY_ARCHIVE_LIMIT", default=2 * 1024**3)
# The largest box made elsewhere that may be uploaded, and what it may unpack to, in bytes.
UPLOAD_LIMIT = env.int("SLIPWAY_UPLOAD_LIMIT", default=16 * 1024**3)
UNPACKED_LIMIT = env.int("SLIPWAY_UNPACKED_LIMIT", default=128 * 1024**3)
