"""Processes that share a committed database and a data folder with the test."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.institution import keys
from tests.issuance.earning import School, found_school

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def folder(committed_db: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this test and of every process that it starts."""
    monkeypatch.setenv("CLRPORTAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLRPORTAL_LOG_LEVEL", "WARNING")
    settings.DATA_DIR, settings.KEK_FILE = tmp_path, tmp_path / "kek.key"
    settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "checkpoints", tmp_path / "files"
    keys.forget_signers()
    return tmp_path


@pytest.fixture
def open_database(folder: Path, django_db_blocker: Any) -> Iterator[None]:
    """Lets the test use the committed database."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def school(open_database: None) -> School:
    """A committed institution."""
    return found_school()


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts `python …` with the test's database and folder, in a process group of its own; killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        with (folder / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "clrportal.settings", **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
