"""What every test may ask for."""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, connections, transaction

from apps.network import counting

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--soak", action="store_true", help="also what takes hours: faults, fuzzing and memory at full size"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked ``soak`` runs only when it is asked for."""
    if config.getoption("--soak"):
        return
    left = [item for item in items if item.get_closest_marker("soak") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = left


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many inputs the fuzzing has tried, by part."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, count in report.user_properties:
            if name == "inputs" and report.when == "call":
                terminalreporter.write_line(f"{count:>9,} inputs  {report.nodeid}")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this run is one at full size; without it each fault is small (≤ 20 s)."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of standards, samples and vectors; a test run without it fails."""
    folder = Path(os.environ.get("CLRPORTAL_SHARED", ROOT.parent / "shared")).resolve()
    if not (folder / "samples").is_dir():
        raise FileNotFoundError(f"The shared material is not at {folder}; set CLRPORTAL_SHARED.")
    return folder


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> None:
    """What other tests did counts for no limit of this one: accounts get the numbers of accounts that are gone."""
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL) as server:
            if names := [*server.keys("count:*"), *server.keys("place:*")]:
                server.delete(*names)
        return
    counting.shared_counters.cache_clear()
    file = Path(settings.DATA_DIR) / "counters.sqlite3"
    if file.exists():
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f"DELETE FROM {table}")


@pytest.fixture(scope="session")
def migrated(pytestconfig: pytest.Config) -> Path:
    """Where the migrated SQLite database of this very code and these very packages is kept between runs."""
    sources = [*sorted((ROOT / "apps").rglob("*.py")), ROOT / "deploy" / "requirements.txt"]
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("migrated") / f"{state}.sqlite3"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, migrated: Path) -> None:
    """Begins with the database that an earlier run of the same code migrated, if there is one."""
    if connection.vendor == "sqlite" and migrated.exists():
        shutil.copyfile(migrated, connection.creation._get_test_db_name())


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """What lies in the data folder of this run goes with it."""
    return django_db_keepdb or connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, migrated: Path) -> None:
    """Keeps the migrated database for the next run."""
    if connection.vendor != "sqlite" or migrated.exists():
        return
    unfinished = migrated.with_suffix(f".{os.getpid()}")
    with django_db_blocker.unblock(), contextlib.closing(sqlite3.connect(unfinished)) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    for old in migrated.parent.glob("*.sqlite3"):
        old.unlink(missing_ok=True)
    unfinished.replace(migrated)


@pytest.fixture(scope="module")
def module_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What fixtures of a module write is there for each of its tests, which undo their own changes, and then gone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def committed_db(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A database of the test's own, copied from the migrated one, where commits are real and seen by other processes.

    The triggers that keep issued records from being changed also refuse a test runner's flush (REL-14), so such tests
    throw the whole database away instead. Gives its DATABASE_URL, which is also set for child processes.
    """
    with django_db_blocker.unblock():
        settings = connection.settings_dict
        if settings["NAME"] != connection.creation._get_test_db_name():  # no other test of this run asks for one
            connection.creation.create_test_db(verbosity=0, autoclobber=True)
        template = settings["NAME"]
        connections.close_all()
        if connection.vendor == "sqlite":
            name = str(tmp_path / "portal.sqlite3")
            with sqlite3.connect(template) as old, sqlite3.connect(name) as new:
                old.backup(new)
            url = f"sqlite:///{name}"
        else:
            name = f"test_{uuid.uuid4().hex}"
            _maintain(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            login = f"{settings['USER']}:{settings['PASSWORD']}" if settings["PASSWORD"] else settings["USER"]
            url = f"postgresql://{login}@{settings['HOST']}:{settings['PORT']}/{name}"
        settings["NAME"] = name
        monkeypatch.setenv("DATABASE_URL", url)
        try:
            yield url
        finally:
            connections.close_all()
            settings["NAME"] = template
            if connection.vendor != "sqlite":
                _maintain(f'DROP DATABASE "{name}" WITH (FORCE)')


def _maintain(statement: str) -> None:
    """Runs a statement of the server's housekeeping, outside every database of the tests."""
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(statement)
