"""Our reading of the classes says the same as the published JSON Schemas (OB3-I-01)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from apps.standards.clr1.read import Finding
from apps.standards.clr2 import read as clr2
from apps.standards.ob3 import read as ob3

Check = Callable[[dict[str, Any]], list[Finding]]


def validator(shared: Path, name: str) -> jsonschema.Draft201909Validator:
    schema = json.loads((shared / "schemas" / name).read_text())
    schema["$schema"] = schema["$schema"].rstrip("#")
    return jsonschema.Draft201909Validator(schema)


@pytest.fixture(scope="module")
def judges(shared: Path) -> list[tuple[dict[str, Any], jsonschema.Draft201909Validator, Check]]:
    """Valid documents of each class, with the published schema and our check."""
    badge = validator(shared, "ob-3.0/ob_v3p0_achievementcredential_schema.json")
    endorsement = validator(shared, "ob-3.0/ob_v3p0_endorsementcredential_schema.json")
    record = validator(shared, "clr-2.0/clr_v2p0_clrcredential_schema.json")

    def document(name: str) -> dict[str, Any]:
        return json.loads((shared / "samples" / name).read_text())

    return [
        (document("ob-3.0/cases/results-valid.json"), badge, ob3.check_badge),
        (document("ob-3.0/cases/up-complete.json"), badge, ob3.check_badge),
        (document("ob-3.0/cases/up-simple.json"), badge, ob3.check_badge),
        (document("ob-3.0/cases/subject-identifier-only-valid.json"), badge, ob3.check_badge),
        (document("ob-3.0/cases/endorsement-valid.json")["endorsement"][0], endorsement, ob3.check_endorsement),
        (document("clr-2.0/cases/clr-di-valid.json"), record, clr2.check_record),
        (document("clr-2.0/cases/clr-subject-linked-by-identifier.json"), record, clr2.check_record),
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from places(item, (*path, position))


#: What we are stricter about, knowingly: identifiers are no language maps, types name their class, and credentials
#: inside are judged on their own.
OUR_OWN_RULES = {"@context", "type", "endorsement", "endorsementJwt", "verifiableCredential", "inLanguage"}


def test_valid_documents_are_valid_to_both(judges: Any) -> None:
    for document, published, check in judges:
        assert [error.message for error in published.iter_errors(document)] == []
        assert check(document) == []


def test_every_gap_is_a_gap_to_both(judges: Any) -> None:
    compared = 0
    for document, published, check in judges:
        for path in places(document):
            if OUR_OWN_RULES & set(path[:-1]) or path[-1] in OUR_OWN_RULES:
                continue
            changed = copy.deepcopy(document)
            target = changed
            for step in path[:-1]:
                target = target[step]
            del target[path[-1]]
            theirs, ours = not published.is_valid(changed), check(changed)
            own = any(finding.code == "SUBJECT_UNIDENTIFIED" or "criteria" in finding.at for finding in ours)
            assert bool(ours) == theirs or own, (path, ours)
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("other", [7, [], {"nonsense": 1}, "nonsense"])
def test_every_wrong_value_is_wrong_to_both(judges: Any, other: Any) -> None:
    for document, published, check in judges:
        for path in places(document):
            if OUR_OWN_RULES & set(path):
                continue
            changed = copy.deepcopy(document)
            target = changed
            for step in path[:-1]:
                target = target[step]
            if target[path[-1]] == other:
                continue
            target[path[-1]] = other
            theirs, ours = not published.is_valid(changed), check(changed)
            if theirs:
                # Several status entries are read, as the data model 2.0 has them (digest 2.1).
                assert ours or (path[-1] == "credentialStatus" and other == []), path
            elif ours:
                assert _stricter_knowingly(path, other), (path, ours)


def _stricter_knowingly(path: tuple[Any, ...], other: Any) -> bool:
    """Dates are texts to the schema (formats are not asserted); an id or criteria may not vanish."""
    dates = {"validFrom", "validUntil", "created", "awardedDate", "dateOfBirth", "activityStartDate", "activityEndDate"}
    return (
        path[-1] in dates
        or "criteria" in path
        or path[-1] in ("id", "credentialSubject", "identifier", "credentialStatus")
        or (isinstance(path[-1], int) and path[-2] == "identifier")
    )


def test_further_properties_are_allowed_where_classes_are_open(judges: Any) -> None:
    for document, published, check in judges:
        for path in places(document):
            changed = copy.deepcopy(document)
            target = changed
            for step in path:
                target = target[step]
            if not isinstance(target, dict) or OUR_OWN_RULES & set(path):
                continue
            target["nonsense"] = 1
            assert bool(check(changed)) == (not published.is_valid(changed)), path


# --- what schemas leave open ----------------------------------------------------------------------------------


def test_contexts_stand_in_their_order() -> None:
    v2 = "https://www.w3.org/ns/credentials/v2"
    ob = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
    clr = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"

    def codes(context: Any, *wanted: str) -> list[tuple[str, str]]:
        return [(one.code, one.severity) for one in ob3.check_contexts({"@context": context}, wanted)]

    assert codes([v2, ob], "OB") == []
    assert codes([v2, clr, ob], "CLR", "OB") == []
    assert codes([v2, ob, {"a": "urn:a"}], "OB") == []
    assert codes([v2, ob.replace("3.0.3", "3.0.1")], "OB") == [("CONTEXT_ALIAS", "warning")]
    assert codes([v2, ob.replace("-3.0.3", "")], "OB") == [("CONTEXT_ALIAS", "warning")]
    for wrong in (
        [ob, v2],
        [v2],
        v2,
        [],
        None,
        [v2, "https://evil.example/"],
        [v2, ob + "x"],
        [v2, {"a": "urn:a"}, ob],
    ):
        assert ("CONTEXT_INVALID", "failure") in codes(wrong, "OB"), wrong
    assert ("CONTEXT_INVALID", "failure") in codes([v2, ob, clr], "CLR", "OB")


def test_two_spellings_of_one_credential_are_one() -> None:
    one = {"id": "https://a.example/b%20c", "issuer": {"id": "did:web:a.example"}}
    other = {"id": " https://a.example/b c ", "issuer": "did:web:a.example"}
    assert ob3.identity_of(one) == ob3.identity_of(other)


def test_endorsements_are_found_wherever_they_stand() -> None:
    document = {
        "id": "urn:credential",
        "endorsementJwt": ["a.b.c"],
        "issuer": {"id": "urn:issuer", "parentOrg": {"id": "urn:parent", "endorsement": [{"id": "urn:e1"}]}},
        "credentialSubject": {
            "achievement": {"id": "urn:achievement", "endorsement": {"id": "urn:e2"}},
            "verifiableCredential": [{"id": "urn:inner", "endorsement": [{"id": "urn:e3"}]}],
        },
    }
    found = {(at, carrier) for at, _, carrier in ob3.endorsements(document)}
    assert found == {
        ("endorsementJwt/0", "urn:credential"),
        ("issuer/parentOrg/endorsement/0", "urn:parent"),
        ("credentialSubject/achievement/endorsement/0", "urn:achievement"),
    }
