"""A school with key files of its own for the tests of this room."""

from pathlib import Path
from typing import Any

import pytest

from apps.institution import keys
from tests.issuance.earning import School, found_school


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own keys, checkpoints and files, and no broker."""
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.FILES_DIR = tmp_path / "files"
    keys.forget_signers()


@pytest.fixture
def school(db: None) -> School:
    """A school in the database of the test."""
    return found_school()
