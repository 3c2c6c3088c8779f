"""What this portal issued is looked up, never requested, and said to be what it is (SEC-09, REL-13, REL-16)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.institution import keys
from apps.institution.models import Disclosure
from apps.issuance import batches, documents, review, revoking, signing
from apps.issuance.models import IssuedDocument, Publicity, Record
from apps.network import fetching
from tests.issuance.earning import School, found_school


@pytest.fixture
def school(db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    """A school with keys of its own, and a network where nobody may be asked for anything."""
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.FILES_DIR = tmp_path / "files"
    keys.forget_signers()

    def asked(*args: object, **kwargs: object) -> None:
        raise AssertionError("a verification of our own record asked the network")

    monkeypatch.setattr(fetching, "resolve", asked)
    monkeypatch.setattr(fetching, "connect", asked)
    return found_school()


def judged(client: Client, body: bytes, kind: str = "application/jose") -> dict[str, Any]:
    answer = client.generic("POST", "/api/verify/", body, content_type=kind)
    assert answer.status_code == 200
    return dict(answer.json())


def codes(result: dict[str, Any]) -> set[str]:
    return {check["code"] for check in result["checks"] if check["status"] in {"failed", "warning"}}


def test_it_works(client: Client, school: School) -> None:
    record = school.issued()
    result = judged(client, documents.jws(record))
    assert (result["verdict"], codes(result)) == ("valid", set())
    assert result["superseded_by"] is None


def test_plain_json_with_our_content_is_judged_by_the_stored_signature(client: Client, school: School) -> None:
    payload = json.loads(documents.payload(school.issued()))
    result = judged(client, json.dumps(payload, indent=3).encode(), "application/json")
    assert result["verdict"] == "valid"


def test_plain_json_with_other_content_is_not_valid_and_says_so(client: Client, school: School) -> None:
    payload = json.loads(documents.payload(school.issued()))
    payload["learner"]["name"] = "Somebody Else"
    result = judged(client, json.dumps(payload).encode(), "application/json")
    assert (result["verdict"], "CONTENT_DIFFERS" in codes(result)) == ("invalid", True)


def test_rel_13_a_revoked_record_is_said_to_be_revoked_at_once(client: Client, school: School) -> None:
    record = school.issued()
    assert judged(client, documents.jws(record))["verdict"] == "valid"
    revoking.revoke(record, by=school.registrar, reason="Issued by mistake")
    result = judged(client, documents.jws(record))
    assert (result["verdict"], codes(result) & {"REVOKED"}) == ("invalid", {"REVOKED"})


def test_a_superseded_record_stays_valid_and_names_the_one_that_stands(client: Client, school: School) -> None:
    first, _second, third = corrected_twice(school)
    result = judged(client, documents.jws(first))
    assert (result["verdict"], codes(result)) == ("valid", {"SUPERSEDED"})
    assert result["superseded_by"] == documents.document_of(third).document_id
    assert judged(client, documents.jws(third))["superseded_by"] is None


def corrected(school: School, record: Record) -> Record:
    """The issued correction of a record, with one more course."""
    school.passes(record.learner, f"ADD {record.pk}")
    correction = revoking.reissue(record, by=school.registrar, reason="A course was missing")
    review.submit(correction, by=school.registrar, version=correction.version)
    review.approve(correction, by=school.approver, version=correction.version)
    batches.start([correction], by=school.registrar)
    signing.issue_due()
    correction.refresh_from_db()
    return correction


def corrected_twice(school: School) -> tuple[Record, Record, Record]:
    first = school.issued()
    second = corrected(school, first)
    return first, second, corrected(school, second)


def test_rel_16_bytes_that_changed_are_never_shown(client: Client, school: School) -> None:
    record = school.issued()
    damage(documents.document_of(record))
    assert client.get(f"/verify/{record.code}").status_code == 503
    answer = client.generic(
        "POST",
        "/api/verify/",
        json.dumps({"url": f"http://127.0.0.1:8000/verify/{record.code}"}).encode(),
        content_type="application/json",
    )
    assert answer.status_code == 503


def damage(document: IssuedDocument) -> None:
    """Change stored bytes behind the back of the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                ["issuance_issueddocument"],
            )
            for name, _sql in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks is not altered
            cursor.execute("ALTER TABLE issuance_issueddocument DISABLE TRIGGER ALL")
        cursor.execute("UPDATE issuance_issueddocument SET content = %s WHERE id = %s", [b"changed", document.pk])


