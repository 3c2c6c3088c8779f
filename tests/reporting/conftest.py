"""A framework for the tests of reporting."""

from pathlib import Path

import pytest

from apps.achievements.importing import import_package
from apps.achievements.models import Framework


@pytest.fixture
def cedar(shared: Path, db: None) -> Framework:
    """The sample framework with all kinds of association."""
    data = (shared / "samples/case/cases/own-cedar-fathom.json").read_bytes()
    framework = import_package(data, file_name="cedar").framework
    assert framework is not None
    return framework
