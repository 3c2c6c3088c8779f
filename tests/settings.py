"""The portal's settings with a data folder of the test run's own."""

import atexit
import os
import shutil
import tempfile

if "CLRPORTAL_DATA_DIR" not in os.environ:
    os.environ["CLRPORTAL_DATA_DIR"] = tempfile.mkdtemp(prefix="clrportal-tests-")
    atexit.register(shutil.rmtree, os.environ["CLRPORTAL_DATA_DIR"], ignore_errors=True)

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # each works in a folder of its own, as each institution does
    if not os.environ["CLRPORTAL_DATA_DIR"].endswith(f"/{worker}"):  # its child processes find it so
        os.environ["CLRPORTAL_DATA_DIR"] += f"/{worker}"
    if os.environ.get("REDIS_URL"):  # and with messages of its own: one of many databases of the throw-away server
        server, _, _ = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{server}/{1 + int(worker.removeprefix('gw'))}"

from clrportal.settings import *  # noqa: F403  the settings under test are the portal's, whole
from clrportal.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # nothing is collected
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = False  # pages name files, few tests ask for them
