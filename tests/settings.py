"""The real settings in a throw-away data folder. DATABASE_URL chooses the database, as in production."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "SLIPWAY_TEST_DATA" not in os.environ:  # the workers of xdist share what the first process made
    os.environ["SLIPWAY_TEST_DATA"] = tempfile.mkdtemp(prefix="slipway-tests-")
    atexit.register(shutil.rmtree, os.environ["SLIPWAY_TEST_DATA"], ignore_errors=True)
os.environ.setdefault(
    "SLIPWAY_DATA", str(Path(os.environ["SLIPWAY_TEST_DATA"]) / os.environ.get("PYTEST_XDIST_WORKER", "main"))
)

from builds.engine.reach import Reach
from config.settings import *  # noqa: F403
from config.settings import DATA_DIR, DATABASES, STORAGES

REACH = Reach.of(["127.0.0.0/8"])  # where the tests' servers are
(DATA_DIR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns when it is missing
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # no thread of a test's server outlives it with a connection
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file: threads and worker processes must see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
