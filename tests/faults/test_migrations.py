"""A first set-up or an upgrade that is killed can be run again (F24)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal import ROOT, own_broker, own_database

pytestmark = [pytest.mark.server]
STATE = """
from apps.institution import audit
from apps.issuance import immutability
print(immutability.is_ready(), audit.verify().is_whole)
"""


def test_f24_a_killed_migrate_can_be_run_again(tmp_path: Path):
    """F24: killed at several moments, then run to its end: migrations whole, triggers there; twice is harmless."""
    with own_database(tmp_path) as database:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("CLRPORTAL_", "DJANGO_"))},
            "CLRPORTAL_DATA_DIR": str(tmp_path),
            **database,
            **own_broker(),
        }

        def manage(*arguments: str) -> "subprocess.Popen[str]":
            command = [sys.executable, "manage.py", *arguments]
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

        killed = 0
        for applied in (3, 20, 45, 60):
            process = manage("migrate")
            assert process.stdout is not None
            for line in process.stdout:
                applied -= line.rstrip().endswith("OK")
                if applied == 0:
                    break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
        assert killed >= 3
        for _time in range(2):
            process = manage("migrate", "--verbosity", "0")
            process.communicate(timeout=240)
            assert process.returncode == 0
        process = manage("migrate", "--check")
        process.communicate(timeout=120)
        assert process.returncode == 0
        process = manage("shell", "--no-imports", "-c", STATE)
        said, _ = process.communicate(timeout=120)
        assert said.split() == ["True", "True"]
