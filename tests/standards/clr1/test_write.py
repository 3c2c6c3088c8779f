"""CLR 1.0 writing: snapshot, envelope, payload, and the small documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

from apps.standards.clr1 import model, read, write
from apps.standards.errors import DocumentFault

pytestmark = pytest.mark.once

PUBLISHER = "https://records.college.example/ims/clr/v1p0/profiles/1"
ENVELOPE = write.Envelope(
    id="https://records.college.example/ims/clr/v1p0/clrs/1",
    issued_on=datetime(2026, 6, 30, 17, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2))),
    key=write.cryptographic_key(id=f"{PUBLISHER}/key", owner=PUBLISHER, public_key_pem="PEM"),
)


def record(**changes: Any) -> model.Clr:
    achievement = model.Achievement(
        id="urn:uuid:20",
        type="Achievement",
        achievement_type="Course",
        name="General Chemistry",
        credits_available=4.0,
        issuer=model.Profile(id=PUBLISHER, type="Profile", name="College"),
        result_descriptions=[model.ResultDescription(id="urn:uuid:21", name="Grade", result_type="LetterGrade")],
    )
    values: dict[str, Any] = {
        "name": "Record of Ada",
        "learner": model.Profile(id="urn:uuid:3", name="Ada Núñez 学"),
        "publisher": model.Profile(id=PUBLISHER, name="College"),
        "assertions": [
            model.Assertion(
                id="urn:uuid:10",
                type="Assertion",
                issued_on="2026-06-20T00:00:00Z",
                recipient=model.Identity(type="id", identity="urn:uuid:3", hashed=False),
                achievement=achievement,
                results=[model.Result(result_description="urn:uuid:21", value="A")],
            )
        ],
        **changes,
    }
    return model.Clr(**values)


def test_it_works() -> None:
    payload = json.loads(write.build_payload(write.snapshot_bytes(record()), ENVELOPE))
    assert read.check(payload, model.Clr) == []
    assert payload["id"] == ENVELOPE.id
    assert payload["issuedOn"] == "2026-06-30T15:00:00Z"
    assert payload["verification"] == {"type": "Signed", "creator": ENVELOPE.key.id}
    assert payload["publisher"]["publicKey"]["owner"] == PUBLISHER


def test_a_payload_less_its_envelope_is_the_snapshot() -> None:
    """Invariant 1 of the model: signed is what was approved, byte for byte."""
    snapshot = write.snapshot_bytes(record())
    assert write.snapshot_of(write.build_payload(snapshot, ENVELOPE)) == snapshot


@given(st.text(), st.dictionaries(st.from_regex(r"[a-z]+:[a-z]+", fullmatch=True), st.text() | st.booleans()))
def test_whatever_a_record_says_its_payload_gives_the_snapshot_back(name: str, extra: dict[str, Any]) -> None:
    clr = record(name=name.encode("utf-8", "replace").decode(), extra=extra)
    try:
        snapshot = write.snapshot_bytes(clr)
    except UnicodeEncodeError:
        return
    assert write.snapshot_of(write.build_payload(snapshot, ENVELOPE)) == snapshot


def test_a_payload_is_a_pure_function_of_snapshot_and_envelope() -> None:
    """REL-03"""
    snapshot = write.snapshot_bytes(record())
    assert write.build_payload(snapshot, ENVELOPE) == write.build_payload(snapshot, ENVELOPE)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "urn:x"},
        {"issued_on": "2026-06-30T15:00:00Z"},
        {"verification": model.Verification(type="Signed")},
        {"publisher": model.Profile(id=PUBLISHER, public_key=ENVELOPE.key)},
        {"publisher": None},
    ],
)
def test_what_carries_an_envelope_already_is_no_snapshot(changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentFault):
        write.snapshot_bytes(record(**changes))


@pytest.mark.parametrize("snapshot", [b"", b"[]", b"{}", b'{"publisher": 1}', b'{"id": "x", "publisher": {}}'])
def test_only_a_snapshot_becomes_a_payload(snapshot: bytes) -> None:
    with pytest.raises(DocumentFault):
        write.build_payload(snapshot, ENVELOPE)


def test_absent_values_and_nulls_are_never_written() -> None:
    document = write.to_json(record())
    assert "partial" not in document and "endorsements" not in document
    assert "null" not in json.dumps(document)


def test_nothing_of_a_written_record_is_dropped_by_the_published_context(shared: Path) -> None:
    """CLR1-P-02: the official context defines every name that is written."""
    context = json.loads((shared / "contexts/clr_v1p0.jsonld").read_text())
    payload = json.loads(write.build_payload(write.snapshot_bytes(record()), ENVELOPE))
    unknown = {name for name in names(payload) if name not in context["@context"] and name != "@context"}
    assert unknown == set()
    expanded = jsonld.expand({**payload, "@context": context["@context"]})
    assert len(expanded) == 1


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names(member) for member in value.values()))
    return set().union(*(names(member) for member in value)) if isinstance(value, list) else set()


def test_a_moment_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="zone"):
        write.date_time(datetime(2026, 1, 1))
    assert write.date_time(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"


def test_a_revocation_list_holds_strings() -> None:
    """CLR1-P-18"""
    document = write.revocation_list(id="https://x.example/1", issuer=PUBLISHER, revoked=["urn:a"])
    assert read.check(document, model.RevocationList) == []
    assert document["revokedAssertions"] == ["urn:a"] and document["@context"] == model.CONTEXT_URL


def test_discovery_has_all_required_properties_and_no_others() -> None:
    """CLR1-P-01"""
    url = "https://x.example/"
    document = write.discovery_document(
        name="X",
        authorization_url=url,
        registration_url=url,
        token_url=url,
        privacy_policy_url=url,
        terms_of_service_url=url,
        scopes_offered=[model.SCOPE_READONLY],
    )
    assert read.check(document, model.DiscoveryDocument) == []
    assert set(document) <= set(model.describe(model.DiscoveryDocument).members)


def test_a_payload_message_has_exactly_one_form() -> None:
    """CLR1-P-10"""
    assert write.clr_payload(signed_clr="a.b.c")["signedClr"] == "a.b.c"
    with pytest.raises(ValueError):
        write.clr_payload()
    with pytest.raises(ValueError):
        write.clr_payload(clr={}, signed_clr="a.b.c")


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405, 406, 410, 421, 429, 500, 503])
def test_status_information_has_allowed_values(status: int) -> None:
    """CLR1-P-08"""
    body = write.status_info(http_status=status, description="…", system="x.example")
    assert body["imsx_codeMajor"] in ("success", "failure", "processing", "unsupported")
    assert body["imsx_severity"] in ("status", "warning", "error")
    (minor,) = body["imsx_codeMinor"]["imsx_codeMinorField"]
    assert minor["imsx_codeMinorFieldValue"] in [
        "forbidden",
        "fullsuccess",
        "internal_server_error",
        "invalid_data",
        "invalid_query_parameter",
        "server_busy",
        "unauthorizedrequest",
        "misdirected_request",
        "not_acceptable",
        "not_allowed",
        "not_modified",
        "unknown",
    ]
