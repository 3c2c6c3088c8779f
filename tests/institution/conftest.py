"""An institution with its own key files for the tests of this room."""

from pathlib import Path
from typing import Any

import pytest

from apps.institution import keys
from apps.institution.models import Organization


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Each test has its own key-encryption key and checkpoints."""
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.PRODUCTION = False
    keys.forget_signers()


@pytest.fixture
def home(db: None) -> Organization:
    """The home institution."""
    return Organization.objects.create(name="Harbour Lantern University", is_home=True)
