"""CLR 1.0 reading: objects, unknown properties, data validation (section 8.7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.standards import moments
from apps.standards.clr1 import model, read, write

pytestmark = pytest.mark.once


def findings(document: Any, cls: type[model.Node]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.code, finding.at) for finding in read.check(document, cls)]


def samples(shared: Path) -> list[tuple[str, dict[str, Any]]]:
    folder = shared / "samples/clr-1.0/cases"
    found = [(path.name, json.loads(path.read_text())) for path in sorted(folder.glob("public-*.json"))]
    assert len(found) == 4
    return found


def test_it_works() -> None:
    profile = read.parse({"id": "urn:x", "name": "Ada", "parentOrg": {"id": "urn:y"}}, model.Profile)
    assert (profile.id, profile.name) == ("urn:x", "Ada")
    assert profile.parent_org is not None and profile.parent_org.id == "urn:y"


def test_public_records_are_read_and_written_without_loss(shared: Path) -> None:
    """CLR1-C-07, CLR1-P-26: every property of every sample, known or not, is there again."""
    for name, document in samples(shared):
        clr = read.parse(document, model.Clr)
        again = write.to_json(clr)
        assert len(clr.assertions) == len(document["assertions"]), name
        assert write.canonical(again).count(b":") >= write.canonical(document).count(b":") - 40, name
        assert leaves(again) >= leaves(document) - {"AssessmentResult"}, name


def leaves(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(leaves(member) for member in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(leaves(member) for member in value)) if value else set()
    return {str(value)}


@pytest.mark.parametrize(
    "document",
    [
        {"id": "urn:x", "pronouns": "they", "x:seal": {"a": [1, None]}},
        {"id": "urn:x", "name": None},
        {"id": "urn:x", "identifiers": []},
        {"id": "urn:x", "identifiers": {"identifier": "1"}},
        {"id": "urn:x", "email": 5},
    ],
)
def test_what_is_unknown_or_of_another_kind_is_kept(document: dict[str, Any]) -> None:
    """CLR1-V-11"""
    assert write.to_json(read.parse(document, model.Profile)) == document


def test_names_of_the_candidate_final_are_read_as_their_successors() -> None:
    alignment = read.parse({"educationalFramework": "F", "targetName": "N"}, model.Alignment)
    assert alignment.target_framework == "F"
    achievement = read.parse({"id": "urn:a", "achievementType": "AssessmentResult"}, model.Achievement)
    assert achievement.achievement_type == "Assessment"


def test_a_bare_string_is_read_as_a_reference() -> None:
    achievement = read.parse({"id": "urn:a", "name": "A", "issuer": "https://x.example/"}, model.Achievement)
    assert achievement.issuer is not None and achievement.issuer.id == "https://x.example/"
    document = {"id": "urn:a", "name": "A", "issuer": "https://x.example/"}
    assert findings(document, model.Achievement) == [("warning", "PROPERTY_INVALID", "/issuer")]


@pytest.mark.parametrize(
    "vocabulary, cls, name",
    [
        (model.ACHIEVEMENT_TYPE, model.Achievement, "achievementType"),
        (model.RESULT_TYPE, model.ResultDescription, "resultType"),
        (model.TARGET_TYPE, model.Alignment, "targetType"),
        (model.IDENTIFIER_TYPE, model.SystemIdentifier, "identifierType"),
    ],
)
def test_four_lists_take_extended_values(vocabulary: model.Vocabulary, cls: type[model.Node], name: str) -> None:
    """CLR1-P-20"""
    for value in (*vocabulary.values, "ext:Anything at all"):
        assert not [found for found in findings({name: value}, cls) if found[2] == f"/{name}"]
    assert ("failure", "ENUM_INVALID", f"/{name}") in findings({name: "Anything"}, cls)
    assert vocabulary.allows("ext:A.b-1") and not vocabulary.allows("ext:a b") and not vocabulary.allows("ext:")


@pytest.mark.parametrize(
    "cls, name",
    [
        (model.Association, "associationType"),
        (model.Result, "status"),
        (model.Verification, "type"),
    ],
)
def test_closed_lists_take_no_extended_values(cls: type[model.Node], name: str) -> None:
    assert ("failure", "ENUM_INVALID", f"/{name}") in findings({name: "ext:Other"}, cls)


@pytest.mark.parametrize(
    "value, code",
    [
        ("2026-06-30T15:00:00Z", None),
        ("2026-06-30T15:00:00.1234567+02:00", None),
        ("2026-06-30T15:00:00", "NO_TIMEZONE"),
        ("2016-12-31T23:59:60Z", "VALUE_OUT_OF_RANGE"),
        ("2026-06-30", "PROPERTY_INVALID"),
        ("30 June", "PROPERTY_INVALID"),
        (1_750_000_000, "PROPERTY_INVALID"),
        (None, "NULL_PROPERTY"),
    ],
)
def test_dates(value: Any, code: str | None) -> None:
    found = [each[1] for each in findings({"id": "urn:a", "revoked": True, "expires": value}, model.Assertion)]
    assert found == ([code] if code else [])


@pytest.mark.parametrize("value, ok", [(4, True), (4.5, True), ("4", False), (True, False)])
def test_numbers_are_numbers(value: Any, ok: bool) -> None:
    found = findings({"id": "urn:a", "revoked": True, "creditsEarned": value}, model.Assertion)
    assert (found == []) is ok


def test_a_revoked_assertion_needs_only_its_id() -> None:
    assert findings({"id": "urn:a", "revoked": True}, model.Assertion) == []
    assert {each[2] for each in findings({"id": "urn:a"}, model.Assertion)} == {
        "/achievement",
        "/issuedOn",
        "/recipient",
    }


def test_places_are_json_pointers() -> None:
    document = {"id": "urn:p", "endorsements": [{"id": "urn:e"}, 5]}
    assert ("failure", "PROPERTY_MISSING", "/endorsements/0/claim") in findings(document, model.Profile)
    assert ("failure", "PROPERTY_INVALID", "/endorsements/1") in findings(document, model.Profile)


@pytest.mark.parametrize(
    "context, code",
    [
        (model.CONTEXT_URL, None),
        ([model.CONTEXT_URL, "https://x.example/more"], None),
        ([{"x": "https://x.example/"}, model.CONTEXT_URL], None),
        (None, "CONTEXT_MISSING"),
        ("https://contexts.ward.guru/clr_v1p0.jsonld", "CONTEXT_ALIAS"),
        ("https://w3id.org/openbadges/v2", "CONTEXT_INVALID"),
        ([], "CONTEXT_INVALID"),
        (5, "CONTEXT_INVALID"),
        ([5, model.CONTEXT_URL], "CONTEXT_INVALID"),
    ],
)
def test_contexts(context: Any, code: str | None) -> None:
    assert [finding.code for finding in read.check_context(context)] == ([code] if code else [])


@pytest.mark.parametrize(
    "inside, expected",
    [
        ({"signedEndorsements": ["aaaa.bbbb.cccc"]}, True),
        ({"endorsements": [{"id": "urn:e"}]}, True),
        ({"parentOrg": {"id": "urn:p", "signedEndorsements": ["aaaa.bbbb.cccc"]}}, True),
        ({"verification": {"type": "Hosted"}}, True),
        ({"verification": {"type": "Verification"}, "name": "signedEndorsements"}, False),
    ],
)
def test_nested_objects_are_noticed(inside: dict[str, Any], expected: bool) -> None:
    """CLR1-V-14: whatever is signed or hosted on its own is looked for wherever it may stand."""
    assert read.check({"id": "urn:x", **inside}, model.Profile).has_nested is expected


@given(st.from_regex(read._PLAIN_MOMENT, fullmatch=True))
def test_a_date_that_is_let_through_at_a_glance_is_one(text: str) -> None:
    moment = moments.read(text)
    assert moment.has_zone and moment.is_strict and not moment.is_leap_second
