"""Whose the credentials in a record are, and how its parts hang together (digest 7.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.standards import identities
from apps.standards.clr2 import read, write
from apps.standards.ob3.write import identity

EMAIL = "ines@alderway.example"


@pytest.mark.parametrize(
    ("record", "nested", "same"),
    [
        ({"id": "did:a"}, {"id": "did:a"}, True),
        ({"id": "did:a"}, {"id": "did:b"}, False),
        ({}, {}, False),
        ({"identifier": [identity(EMAIL)]}, {"identifier": identity(EMAIL)}, True),
        ({"identifier": [identity(EMAIL, salt="s")]}, {"identifier": [identity(EMAIL, salt="s")]}, True),
        ({"identifier": [identity(EMAIL, salt="s")]}, {"identifier": [identity(EMAIL, salt="t")]}, False),
        ({"identifier": [identity(EMAIL)]}, {"id": "did:b", "identifier": [identity(EMAIL, salt="t")]}, True),
        ({"identifier": [identity(EMAIL, salt="t")]}, {"identifier": [identity(EMAIL)]}, True),
        ({"identifier": [identity(EMAIL)]}, {"identifier": [identity(EMAIL, "userName")]}, False),
        ({"identifier": [identity(EMAIL)]}, {"identifier": ["nonsense", 7]}, False),
    ],
)
def test_the_learner_is_the_same_by_id_or_identifier(record: Any, nested: Any, same: bool) -> None:
    """CLR2-I-07"""
    assert read.same_learner(record, nested) is same


def test_published_identity_hashes(shared: Path) -> None:
    cases = json.loads((shared / "vectors/identity-hash/hashes.json").read_text())["cases"]
    for case in cases:
        assert identities.matches(case["identityHash"], [case["identifier"]], salt=case["salt"]), case
        assert not identities.matches(case["identityHash"], [case["identifier"] + "x"], salt=case["salt"])


def achievement(id: str, name: str = "A") -> dict[str, Any]:
    return {"id": id, "type": ["Achievement"], "name": name, "description": "", "criteria": {"narrative": "x"}}


def record(associations: list[dict[str, Any]], *inner: dict[str, Any]) -> dict[str, Any]:
    nested = [{"credentialSubject": {"achievement": one}} for one in inner]
    return {
        "credentialSubject": {
            "achievement": [achievement("urn:a"), achievement("urn:b")],
            "association": associations,
            "verifiableCredential": nested,
        }
    }


def codes(document: dict[str, Any]) -> list[str]:
    findings = read.check_associations(document)
    assert all(finding.severity == "warning" for finding in findings)
    return [finding.code for finding in findings]


def test_associations_between_known_achievements_are_fine() -> None:
    """CLR2-I-08"""
    document = record([write.association("isChildOf", "urn:a", "urn:c")], achievement("urn:c"), achievement("urn:a"))
    assert codes(document) == []


def test_an_association_that_leads_nowhere_is_told() -> None:
    assert codes(record([write.association("isChildOf", "urn:a", "urn:x")])) == ["REFERENCE_INVALID"]


@pytest.mark.parametrize(("back", "circle"), [("isChildOf", True), ("isParentOf", False), ("isPeerOf", False)])
def test_associations_in_a_circle_are_told(back: str, circle: bool) -> None:
    document = record([write.association("isChildOf", "urn:a", "urn:b"), write.association(back, "urn:b", "urn:a")])
    assert codes(document) == (["REFERENCE_INVALID"] if circle else [])


def test_one_achievement_told_in_two_ways_is_told() -> None:
    assert codes(record([], achievement("urn:a", "another name"))) == ["CONFLICTING_IDS"]


def test_unknown_associations_are_not_written() -> None:
    with pytest.raises(ValueError, match="no association"):
        write.association("isFriendOf", "urn:a", "urn:b")


def test_a_record_without_credentials_is_not_written() -> None:
    """CLR2-I-03"""
    with pytest.raises(ValueError, match="at least one"):
        write.subject(credentials=[], id="did:a")
