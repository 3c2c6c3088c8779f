"""The libraries of others, installed once into a folder of their own outside the project."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.standards.jsonld import contexts

HERE = Path(__file__).parent
NODE = HERE / "node"
PYTHON = HERE / "python"

Jobs = list[dict[str, Any]]
RunNode = Callable[[Jobs], list[dict[str, Any]]]
RunPython = Callable[[dict[str, Any], Jobs], list[dict[str, Any]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Documents and signatures are the same whatever the database, so these tests run once."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> RunNode:
    """Runs jobs of ``node/run.mjs``, without any network, and gives the answers."""
    folder = _installed(NODE, _node_packages)
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


@pytest.fixture(scope="session")
def openbadges() -> RunPython:
    """Runs jobs of ``python/run_openbadges.py`` over a map of addresses, without any network, and gives the answers."""
    folder = _installed(PYTHON, _python_packages)

    def run(web: dict[str, Any], jobs: Jobs) -> list[dict[str, Any]]:
        done = subprocess.run(
            [str(folder / "venv" / "bin" / "python"), "-W", "ignore", "run_openbadges.py"],
            cwd=folder,
            input=json.dumps({"web": web, "jobs": jobs}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return run


def _installed(room: Path, install: Callable[[Path], None]) -> Path:
    """A copy of a room of this folder with the packages that its lock names; made on first use."""
    sources = sorted(path for path in room.glob("*.*") if path.is_file())
    content = b"".join(path.read_bytes() for path in sources) + sys.version.encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME", tempfile.gettempdir())) / "clrportal-interop"
    folder = cache / hashlib.sha256(content).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:  # an environment does not move, so it is made in its place
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for path in sources:
                shutil.copy(path, folder)
            install(folder)
            (folder / "complete").touch()
    return folder


def _node_packages(folder: Path) -> None:
    npm = shutil.which("npm")
    assert npm is not None, "These tests run programs for Node; deploy/test installs it."
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, timeout=300)


def _python_packages(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True, timeout=120)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    command = [*pip, "--no-deps", "--require-hashes", "--requirement", "requirements.txt"]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
