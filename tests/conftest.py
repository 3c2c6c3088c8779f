"""What every test may ask for."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of standards, samples and vectors; a test run without it fails."""
    folder = Path(os.environ.get("CLRPORTAL_SHARED", ROOT.parent / "shared")).resolve()
    if not (folder / "samples").is_dir():
        raise FileNotFoundError(f"The shared material is not at {folder}; set CLRPORTAL_SHARED.")
    return folder
