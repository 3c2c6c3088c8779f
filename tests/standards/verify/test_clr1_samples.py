"""CLR1-V-01: every sample of CLR 1.0 gives the answer that its manifest expects, for the reason it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.standards.verify.engine import verify
from tests.standards.verify.manifest import NOW, Case, by_id, cases

pytestmark = pytest.mark.once

COLLECTION = "clr-1.0"


def judged(case: Case):
    return verify(case.source, fetcher=case.fetcher(), now=NOW, expected_recipients=case.expected_recipients)


def test_every_case_of_the_manifest_gives_the_expected_answer(shared: Path) -> None:
    wrong = []
    for case in cases(shared, COLLECTION):
        result = judged(case)
        expected = case.entry["expected_valid"]
        verdict = "undecided" if expected is None else None
        if (verdict and result.verdict != verdict) or (verdict is None and result.valid is not expected):
            wrong.append((case.id, expected, result.verdict, [check.code for check in result.failures()]))
    assert wrong == []


def test_every_invalid_case_names_the_expected_failure(shared: Path) -> None:
    wrong = []
    for case in cases(shared, COLLECTION):
        failure = case.entry.get("failure")
        codes = [check.code for check in judged(case).failures()]
        if failure is not None and failure not in codes:
            wrong.append((case.id, failure, codes))
    assert wrong == []


def test_warnings_stand_exactly_where_the_manifest_wants_them(shared: Path) -> None:
    wrong = []
    for case in cases(shared, COLLECTION):
        if case.entry["expected_valid"] is not True:
            continue
        codes = [check.code for check in judged(case).warnings()]
        if bool(codes) != bool(case.entry.get("expect_warning")):
            wrong.append((case.id, codes))
    assert wrong == []


def test_what_only_said_it_could_not_be_fetched_is_undecided(shared: Path) -> None:
    """CLR1-V-18: invalid, unverifiable now, and nothing to verify are three answers."""
    samples = by_id(shared, COLLECTION)
    assert judged(samples["signed-clr-publisher-404"]).verdict == "undecided"
    assert judged(samples["unsigned-clr-no-verification"]).verdict == "undecided"
    assert judged(samples["signed-clr-altered-payload"]).verdict == "invalid"


def test_the_hosted_document_is_what_is_shown(shared: Path) -> None:
    """8.3: the values of an altered copy are never shown as verified."""
    result = judged(by_id(shared, COLLECTION)["hosted-clr-input-altered"])
    assert result.document["assertions"][1]["results"][0]["value"] == "B"


def test_unknown_properties_are_kept(shared: Path) -> None:
    """CLR1-V-11"""
    document = judged(by_id(shared, COLLECTION)["signed-clr-unknown-properties"]).document
    assert "hlc:seal" in document["assertions"][0]
    assert "hlc:room" in document["assertions"][0]["achievement"]
    assert "pronouns" in document["learner"]


def test_nothing_is_fetched_for_keys_in_the_header(shared: Path) -> None:
    """CLR1-V-03"""
    for id in ("signed-clr-alg-none", "signed-clr-hs256-confusion"):
        case = by_id(shared, COLLECTION)[id]
        fetcher = case.fetcher()
        verify(case.source, fetcher=fetcher, now=NOW)
        assert fetcher.asked == []


def test_the_result_has_the_form_of_the_contract(shared: Path) -> None:
    answer = judged(by_id(shared, COLLECTION)["signed-clr-with-signed-assertion"]).as_json()
    assert answer["verdict"] == "valid" and answer["valid"] is True
    assert answer["format"] == "clr-1.0"
    assert set(answer["issuer"]) == {"id", "name"} and set(answer["learner"]) == {"id", "name"}
    assert answer["superseded_by"] is None
    assert all(set(check) == {"name", "status", "code", "detail", "evidence"} for check in answer["checks"])
    assert [nested["valid"] for nested in answer["credentials"]] == [True]
