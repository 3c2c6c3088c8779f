"""Every document of the bad-input catalogue is judged by the engine: no crash, and none of them is valid.

The catalogue's own runner sends them over HTTP; here the same documents go to the engine alone.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from apps.standards.verify.engine import verify
from tests.standards.verify.manifest import NOW, MapFetcher

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def runner(shared: Path) -> ModuleType:
    """The catalogue's runner, whose ``make`` builds the documents."""
    found = importlib.util.spec_from_file_location("run_bad_inputs", shared / "samples/bad-inputs/run_bad_inputs.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def contents(request: dict[str, Any]) -> Any:
    """The document in a request of the catalogue, if there is one."""
    if "form" in request:
        return request["form"].get("content")
    if "body_json" in request:
        return {"json": request["body_json"]}
    return request.get("body", request.get("content"))


def test_no_document_of_the_catalogue_is_valid_or_crashes(shared: Path, runner: ModuleType) -> None:
    """CLR1-V-17, SEC-20 to SEC-28, SEC-33"""
    catalogue = json.loads((shared / "samples/bad-inputs/catalogue.json").read_text())["entries"]
    judged = 0
    accepted = []
    for entry in catalogue:
        content = contents(entry["request"]) if entry["surface"] == "verify" else None
        if content is None:
            continue
        document = runner.make(content)
        document = document.encode() if isinstance(document, str) else document
        fetcher = MapFetcher(shared, {})
        result = verify(document, fetcher=fetcher, now=NOW)
        json.dumps(result.as_json())
        judged += 1
        if result.valid:
            accepted.append(entry["id"])
    assert judged > 150
    assert accepted == []
