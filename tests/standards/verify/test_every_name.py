"""Every failure and warning name of the digests is given for a document made here that deserves it.

The names are read from the digests; one without a document in this file fails the test. The other way round, no
judgement uses a name that neither the digests nor the contract knows.
"""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from apps.standards import dids
from apps.standards.clr1 import model
from apps.standards.ob3 import write as ob3
from apps.standards.proofs.jws import encode_part
from apps.standards.verify.sources import Budget, OwnRecord
from apps.standards.verify.verdict import Result
from tests.standards.ob2.test_badges import BASE, assertion, badge_class, profile, revocations, sign
from tests.standards.ob2.test_badges import world as badge_world
from tests.standards.verify.vc_world import LEARNER, Issuer, judged
from tests.standards.verify.world import NOW, Institution, World

pytestmark = pytest.mark.once

#: Names of the contract besides those of the digests.
OWN = {
    "SUPERSEDED",
    "CONTEXT_ALIAS",
    "VALUE_OUT_OF_RANGE",
    "ASSOCIATION_ONE_SIDED",
    "CONTENT_DIFFERS",
    "ATTACHMENT_INVALID",
    "NOT_DECIDED",
}
_NAME = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\b(?:REVOKED|EXPIRED|SUSPENDED)\b")

Scenario = Callable[[], Result]


def all_codes(result: Result) -> set[str | None]:
    """The codes of failures and warnings, those of nested results among them."""
    return {check.code for check in result.checks if check.code}.union(*(all_codes(one) for one in result.credentials))


# --- CLR 1.0 --------------------------------------------------------------------------------------------------


def college_record(change: Callable[[dict[str, Any]], Any] | None = None, **changes: Any) -> Result:
    """The judgement of a signed record of a college, changed before it was signed."""
    world = World()
    college = Institution(world, "records.college.example", "College")
    record = college.record(**changes)
    if change is not None:
        change(record)
    return world.judge(college.sign(record))


