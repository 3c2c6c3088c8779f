"""OB3-D-01, OB3-D-04, CLR2-D-01 to 05: every sample of Open Badges 3.0 and CLR 2.0 gives the expected answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from apps.standards.verify.engine import verify
from apps.standards.verify.verdict import Result
from tests.standards.verify.manifest import NOW, Case, cases

pytestmark = pytest.mark.once

COLLECTIONS = ("ob-3.0", "clr-2.0")

#: A case may fail honestly for another reason than the one that its manifest names.
ALSO_HONEST = {
    "di-context-redefines-protected": {"CONTEXT_INVALID"},
    "not-json": {"INPUT_INVALID"},
}


def judged(case: Case) -> Result:
    now = datetime.fromisoformat(case.entry["now"]) if "now" in case.entry else NOW
    return verify(case.source, fetcher=case.fetcher(), now=now, expected_recipients=case.expected_recipients)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_case_of_the_manifest_gives_the_expected_answer(shared: Path, collection: str) -> None:
    wrong = []
    for case in cases(shared, collection):
        result = judged(case)
        if not case.entry.get("contested") and result.valid is not case.entry["expected_valid"]:
            wrong.append((case.id, result.verdict, [check.code for check in result.failures()]))
    assert wrong == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_contested_cases_are_told_apart(shared: Path, collection: str, record_property: pytest.FixtureRequest) -> None:
    """Where validators disagree, ours follows the digest; the one case that it cannot hold is named here."""
    different = [
        case.id
        for case in cases(shared, collection)
        if case.entry.get("contested") and judged(case).valid is not case.entry["expected_valid"]
    ]
    record_property("contested cases judged differently", different)  # type: ignore[operator]
    # Its issuer is a urn:uuid, whose key nobody can look up (digest 6.3, rule 5).
    assert different == (["up-simple_v1"] if collection == "clr-2.0" else [])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_invalid_case_names_the_expected_failure(shared: Path, collection: str) -> None:
    wrong = []
    for case in cases(shared, collection):
        failure = case.entry.get("failure")
        codes = {check.code for check in judged(case).failures()}
        if failure is not None and failure not in codes and not ALSO_HONEST.get(case.id, set()) & codes:
            wrong.append((case.id, failure, codes))
    assert wrong == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_warnings_stand_where_the_manifest_wants_them(shared: Path, collection: str) -> None:
    missing = []
    for case in cases(shared, collection):
        if case.entry.get("expect_warning") and judged(case).valid and not judged(case).warnings():
            missing.append(case.id)
    assert missing == []


def test_each_credential_inside_a_record_has_its_own_outcome(shared: Path) -> None:
    """CLR2-D-05"""
    wrong = []
    for case in cases(shared, "clr-2.0"):
        if "nested" in case.entry and case.entry["expected_valid"] is not None:
            outcomes = [inner.valid for inner in judged(case).credentials if inner.kind != "endorsement"]
            if outcomes != case.entry["nested"]:
                wrong.append((case.id, outcomes))
    assert wrong == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_the_result_says_what_it_is(shared: Path, collection: str) -> None:
    for case in cases(shared, collection):
        result = judged(case)
        if result.valid:
            assert result.format == collection
            assert result.issuer is not None
            assert result.issuer.id
