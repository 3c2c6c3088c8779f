"""Every document of the CLR 1.0 samples: read, stored, built again, and nothing lost (CLR1-C-07, C-10, CLR1-P-26)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.standards import strict_json
from apps.standards.clr1 import model, read, write
from apps.standards.errors import ParseFault

pytestmark = pytest.mark.once

#: what the final standard calls what a candidate final called otherwise (section 11)
RENAMED = {"birthdate": "birthDate"}
REPLACED = {("type", "CLR"): "Clr", ("achievementType", "AssessmentResult"): "Assessment"}
CLASSES = (model.Clr, model.Assertion, model.Endorsement, model.ClrSet, model.ClrPayload)


def final(value: Any, name: str = "") -> Any:
    """The same document in the words of the final standard."""
    if isinstance(value, dict):
        return {RENAMED.get(key, key): final(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [final(item) for item in value]
    return REPLACED.get((name, value), value) if isinstance(value, str) else value


def documents(shared: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the folder: the cases, the payloads of their signed texts, and what is fetched."""
    folder = shared / "samples/clr-1.0"
    for path in sorted([*folder.glob("cases/*"), *folder.glob("www/**/*")]):
        if not path.is_file():
            continue
        for body in (path.read_bytes(), *payloads(path.read_text("utf-8", "replace"))):
            try:
                document = strict_json.loads(body)
            except ParseFault:
                continue
            if isinstance(document, dict) and "openbadges" not in json.dumps(document.get("@context")):
                yield path.name, document


def payloads(text: str) -> Iterator[bytes]:
    """The payload of a compact JWS, whatever its signature is worth."""
    parts = text.strip().split(".")
    if len(parts) == 3 and not text.lstrip().startswith("{"):
        try:
            yield base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        except ValueError:
            return


def class_of(document: dict[str, Any]) -> type[model.Node]:
    if "clr" in document or "signedClr" in document:
        return model.ClrPayload
    if "clrs" in document or "signedClrs" in document:
        return model.ClrSet
    if "revokedAssertions" in document:
        return model.RevocationList
    if "publicKeyPem" in document:
        return model.CryptographicKey
    if "claim" in document:
        return model.Endorsement
    if "recipient" in document or document.get("type") == "Assertion":
        return model.Assertion
    return model.Clr if "learner" in document or "publisher" in document else model.Profile


def test_every_sample_comes_back_equal(shared: Path) -> None:
    """Unknown properties at every level, nulls, values of the wrong kind, empty lists: all of it."""
    seen = 0
    for name, document in documents(shared):
        cls = class_of(document)
        stored = write.canonical(write.to_json(read.parse(document, cls)))
        again = write.to_json(read.parse(json.loads(stored), cls))
        assert again == final(document), name
        seen += 1
    assert seen > 120


def test_the_typed_object_holds_what_the_samples_say(shared: Path) -> None:
    """What is understood is not merely kept aside: in valid records only unknown names are in `extra`."""
    manifest = json.loads((shared / "samples/clr-1.0/manifest.json").read_text())
    looked_at = 0
    for case in manifest["cases"]:
        if not case["expected_valid"] or case.get("expect_warning"):
            continue
        text = (shared / "samples/clr-1.0" / case["file"]).read_text()
        for body in [text.encode()] if case["input"] == "json" else payloads(text):
            document = json.loads(body)
            cls = class_of(document)
            for at, owner, node in read.walk(document, cls):
                extra = read.parse(node, owner).extra
                aside = {name for name in model.describe(owner).members if extra.get(name) not in (None, [])}
                assert not aside, (case["id"], at)
            looked_at += 1
    assert looked_at > 25


def test_what_the_manifest_says_is_kept_is_kept(shared: Path) -> None:
    """CLR1-P-26: the paths that the samples name."""
    manifest = json.loads((shared / "samples/clr-1.0/manifest.json").read_text())
    kept = 0
    for case in manifest["cases"]:
        for path in (case.get("expect") or {}).get("kept", []):
            [body] = payloads((shared / "samples/clr-1.0" / case["file"]).read_text())
            document = json.loads(body)
            again = write.to_json(read.parse(document, model.Clr))
            assert at_path(again, path) == at_path(document, path)
            kept += 1
    assert kept >= 4


def at_path(document: Any, path: str) -> Any:
    for step in path.replace("[", ".[").split("."):
        document = document[int(step[1:-1])] if step.startswith("[") else document[step]
    return document