def first(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda record: change(record["assertions"][0])


def with_world(way: Callable[[World, Institution], Any]) -> Scenario:
    """A judgement of what ``way`` gives, in a world with one college."""

    def run() -> Result:
        world = World()
        college = Institution(world, "records.college.example", "College")
        source = way(world, college)
        return source if isinstance(source, Result) else world.judge(source)

    return run


def _served(world: World, url: str, document: Any, status: int = 200) -> None:
    world.serve(url, document, status)


def _hosted(world: World, college: Institution, stands: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    record = college.record(id=f"{college.base}/clrs/9", verification={"type": "Hosted"}, **changes)
    world.serve(record["id"], stands or record)
    return record


def _after(source: Any, *steps: Any) -> Any:
    """The source, once the steps (evaluated by the caller) were taken."""
    return source


def _hosted_assertion(world: World, college: Institution, **changes: Any) -> dict[str, Any]:
    document = {
        "@context": model.CONTEXT_URL,
        **college.assertion(1, id=f"{college.base}/assertions/1", **changes),
        "verification": {"type": "Hosted"},
    }
    world.serve(document["id"], document)
    return document


def _clr1_endorsement(college: Institution, target: str) -> str:
    return college.sign(
        {
            "@context": model.CONTEXT_URL,
            "id": "urn:uuid:00000000-0000-4000-8009-000000000001",
            "type": "Endorsement",
            "issuedOn": "2026-07-01T00:00:00Z",
            "claim": {"id": target},
            "issuer": {**college.profile, "type": "EndorsementProfile"},
            "verification": {"type": "Signed", "creator": college.key_id},
        }
    )


def _token(header: dict[str, Any], payload: dict[str, Any]) -> str:
    return ".".join(encode_part(json.dumps(part).encode()).decode() for part in (header, payload)) + ".AAAA"


CLR1: dict[str, Scenario] = {
    "INPUT_INVALID": with_world(lambda w, c: '{"type": "Clr", "type": "Clr", "learner": {}}'),
    "CONTEXT_INVALID": lambda: college_record(**{"@context": "https://w3id.org/openbadges/v2"}),
    "TYPE_INVALID": lambda: college_record(type="Transcript"),
    "PROPERTY_MISSING": lambda: college_record(lambda record: record.pop("learner")),
    "PROPERTY_INVALID": lambda: college_record(issuedOn=1782831600),
    "ENUM_INVALID": lambda: college_record(first(lambda one: one["achievement"].update(achievementType="Poem"))),
    "IDENTITY_INVALID": lambda: college_record(first(lambda one: one["recipient"].update(hashed=True))),
    "REFERENCE_INVALID": lambda: college_record(first(lambda one: one["results"][0].update(achievedLevel="urn:x:1"))),
    "CONFLICTING_IDS": lambda: college_record(
        lambda record: record["assertions"].append({**record["assertions"][0], "creditsEarned": 1.0})
    ),
    "PAYLOAD_AMBIGUOUS": with_world(
        lambda w, c: {"@context": model.CONTEXT_URL, "clr": c.record(), "signedClr": c.sign(c.record())}
    ),
    "NOT_VERIFIABLE": with_world(lambda w, c: c.record(verification=None)),
    "SIGNATURE_MISSING": with_world(lambda w, c: c.record()),
    "FETCH_FAILED": with_world(lambda w, c: _after(c.sign(c.record()), w.answers.clear())),
    "ID_MISMATCH": with_world(lambda w, c: _hosted(w, c, {**c.record(), "id": f"{c.base}/clrs/elsewhere"})),
    "HOSTED_SCOPE": with_world(
        lambda w, c: _after(
            c.record(id="https://mill.example/9", verification={"type": "Hosted"}),
            w.serve("https://mill.example/9", c.record(id="https://mill.example/9", verification={"type": "Hosted"})),
        )
    ),
    "ALG_NOT_ALLOWED": with_world(lambda w, c: _token({"alg": "HS256"}, c.record())),
    "SIGNATURE_INVALID": with_world(lambda w, c: c.sign(c.record(), key="Mallory")),
    "KEY_UNAVAILABLE": with_world(
        lambda w, c: _after(
            c.sign(c.record()),
            w.serve(c.id, {**c.profile, "publicKey": {"id": c.key_id}}),
            w.answers.pop(c.key_id),
        )
    ),
    "KEY_NOT_OWNED": with_world(lambda w, c: c.sign(c.record(verification={"type": "Signed", "creator": "urn:key:2"}))),
    "KEY_REVOKED": with_world(lambda w, c: _after(c.sign(c.record()), w.serve(c.key_id, b"", 410))),
    "REVOKED": with_world(lambda w, c: _after(c.sign(c.record()), c.revoke(c.record()["id"]))),
    "REVOCATION_LIST_INVALID": with_world(
        lambda w, c: _after(
            c.sign(c.record()),
            w.serve(c.list_id, {"id": c.list_id, "issuer": "https://other.example/", "revokedAssertions": []}),
        )
    ),
    "ISSUED_IN_FUTURE": lambda: college_record(issuedOn=(NOW + timedelta(days=1)).isoformat()),
    "EXPIRES_BEFORE_ISSUED": with_world(lambda w, c: c.signed_assertion(1, expires="2020-01-01T00:00:00Z")),
    "EXPIRED": with_world(
        lambda w, c: c.signed_assertion(1, issuedOn="2020-01-01T00:00:00Z", expires="2021-01-01T00:00:00Z")
    ),
    "RECIPIENT_MISMATCH": lambda: college_record(
        first(lambda one: one.update(recipient={"type": "id", "identity": "urn:eve", "hashed": False}))
    ),
    "ENDORSEMENT_TARGET": with_world(
        lambda w, c: c.sign(c.record(signedEndorsements=[_clr1_endorsement(c, "urn:uuid:elsewhere")]))
    ),
    "CONTENT_OUTDATED": with_world(
        lambda w, c: {**_hosted(w, c), "learner": {"id": LEARNER, "name": "Another", "email": "a@b.example"}}
    ),
    "PUBLISHER_NOT_DEREFERENCEABLE": with_world(
        lambda w, c: c.sign(
            c.record(publisher={**c.profile, "id": "urn:uuid:00000000-0000-4000-8000-000000000077"}),
        )
    ),
    "KEY_FROM_PROFILE": with_world(lambda w, c: _after(c.sign(c.record()), w.answers.pop(c.key_id))),
    "NO_ORIGIN_POLICY": with_world(
        lambda w, c: _hosted(w, c, publisher={"id": "urn:uuid:00000000-0000-4000-8000-000000000077"})
    ),
    "NO_TIMEZONE": lambda: college_record(issuedOn="2026-06-30T15:00:00"),
    "CONTEXT_MISSING": lambda: college_record(lambda record: record.pop("@context")),
    "NULL_PROPERTY": lambda: college_record(name=None),
    "CANDIDATE_FINAL_VALUE": lambda: college_record(
        first(lambda one: one["achievement"].update(achievementType=_replaced_value()))
    ),
    "NESTED_EXPIRED": lambda: college_record(
        first(lambda one: one.update(issuedOn="2020-01-01T00:00:00Z", expires="2021-01-01T00:00:00Z"))
    ),
    "RECIPIENT_NOT_COMPARABLE": lambda: college_record(
        first(lambda one: one.update(recipient={"type": "telephone", "identity": "+1", "hashed": False}))
    ),
    # names of the contract
    "SUPERSEDED": with_world(lambda w, c: _own(w, c, superseded_by="urn:uuid:newer")),
    "CONTENT_DIFFERS": with_world(lambda w, c: _after(c.record(name="Other"), _own(w, c))),
    "CONTEXT_ALIAS": lambda: college_record(**{"@context": sorted(model.CONTEXT_ALIASES)[0]}),
    "VALUE_OUT_OF_RANGE": lambda: college_record(first(lambda one: one.update(creditsEarned=90.0))),
    "ASSOCIATION_ONE_SIDED": lambda: college_record(
        lambda record: record["assertions"][0]["achievement"].update(
            associations=[
                {
                    "associationType": "isChildOf",
                    "targetId": record["assertions"][1]["achievement"]["id"],
                    "title": "Course 2",
                }
            ]
        )
    ),
    "ATTACHMENT_INVALID": with_world(lambda w, c: _blank_pdf()),
    "NOT_DECIDED": with_world(lambda w, c: w.judge(c.sign(c.record()), budget=Budget(requests=0))),
}


def _blank_pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(out)
    return out.getvalue()


def _replaced_value() -> str:
    """A value of the candidate final for ``achievementType`` that the final renamed."""
    return next(iter(model.ACHIEVEMENT_TYPE.formerly))


def _own(world: World, college: Institution, **facts: Any) -> str:
    record = college.record()
    token = college.sign(record)
    world.own_records[record["id"]] = OwnRecord(json.dumps(record).encode(), token, **facts)
    return token


# --- Open Badges 2.0 ------------------------------------------------------------------------------------------


def badge(way: Callable[[World], Any]) -> Scenario:
    """A judgement of what ``way`` gives, in the world of one issuer of badges."""

    def run() -> Result:
        world = badge_world.__wrapped__() if hasattr(badge_world, "__wrapped__") else badge_world()
        source = way(world)
        return source if isinstance(source, Result) else world.judge(source)

    return run


def _stands(world: World, **changes: Any) -> dict[str, Any]:
    """A hosted badge with these members changed (None: without it), as it stands at its address."""
    document = {**assertion(), **changes}
    document = {name: value for name, value in document.items() if value is not None}
    world.serve(document["id"], document)
    return document


SIGNED_ID = "urn:uuid:b0000001-0000-4000-8000-000000000001"


def _signed(**changes: Any) -> dict[str, Any]:
    return assertion(id=SIGNED_ID, creator=f"{BASE}/keys/1", **changes)


OB2: dict[str, Scenario] = {
    "INPUT_INVALID": badge(lambda w: {**assertion(), "id": "not an address"}),
    "NO_BADGE_IN_IMAGE": badge(lambda w: b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "FETCH_FAILED": badge(lambda w: assertion()),
    "REVOKED": badge(
        lambda w: _after(sign(_signed()), w.serve(f"{BASE}/revocations/1", revocations((SIGNED_ID, None))))
    ),
    "CONTEXT_INVALID": badge(lambda w: _stands(w, **{"@context": "https://schema.org/"})),
    "ID_MISMATCH": badge(
        lambda w: _after(
            assertion(),
            w.serve(assertion()["id"], {**assertion(), "id": f"{BASE}/assertions/2"}),
            w.serve(f"{BASE}/assertions/2", {**assertion(), "id": f"{BASE}/assertions/2"}),
        )
    ),
    "TYPE_INVALID": badge(lambda w: _stands(w, type="Certificate")),
    "BLANK_ID": badge(
        lambda w: sign(_signed(badge={name: value for name, value in badge_class().items() if name != "id"}))
    ),
    "PROPERTY_MISSING": badge(lambda w: _stands(w, recipient=None)),
    "PROPERTY_INVALID": badge(lambda w: _stands(w, issuedOn="2026-06-01T00:00:00")),
    "IDENTITY_INVALID": badge(
        lambda w: _stands(w, recipient={"type": "email", "hashed": True, "identity": "ada@learners.example"})
    ),
    "CRITERIA_EMPTY": badge(
        lambda w: _after(_stands(w), w.serve(f"{BASE}/badges/1", {**badge_class(), "criteria": {"type": "Criteria"}}))
    ),
    "IMAGE_INVALID": badge(lambda w: _after(_stands(w), w.serve(f"{BASE}/images/1", b"GIF89a"))),
    "ISSUER_NOT_HTTP": badge(
        lambda w: _stands(w, badge={**badge_class(), "id": SIGNED_ID, "issuer": {**profile(), "id": "urn:x:issuer"}})
    ),
    "NO_ORIGIN_POLICY": badge(
        lambda w: _stands(w, badge={**badge_class(), "id": SIGNED_ID, "issuer": {**profile(), "id": "urn:x:issuer"}})
    ),
    "HOSTED_SCOPE": badge(lambda w: _stands(w, id="https://attacker.example/1")),
    "KEY_UNAVAILABLE": badge(lambda w: _after(sign(_signed()), w.answers.pop(f"{BASE}/keys/1"))),
    "KEY_NOT_OWNED": badge(lambda w: sign(assertion(id=SIGNED_ID, creator=f"{BASE}/keys/2"))),
    "SIGNATURE_INVALID": badge(lambda w: sign(_signed(), "Mallory")),
    "ISSUED_IN_FUTURE": badge(lambda w: _stands(w, issuedOn="2030-01-01T00:00:00Z")),
    "EXPIRES_BEFORE_ISSUED": badge(lambda w: _stands(w, expires="2020-01-01T00:00:00Z")),
    "EXPIRED": badge(lambda w: _stands(w, expires="2026-07-01T00:00:00Z")),
    "RECIPIENT_MISMATCH": badge(lambda w: w.judge(_stands(w), expected=("eve@learners.example",))),
    "NONSTANDARD_IDENTIFIER": badge(
        lambda w: w.judge(
            _stands(w, recipient={"type": "studentId", "hashed": False, "identity": "S-1"}), expected=("S-1",)
        )
    ),
    "EXTENSION_INVALID": badge(
        lambda w: _stands(
            w,
            **{
                "extensions:geoCoordinates": {
                    "@context": "https://w3id.org/openbadges/extensions/geoCoordinatesExtension/context.json",
                    "type": ["Extension", "extensions:GeoCoordinates"],
                    "name": "Here",
                }
            },
        )
    ),
}


# --- Open Badges 3.0, CLR 2.0 ---------------------------------------------------------------------------------


def vc(way: Callable[[World, Issuer], Any]) -> Scenario:
    """A judgement of what ``way`` gives, in a world with one did:web issuer."""

    def run() -> Result:
        world = World()
        issuer = Issuer(world, "college.example")
        source = way(world, issuer)
        return source if isinstance(source, Result) else judged(world, source)

    return run


def _changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**document, **changes}


def _deep(document: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    document = copy.deepcopy(document)
    change(document)
    return document


def _without_whose(document: dict[str, Any]) -> dict[str, Any]:
    return _deep(document, lambda one: one["credentialSubject"].pop("id"))


def _status(world: World, issuer: Issuer, purpose: str) -> dict[str, Any]:
    entry = ob3.status_entry(issuer.status_list([7], purpose=purpose), 7, purpose)
    return issuer.sign(issuer.badge(credentialStatus=entry))


def _ended_key(issuer: Issuer) -> dict[str, Any]:
    method = dids.verification_method(issuer.method, issuer.id, issuer.key.public_key(), revoked="2025-01-01T00:00:00Z")
    issuer.publish(verificationMethod=[method])
    return issuer.sign(issuer.badge())


VC: dict[str, Scenario] = {
    "PARSE_ERROR": vc(lambda w, i: b'{"@context": "https://www.w3.org/ns/credentials/v2", '),
    "CONTEXT_INVALID": vc(lambda w, i: i.sign(_deep(i.badge(), lambda one: one["@context"].reverse()))),
    "CONTEXT_UNAVAILABLE": vc(
        lambda w, i: _deep(i.sign(i.badge()), lambda one: one["@context"].append("https://words.example/"))
    ),
    "TYPE_INVALID": vc(lambda w, i: i.sign(_changed(i.badge(), type=["VerifiableCredential"]))),
    "SCHEMA_INVALID": vc(lambda w, i: i.sign(_deep(i.badge(), lambda one: one.pop("validFrom")))),
    "SUBJECT_UNIDENTIFIED": vc(lambda w, i: i.sign(_without_whose(i.badge()))),
    "PROOF_MISSING": vc(lambda w, i: i.badge()),
    "PROOF_UNSUPPORTED": vc(
        lambda w, i: _deep(i.sign(i.badge()), lambda one: one["proof"].update(cryptosuite="bbs-2023"))
    ),
    "PROOF_PURPOSE_INVALID": vc(lambda w, i: i.sign(i.badge(), proof_purpose="authentication")),
    "PROOF_TIME_INVALID": vc(lambda w, i: i.sign(i.badge(), created="2030-01-01T00:00:00Z")),
    "UNDEFINED_TERM": vc(
        lambda w, i: _deep(i.sign(i.badge()), lambda one: one["credentialSubject"].update(finalGrade="A+"))
    ),
    "KEY_UNAVAILABLE": vc(lambda w, i: _after(i.sign(i.badge()), w.answers.clear())),
    "KEY_NOT_OF_ISSUER": vc(lambda w, i: Issuer(w, "mill.example").sign(i.badge())),
    "KEY_REVOKED": vc(lambda w, i: _ended_key(i)),
    "ALG_NOT_ALLOWED": vc(lambda w, i: _token({"alg": "none"}, i.badge()).encode()),
    "SIGNATURE_INVALID": vc(lambda w, i: _changed(i.sign(i.badge()), name="Altered")),
    "JWT_CLAIM_MISMATCH": vc(lambda w, i: i.token(i.badge(), sub="did:example:bob")),
    "NOT_YET_VALID": vc(lambda w, i: i.sign(_changed(i.badge(), validFrom="2030-01-01T00:00:00Z"))),
    "EXPIRED": vc(lambda w, i: i.sign(i.badge(validUntil="2025-06-01T00:00:00Z"))),
    "REVOKED": vc(lambda w, i: _status(w, i, "revocation")),
    "SUSPENDED": vc(lambda w, i: _status(w, i, "suspension")),
    "STATUS_INVALID": vc(
        lambda w, i: i.sign(i.badge(credentialStatus=ob3.status_entry(i.status_list([]), 999_999_999)))
    ),
    "STATUS_UNAVAILABLE": vc(
        lambda w, i: i.sign(i.badge(credentialStatus=ob3.status_entry("https://college.example/status/gone", 1)))
    ),
    "NESTED_INVALID": vc(lambda w, i: i.sign(i.record([_changed(i.sign(i.badge()), name="Altered")]))),
    "SUBJECT_MISMATCH": vc(lambda w, i: i.sign(i.record([i.sign(i.badge())], learner="did:example:bob"))),
    "ENDORSEMENT_INVALID": vc(
        lambda w, i: i.sign(i.badge(endorsement=[_changed(i.endorsement("urn:uuid:badge-1"), name="Altered")]))
    ),
    "RECIPIENT_MISMATCH": vc(lambda w, i: judged(w, i.sign(i.badge()), recipients=("did:example:bob",))),
}

REGISTERS = {"clr-1.0": CLR1, "ob-2.0": OB2, "vc": VC}


def digest_names(shared: Path, standard: str) -> set[str]:
    """The names that a digest gives to failures and warnings."""
    specs = shared / "specs"
    if standard == "clr-1.0":
        text = (specs / "clr-1.0.md").read_text()
        section = text[text.index("### 8.6 ") : text.index("### 8.7 ")]
        return set(_NAME.findall("\n".join(line.split("|")[1] + _warnings_in(line) for line in _rows(section))))
    if standard == "ob-2.0":
        text = (specs / "badge-connect.md").read_text()
        section = text[text.index("## A12. ") : text.index("## A13. ")]
        return set(_NAME.findall("\n".join(line.split("|")[3] for line in _rows(section))))
    text = (specs / "clr-2.0-ob-3.0.md").read_text()
    section = text[text.index("# 15. Failure names") : text.index("# 16. ")]
    return set(_NAME.findall(section)) - {"PARSE_ERROR_"}


def _rows(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("| ") and "---" not in line]


def _warnings_in(line: str) -> str:
    """In the table of CLR 1.0 the warnings stand together in the second column of one row."""
    return " " + line.split("|")[2] if line.startswith("| warnings") else ""


@pytest.mark.parametrize("standard", list(REGISTERS))
def test_every_name_of_the_digest_has_a_document_here(shared: Path, standard: str) -> None:
    """CLR1-V-01 to V-18, OB20-V-01 to V-12, OB3-D-01"""
    assert digest_names(shared, standard) - set(REGISTERS[standard]) == set()
    assert len(digest_names(shared, standard)) > 20


@pytest.mark.parametrize(
    ("standard", "name"), [(standard, name) for standard, register in REGISTERS.items() for name in register]
)
def test_the_document_is_given_this_name(standard: str, name: str) -> None:
    assert name in all_codes(REGISTERS[standard][name]())


def test_no_name_is_used_that_nobody_outside_knows(shared: Path) -> None:
    """contract.md: codes are names of the digests, or those that the contract lists."""
    known = OWN.union(*(digest_names(shared, standard) for standard in REGISTERS))
    folder = Path(__file__).parents[3] / "apps" / "standards"
    used: set[str] = set()
    for part in ("verify", "clr1", "clr2", "ob2", "ob3", "status", "dids.py", "errors.py", "proofs", "jsonld"):
        for file in [folder / part] if part.endswith(".py") else (folder / part).rglob("*.py"):
            if file == folder / "ob2" / "connect.py":  # the status names of Badge Connect's answers are no verdicts
                continue
            used |= {
                name
                for name in re.findall(r'"([A-Z][A-Z0-9_]+)"', file.read_text())
                if _NAME.fullmatch(name) and name != "BUILT_IN"
            }
    assert used - known == set()


def test_a_document_that_deserves_no_name_gets_none() -> None:
    """The documents of this file are good ones but for the one change that each of them was given."""
    assert all_codes(college_record()) == set()
    assert all_codes(badge(lambda w: _stands(w))()) == set()
    assert all_codes(vc(lambda w, i: i.sign(i.badge()))()) == set()
    assert all_codes(vc(lambda w, i: i.sign(i.record([i.sign(i.badge())])))()) == set()
