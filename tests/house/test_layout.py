"""The house is in order: rooms import downward only, migrations are whole, locks name no place."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]


def test_a_room_imports_only_from_the_rooms_below_it() -> None:
    """The contracts in pyproject.toml hold (import-linter)."""
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout


def test_every_room_stands_in_the_import_contract() -> None:
    """A new folder in apps/ has its place among the layers."""
    contract = (ROOT / "pyproject.toml").read_text()
    rooms = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    assert rooms == set(re.findall(r'^    "apps\.(\w+)",$', contract.partition("[[tool.importlinter")[2], re.M))


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    """No model was changed without its migration."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_hashed_and_name_no_index(lock: str) -> None:
    """SEC-63: each requirement is pinned with hashes, and no address of a registry stands in the lock."""
    text = (ROOT / "deploy" / lock).read_text()
    pinned = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", text, re.M)
    assert len(pinned) > 40
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if "==" in block.partition("\n")[0]:
            assert "--hash=sha256:" in block
    assert "://" not in text
    assert not re.search(r"^\s*--(extra-)?index-url|^\s*--find-links", text, re.M)


def test_the_top_level_holds_what_the_layout_names() -> None:
    """Nothing lies about at the top."""
    allowed = {
        *("manage.py", "pyproject.toml", "README.md", "clrportal", "apps", "templates", "static", "tests", "deploy"),
        *("CHANGELOG.md", "LICENSE", "CONTRIBUTING.md", "docs"),
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {path.partition("/")[0] for path in tracked if not path.startswith(".")} <= allowed
