"""Throw-away servers for tests: `python -m tests.servers postgresql redis -- COMMAND …`.

Starts each on a free port of 127.0.0.1 with data in a temporary folder, runs the command with `DATABASE_URL` and
`REDIS_URL` set, stops the servers, and ends with the command's exit code.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", seconds: float = 30) -> None:
    """Returns when somebody listens on the port; raises when the process ended or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"Nobody listens on port {port} after {seconds} s.")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process that this module started."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """A PostgreSQL server; its binaries refuse to run as root, so root starts it as the user postgres."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": ()} if owner else {}
    folder = Path(tempfile.mkdtemp(prefix="clrportal-postgresql-"))
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    port = free_port()
    try:
        subprocess.run(
            [
                *(binaries / "initdb", "-D", folder / "data", "-U", "portal", "-A", "trust", "-E", "UTF8"),
                *("--no-sync", "--locale=C.UTF-8"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **who,  # type: ignore[call-overload]
        )
        process = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder),
                *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60", "-c", "log_min_messages=fatal"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **who,  # type: ignore[call-overload]
        )
        try:
            wait_for_port(port, process)
            end = time.monotonic() + 30
            ready = [binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
            while subprocess.run(ready).returncode and time.monotonic() < end:
                time.sleep(0.1)
            subprocess.run(
                [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "portal", "portal"], check=True
            )
            yield {"DATABASE_URL": f"postgresql://portal@127.0.0.1:{port}/portal"}
        finally:
            stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[dict[str, str]]:
    """A Redis server that keeps nothing."""
    port = free_port()
    folder = tempfile.mkdtemp(prefix="clrportal-redis-")
    process = subprocess.Popen(
        [
            *("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder),
            *("--databases", "1000"),  # each portal of a run has one of its own
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


SERVERS: dict[str, Callable[[], object]] = {"postgresql": postgresql, "redis": redis}


def main() -> int:
    """Runs a command beside the servers that were named."""
    split = sys.argv.index("--")
    with ExitStack() as servers:
        settings: dict[str, str] = {}
        for name in sys.argv[1:split]:
            settings |= servers.enter_context(SERVERS[name]())  # type: ignore[arg-type]
        return subprocess.run(sys.argv[split + 1 :], env={**os.environ, **settings}).returncode


if __name__ == "__main__":
    sys.exit(main())
