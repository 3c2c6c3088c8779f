"""Every sample of Open Badges 2.0 gives the answer that its manifest expects, for the reason it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.standards.baking import png, svg
from apps.standards.verify.engine import verify
from tests.standards.verify.manifest import NOW, Case, by_id, cases

pytestmark = pytest.mark.once

COLLECTION = "ob-2.0"


def judged(case: Case):
    return verify(case.source, fetcher=case.fetcher(), now=NOW, expected_recipients=case.expected_recipients)


def test_every_case_of_the_manifest_gives_the_expected_answer(shared: Path) -> None:
    wrong = []
    for case in cases(shared, COLLECTION):
        result = judged(case)
        if result.valid is not bool(case.entry["expected_valid"]):
            wrong.append((case.id, case.entry["expected_valid"], [check.code for check in result.failures()]))
    assert wrong == []


def test_every_invalid_case_names_the_expected_failure(shared: Path) -> None:
    wrong = []
    for case in cases(shared, COLLECTION):
        failure = case.entry.get("failure")
        codes = [check.code for check in judged(case).failures()]
        if failure is not None and failure not in codes:
            wrong.append((case.id, failure, codes))
    assert wrong == []


def test_a_warning_is_given_where_the_manifest_wants_one(shared: Path) -> None:
    wanted = [case for case in cases(shared, COLLECTION) if case.entry.get("expect_warning")]
    assert wanted
    assert [case.id for case in wanted if not judged(case).warnings()] == []


def test_the_recipient_shown_is_that_of_the_hosted_badge(shared: Path) -> None:
    case = by_id(shared, COLLECTION)["input-json-differs-from-hosted"]
    result = judged(case)
    assert result.document["recipient"]["identity"] == case.entry["expect"]["recipient_identity"]


def test_badges_are_taken_out_of_pictures_as_they_were_put_in(shared: Path) -> None:
    """SEC-27"""
    for case in cases(shared, COLLECTION):
        expected = case.entry.get("expect", {})
        if "extract_json" in expected:
            assert json.loads(png.extract(case.source)) == expected["extract_json"], case.id
        if "extract_verify" in expected:
            assert svg.verify_attribute(case.source) == expected["extract_verify"], case.id
