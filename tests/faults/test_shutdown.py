"""Ending the portal: under load, by Ctrl-C, and in the middle of its first start (REL-28, F26)."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.portal import ROOT, own_broker, own_database
from tests.servers import free_port

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("shutdown")]
PATIENCE = 25
"""Seconds within which everything has ended (REL-28): the rule itself, not a measure of speed."""

BATCH = """
from apps.accounts.models import User
from apps.issuance import batches, review
from apps.issuance.models import Record
by = User.objects.get(email="registrar@demo.example")
chosen = list(Record.objects.filter(state="draft")[:40])
review.submit_many(chosen, by=by)
for record in Record.objects.filter(pk__in=[each.pk for each in chosen], state="in_review"):
    review.approve(record, by=by, version=record.version)
print(batches.start(Record.objects.filter(state="approved"), by=by).items.count())
"""
HELD = """
from apps.issuance.models import Rendition, SigningWork
from apps.jobs.models import Job
print(sum((SigningWork.objects.filter(state="leased").count(), Job.objects.filter(state="running").count())))
"""


class Quickstart:
    """`deploy/quickstart` in a session of its own, as in a terminal."""

    def __init__(self, folder: Path, database: dict[str, str]) -> None:
        self.port = free_port()
        self.folder = folder
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("CLRPORTAL_", "DJANGO_"))},
            "PORT": str(self.port),
            "CLRPORTAL_DATA_DIR": str(folder),
            **database,
            **own_broker(),
        }
        self.log = folder.parent / "quickstart.log"

    @contextmanager
    def started(self, *options: str) -> "Iterator[subprocess.Popen[bytes]]":
        """It until the block ends; whatever it leaves is killed then."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["deploy/quickstart", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            for pid in self.processes(process.pid):
                os.kill(pid, signal.SIGKILL)
            process.wait()

    @staticmethod
    def processes(session: int) -> list[int]:
        """All living processes of the session."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
            except OSError:
                continue
            if fields and int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
        return found

    def until_it_serves(self) -> None:
        """Returns when the page answers and the worker has begun."""
        end = time.monotonic() + 180
        while b"Ctrl-C ends it" not in self.log.read_bytes():
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.2)

    def says(self, script: str) -> str:
        """What a script says that runs in the portal's shell."""
        command = [str(ROOT / ".venv/bin/python"), "manage.py", "shell", "--no-imports", "-c", script]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def expect_nothing_left(self, process: "subprocess.Popen[bytes]") -> None:
        """No process, port or lock; and every lease was given back or its work is done."""
        end = time.monotonic() + PATIENCE
        process.wait(timeout=PATIENCE)
        while self.processes(process.pid) and time.monotonic() < end:
            time.sleep(0.1)
        assert self.processes(process.pid) == []
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what was closed may linger; no one listens
            probe.bind(("127.0.0.1", self.port))
        assert not list(self.folder.rglob("*.pid"))
        assert self.says(HELD) == "0"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quickstart]:
    """A portal that was set up once; each test starts it again."""
    folder = tmp_path_factory.mktemp("portal") / "var"
    folder.mkdir(mode=0o700)
    with own_database(folder) as database:
        yield Quickstart(folder, database)
    shutil.rmtree(folder, ignore_errors=True)


def test_rel_28_killed_in_the_middle_of_its_first_start_it_completes_when_run_again(portal: Quickstart):
    """REL-28: run again at any kill point it completes."""
    for seconds in (1.0, 4.0, 9.0, 14.0):
        with portal.started("--no-serve") as process:
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                for pid in portal.processes(process.pid):
                    os.kill(pid, signal.SIGKILL)
    with portal.started("--no-serve") as process:
        assert process.wait(timeout=240) == 0, portal.log.read_text()[-3000:]
    assert int(portal.says("from apps.learners.models import Learner; print(Learner.objects.count())")) >= 200
    assert portal.says("from apps.institution import audit; print(audit.verify().is_whole)") == "True"


def test_rel_28_f26_sigterm_under_load_refuses_no_accepted_request_and_gives_leases_back(portal: Quickstart):
    """REL-28, F26: batch running, visitors asking; all has ended within 25 s."""
    seen: Counter[int] = Counter()
    over = threading.Event()

    def visit(path: str) -> None:
        while not over.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{portal.port}{path}", timeout=30) as answer:
                    answer.read()
                    seen[answer.status] += 1
            except urllib.error.HTTPError as refusal:
                seen[refusal.code] += 1
            except OSError:  # not accepted any more
                time.sleep(0.05)

    with portal.started() as process:
        portal.until_it_serves()
        assert int(portal.says(BATCH).splitlines()[-1]) > 0
        visitors = [threading.Thread(target=visit, args=(path,)) for path in ("/verify/", "/", "/healthz", "/verify/")]
        for visitor in visitors:
            visitor.start()
        while seen[200] < 40:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        try:
            portal.expect_nothing_left(process)
        finally:
            over.set()
            for visitor in visitors:
                visitor.join()
    assert not [status for status in seen if status >= 500], seen


def test_rel_28_ctrl_c_leaves_nothing_and_it_starts_again(portal: Quickstart):
    """REL-28: the terminal sends SIGINT to everything that runs in it."""
    for _time in range(2):
        portal.log.write_bytes(b"")
        with portal.started() as process:
            portal.until_it_serves()
            os.killpg(process.pid, signal.SIGINT)
            portal.expect_nothing_left(process)
