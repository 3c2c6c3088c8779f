"""The libraries of others, installed once into a folder of their own outside the project."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.standards.jsonld import contexts

HERE = Path(__file__).parent
NODE = HERE / "node"

Jobs = list[dict[str, Any]]
RunNode = Callable[[Jobs], list[dict[str, Any]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Documents and signatures are the same whatever the database, so these tests run once."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> RunNode:
    """Runs jobs of ``node/run.mjs``, without any network, and gives the answers."""
    folder = _installed()
    known = tmp_path_factory.mktemp("interop") / "contexts.json"
    known.write_text(json.dumps({url: contexts.document_for(url) for url in contexts.known()}))

    def run(jobs: Jobs) -> list[dict[str, Any]]:
        done = subprocess.run(
            ["node", "--import", "./offline.mjs", "run.mjs", str(known)],
            cwd=folder,
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return run


def _installed() -> Path:
    """The folder with the packages that ``package-lock.json`` names; made on first use."""
    sources = sorted(NODE.glob("*.*"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", tempfile.gettempdir())) / "clrportal-interop"
    folder = cache / digest
    if (folder / "complete").exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=cache))
    for path in sources:
        shutil.copy(path, making)
    npm = shutil.which("npm")
    assert npm is not None, "These tests run programs for Node; deploy/test installs it."
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=making, check=True, timeout=300)
    (making / "complete").touch()
    try:
        making.rename(folder)
    except OSError:  # another process was quicker
        shutil.rmtree(making)
    return folder
