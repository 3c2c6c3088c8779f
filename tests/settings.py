"""The portal's settings with a data folder of the test run's own."""

import atexit
import os
import shutil
import tempfile

if "CLRPORTAL_DATA_DIR" not in os.environ:
    os.environ["CLRPORTAL_DATA_DIR"] = tempfile.mkdtemp(prefix="clrportal-tests-")
    atexit.register(shutil.rmtree, os.environ["CLRPORTAL_DATA_DIR"], ignore_errors=True)

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # each works in a folder of its own, as each institution does
    os.environ["CLRPORTAL_DATA_DIR"] = os.path.join(os.environ["CLRPORTAL_DATA_DIR"], worker)  # noqa: PTH118

from clrportal.settings import *  # noqa: F403  the settings under test are the portal's, whole
from clrportal.settings import DATA_DIR, DATABASES, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # nothing is collected