# --- The printed code -----------------------------------------------------------------------------------


def page(client: Client, record: Record) -> str:
    answer = client.get(f"/verify/{record.code}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_printed_code_shows_state_issuer_learner_and_no_results(client: Client, school: School) -> None:
    """REG-22: validity, institution and what the learner shared by handing it on, and nothing else."""
    record = school.issued()
    text = page(client, record)
    assert 'data-verdict="valid"' in text
    assert 'data-state="issued"' in text
    assert "Wanjiru Grünwald-Ōtani" in text
    assert not [
        row for row in json.loads(documents.payload(record))["assertions"] if row["achievement"]["name"] in text
    ]


def test_each_look_at_a_private_record_stands_in_the_disclosure_log(client: Client, school: School) -> None:
    """PRIV-01: whoever has the code is shown a record that is not public; robots that ask for the head are not."""
    record = school.issued()
    client.head(f"/verify/{record.code}")
    assert not Disclosure.objects.exists()
    page(client, record)
    noted = Disclosure.objects.get()
    assert (noted.learner_id, noted.object_id) == (record.learner.public_id, str(record.public_id))
    assert (noted.purpose, noted.object_type) == ("verification", "issuance.record")
    assert noted.recipient and noted.basis and record.code not in f"{noted.recipient} {noted.basis}"
    Publicity.objects.update_or_create(record=record, defaults={"is_public": True})
    page(client, record)
    assert Disclosure.objects.count() == 1


def test_the_code_may_be_typed_in_capitals(client: Client, school: School) -> None:
    record = school.issued()
    assert client.get(f"/verify/{record.code.upper()}/").status_code == 200


def test_a_program_may_send_the_address_of_the_code(client: Client, school: School, settings: Any) -> None:
    record = school.issued()
    body = json.dumps({"url": f"{settings.BASE_URL}/verify/{record.code}"}).encode()
    assert judged(client, body, "application/json")["verdict"] == "valid"


def test_a_revoked_record_says_so_in_its_first_sentence(client: Client, school: School) -> None:
    record = school.issued()
    revoking.revoke(record, by=school.registrar, reason="Issued by mistake")
    text = page(client, record)
    assert 'data-verdict="invalid"' in text
    assert "This record was revoked by its issuer" in text


def test_a_superseded_record_links_to_the_newer_one(client: Client, school: School) -> None:
    first, second, _third = corrected_twice(school)
    text = page(client, first)
    assert 'data-verdict="valid"' in text
    assert f"/verify/{second.code}" in text


def test_i4_a_withdrawn_code_cannot_be_told_from_one_that_never_was(client: Client, school: School) -> None:
    record = school.issued()
    Publicity.objects.update_or_create(record=record, defaults={"code_withdrawn_at": timezone.now()})
    withdrawn = client.get(f"/verify/{record.code}")
    unknown = client.get("/verify/abcdefghijklmnopqrstuvwx27")
    assert withdrawn.status_code == unknown.status_code == 404
    assert withdrawn.content.replace(withdrawn["X-Request-ID"].encode(), b"") == unknown.content.replace(
        unknown["X-Request-ID"].encode(), b""
    )


def test_a_draft_has_no_page(client: Client, school: School) -> None:
    assert client.get(f"/verify/{school.drafted().code}").status_code == 404
