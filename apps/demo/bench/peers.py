"""Programs of others, run beside ours in the same job where ``--peers`` asks for it: on Node, and in Python.

The packages for Node are those that ``tests/interop/node`` pins; they are installed into a folder that is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata, util
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.standards.jsonld import contexts

Jobs = list[dict[str, Any]]
RunNode = Callable[[Jobs], list[dict[str, Any]]]


def wanted() -> bool:
    """Whether the command was called with ``--peers``."""
    return os.environ.get("CLRPORTAL_BENCH_PEERS") == "1"


@contextmanager
def node() -> Iterator[RunNode | None]:
    """Runs jobs of ``tests/interop/node/run.mjs``; None (and a line on stderr) where there is no Node or no lock."""
    room, npm = Path(settings.BASE_DIR) / "tests" / "interop" / "node", shutil.which("npm")
    if npm is None or not room.is_dir():
        sys.stderr.write("No peers on Node: npm or tests/interop/node is missing.\n")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="clrportal-peers-") as name:
        folder = Path(name)
        for path in room.glob("*.*"):
            shutil.copy(path, folder)
        known = folder / "contexts.json"
        known.write_text(json.dumps({url: contexts.document_for(url) for url in contexts.known()}))
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, cwd=folder, check=True, timeout=300, stdout=sys.stderr)  # noqa: S603

        def run(jobs: Jobs) -> list[dict[str, Any]]:
            command = [shutil.which("node") or "node", "--import", "./offline.mjs", "run.mjs", str(known)]
            done = subprocess.run(  # noqa: S603  the one program of the lock
                command, cwd=folder, input=json.dumps(jobs), capture_output=True, text=True, timeout=900, check=False
            )
            if done.returncode:
                raise RuntimeError(f"The peers on Node failed: {done.stderr[-2000:]}")
            answers: list[dict[str, Any]] = json.loads(done.stdout)
            return answers

        yield run


def version_on_node(package: str) -> str:
    """A package with the version that the lock pins."""
    lock = Path(settings.BASE_DIR) / "tests" / "interop" / "node" / "package.json"
    return f"{package} {json.loads(lock.read_text())['dependencies'][package]} on Node"


def openvc() -> tuple[str, Callable[[dict[str, Any]], object]] | None:
    """openvc-core's name with its version, and its verification of one credential; None where it is not installed."""
    if util.find_spec("openvc") is None:
        sys.stderr.write("No peer openvc-core: it is not installed.\n")
        return None
    from openvc import VerificationPolicy, verify_credential

    known = {url: contexts.document_for(url) for url in contexts.known()}

    def verify(document: dict[str, Any]) -> object:
        return verify_credential(document, policy=VerificationPolicy(), extra_contexts=known)

    return f"openvc-core {metadata.version('openvc-core')}", verify
