"""A whole portal for tests: its own data folder and database, a real web server and a real worker."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.servers import free_port, stop

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Portal:
    """A running portal."""

    address: str
    environment: dict[str, str]
    folder: Path

    def log(self) -> str:
        """The end of what its web server and its worker said."""
        return (self.folder / "servers.log").read_text(errors="replace")[-4000:]

    def manage(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs a management command of this portal."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
        )


@contextmanager
def own_database(folder: Path) -> Iterator[dict[str, str]]:
    """Settings that name a fresh database: on the PostgreSQL server of this run if there is one, else SQLite."""
    server = os.environ.get("CLRPORTAL_TEST_SERVER") or os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield {"DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}"}
        return
    import psycopg

    base, _, _ = server.rpartition("/")
    name = f"portal_{uuid.uuid4().hex}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server_connection:
        server_connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        try:
            yield {"DATABASE_URL": f"{base}/{name}"}
        finally:
            server_connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]


def own_broker() -> dict[str, str]:
    """Settings that name a database of the run's Redis that nobody had, so that no worker takes another's messages."""
    base, _, _ = os.environ.get("REDIS_URL", "").rpartition("/")
    if not base:
        return {}
    with redis.Redis.from_url(f"{base}/0") as server:
        return {"REDIS_URL": f"{base}/{100 + server.incr('portals')}"}


@contextmanager
def running(*, demo: bool = True, worker: bool = True, port: int | None = None, **settings: str) -> Iterator[Portal]:
    """Sets a portal up and serves it on a free (or the given) port of 127.0.0.1 until the block ends."""
    with tempfile.TemporaryDirectory(prefix="clrportal-portal-") as name, own_database(Path(name)) as database:
        port = port or free_port()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("CLRPORTAL_", "DJANGO_"))},
            "CLRPORTAL_DATA_DIR": name,
            "PORT": str(port),
            "CLRPORTAL_LOG_LEVEL": "WARNING",
            **database,
            **own_broker(),
            **settings,
        }
        portal = Portal(f"http://127.0.0.1:{port}", environment, Path(name))
        portal.manage("migrate", "--verbosity", "0")
        portal.manage("collectstatic", "--noinput", "--verbosity", "0")
        if demo:
            portal.manage("load_demo")
        commands: list[Sequence[str]] = [
            ("gunicorn", "clrportal.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4")
        ]
        if worker:
            commands.append(
                (
                    *("celery", "-A", "clrportal", "worker", "--beat", "--concurrency", "2"),
                    *("--queues", "work,sign,render,mail", "--loglevel", "WARNING"),
                )
            )
        log = (Path(name) / "servers.log").open("w+b")
        processes = [
            subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log)
            for command in commands
        ]
        try:
            wait_until_healthy(portal.address, log.name)
            yield portal
        finally:
            for process in processes:
                stop(process)
            log.close()


def wait_until_healthy(address: str, log: str, seconds: float = 60) -> None:
    """Returns when the portal answers; raises with the servers' log when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(Path(log).read_text()[-4000:])
