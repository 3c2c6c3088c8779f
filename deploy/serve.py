"""Serve web and worker in one terminal until Ctrl-C, SIGTERM, or the end of one of them (REL-28).

`deploy/quickstart` ends by becoming this. Signals are blocked and waited for, never handled in between: none is
missed however early it comes. Each server is a process group of its own, so that Ctrl-C comes here alone, the order
of ending is decided here, and nothing of a group is left behind.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

STARTING = 60
"""Seconds that the web server may take to answer for the first time."""
ENDING = 20
"""Seconds in which requests and chunks that were begun may come to their end; then what is left is killed."""
OVER = {signal.SIGINT, signal.SIGTERM}
HEARD = OVER | {signal.SIGCHLD}

PORT = os.environ.get("PORT", "8000")
WEB = (
    *("-m", "gunicorn", "clrportal.wsgi", "--bind", f"127.0.0.1:{PORT}", "--workers", "2", "--threads", "6"),
    *("--timeout", "60", "--graceful-timeout", str(ENDING - 2), "--max-requests", "20000"),
    *("--max-requests-jitter", "2000", "--worker-tmp-dir", "/dev/shm", "--log-level", "warning"),  # noqa: S108
)
WORKER = (
    *("-m", "celery", "-A", "clrportal", "worker", "--beat", "--concurrency", "2"),
    *("--queues", "work,sign,render,mail", "--loglevel", "WARNING"),
)
WELCOME = f"""
  The portal is at   {os.environ.get("CLRPORTAL_BASE_URL") or f"http://127.0.0.1:{PORT}"}/

  Sign in as                    password demo-portal-2026
    registrar@demo.example      builds, reviews and issues records
    student@demo.example        sees, downloads and shares own records
    advisor@demo.example        browses the progress of learners in care
    admin@demo.example          institution, people, keys, audit
  Anyone                        /verify/

  Ctrl-C ends it.
"""

Server = subprocess.Popen[bytes]


def start(arguments: tuple[str, ...]) -> Server:
    """A server in a process group of its own, which hears signals again."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments],
        process_group=0,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD),
    )


def ended(servers: list[Server]) -> list[int]:
    """The exit codes of those that have ended."""
    return [server.returncode for server in servers if server.poll() is not None]


def stop(servers: list[Server]) -> None:
    """Ask all to end; what has not ended in time is killed."""
    for server in servers:
        server.terminate()
    end = time.monotonic() + ENDING
    while len(ended(servers)) < len(servers) and (left := end - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, left)
    for server in servers:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers() -> bool:
    """Whether the web server answers."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=2).close()
    except OSError:
        return False
    return True


def serve(servers: list[Server]) -> int:
    """Until a signal (0) or until a server ends by itself (1)."""
    welcomed, end = False, time.monotonic() + STARTING
    while True:
        heard = signal.sigtimedwait(HEARD, 3600 if welcomed else 0.25)
        if heard is not None and heard.si_signo in OVER:
            return 0
        if codes := ended(servers):
            sys.stderr.write(f"A part of the portal ended (exit code {codes[0]}); stopping the rest.\n")
            return 1
        if not welcomed and answers():
            welcomed = True
            sys.stdout.write(WELCOME)
            sys.stdout.flush()
        elif not welcomed and time.monotonic() > end:
            sys.stderr.write(f"The web server did not answer within {STARTING} s; stopping.\n")
            return 1


def main() -> int:
    """Start both, serve, and leave nothing behind."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    servers: list[Server] = []
    try:
        for arguments in (WEB, WORKER):
            servers.append(start(arguments))
        return serve(servers)
    finally:
        stop(servers)


if __name__ == "__main__":
    sys.exit(main())
