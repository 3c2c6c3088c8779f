"""`/verify/`: the counter where anyone asks whether a record is genuine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.network.errors import request_id
from apps.standards.verify.verdict import UNDECIDED_CODES
from apps.verification.codes import code_in
from apps.verification.maps import MapFetcher
from apps.verification.showing import DECIDED_BY, host_of, plain

pytestmark = pytest.mark.django_db


def verdict(body: bytes) -> str:
    found = re.findall(r'data-verdict="(\w+)"', body.decode())
    assert len(found) == 1
    return found[0]


def upload(client: Client, content: bytes, name: str = "record.jws") -> bytes:
    return client.post("/verify/", {"file": SimpleUploadedFile(name, content), "text": "", "address": ""}).content


def test_it_works(client: Client, clr1: Path, network: MapFetcher) -> None:
    page = upload(client, (clr1 / "cases/signed-clr.jwt").read_bytes())
    assert verdict(page) == "valid"
    for text in ("The record is genuine", "Harbor Lights College", "records.harborlights.example", "Noa Vermeer"):
        assert text in page.decode()


def test_the_page_asks_for_a_file_a_text_or_an_address(client: Client) -> None:
    page = client.get("/verify/").content.decode()
    assert 'type="file"' in page
    assert "<textarea" in page
    assert 'name="address"' in page
    assert "data-verdict" not in page


def test_pasted_text(client: Client, clr1: Path, network: MapFetcher) -> None:
    text = (clr1 / "cases/signed-clr-altered-payload.jwt").read_text()
    page = client.post("/verify/", {"text": text}).content
    assert verdict(page) == "invalid"
    assert b"it was changed after signing" in page


def test_an_open_question_says_what_would_decide_it(client: Client, clr1: Path, network: MapFetcher) -> None:
    """CLR1-V-18"""
    unsigned = upload(client, (clr1 / "cases/signed-clr-as-bare-json.json").read_bytes(), "record.json")
    assert verdict(unsigned) == "undecided"
    assert b"ask the sender for the file with the signature" in unsigned
    assert b"ask the sender" not in upload(client, (clr1 / "cases/signed-clr.jwt").read_bytes())


def test_every_code_that_leaves_it_open_has_an_answer() -> None:
    assert set(DECIDED_BY) == UNDECIDED_CODES


def test_what_holds_is_folded_and_what_does_not_is_open(client: Client, clr1: Path, network: MapFetcher) -> None:
    fine = upload(client, (clr1 / "cases/signed-clr.jwt").read_bytes()).decode()
    bad = upload(client, (clr1 / "cases/signed-clr-revoked.jwt").read_bytes()).decode()
    assert not re.search(r'<details class="fold" open>', fine)
    assert re.search(r'<details class="fold" open>\s*<summary>The \d+ steps', bad)
    assert "step-failed" in bad


def test_what_a_genuine_record_says_is_shown(client: Client, clr1: Path, network: MapFetcher) -> None:
    assert b"Introduction to Navigation" in upload(client, (clr1 / "cases/signed-clr.jwt").read_bytes())
    altered = upload(client, (clr1 / "cases/signed-clr-altered-payload.jwt").read_bytes())
    assert b"Introduction to Navigation" not in altered


def test_the_person_expected(client: Client, clr1: Path, network: MapFetcher) -> None:
    text = (clr1 / "cases/signed-clr.jwt").read_text()
    assert verdict(client.post("/verify/", {"text": text, "expected": "x@other.example"}).content) == "invalid"


@pytest.mark.parametrize("data", [{}, {"text": "  "}, {"address": ""}, {"text": "hello"}, {"text": "{"}])
def test_what_cannot_be_read_says_what_to_do(data: dict[str, str], client: Client) -> None:
    answer = client.post("/verify/", data)
    assert answer.status_code == 200
    assert verdict(answer.content) == "invalid"
    assert b"could not be read as a record" in answer.content


def test_an_address_that_nobody_answers_at(client: Client, network: MapFetcher) -> None:
    page = client.post("/verify/", {"address": "records.harborlights.example/nowhere"}).content
    assert verdict(page) == "undecided"


@pytest.mark.parametrize(
    "hostile", ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "javascript:alert(1)", "\x00"]
)
@pytest.mark.parametrize("field", ["text", "address", "expected"])
def test_what_is_handed_in_is_shown_as_text_alone(hostile: str, field: str, client: Client) -> None:
    page = client.post("/verify/", {"text": '{"a": 1}', field: hostile}).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "javascript:" not in page


def test_sec_32_names_cannot_turn_the_page_round(client: Client, clr1: Path) -> None:
    assert plain("University \u202emoc.live\u202c \u2066x\u2069\x00") == "University moc.live x"


def test_sec_32_the_host_is_shown_in_ascii() -> None:
    assert host_of("https://universität.example/1") == "xn--universitt-y5a.example"
    assert host_of("https://good.example@evil.example/") == "evil.example"
    assert host_of("did:web:issuer.example:a") == "issuer.example"
    assert host_of("urn:uuid:1") == ""
    assert host_of("https://[::1") == ""


def test_sec_20_too_large_is_413(client: Client) -> None:
    answer = client.generic(
        "POST", "/verify/", b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="60000000"
    )
    assert answer.status_code == 413
    assert request_id(answer.wsgi_request) in answer.content.decode()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_400(kind: str, client: Client) -> None:
    assert client.generic("POST", "/verify/", b"--x\r\n\r\n", content_type=kind).status_code == 400


def test_nobody_need_sign_in_and_no_foreign_page_is_loaded(client: Client) -> None:
    """PRIV-08."""
    page = client.get("/verify/").content.decode()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


# --- The printed code -----------------------------------------------------------------------------------


def test_a_code_leads_to_its_page(client: Client) -> None:
    code = "abcdefghijklmnopqrstuvwx27"
    for typed in (code, code.upper(), f"127.0.0.1:8000/verify/{code}", f"http://127.0.0.1:8000/verify/{code}/"):
        assert code_in(typed) == code
        answer = client.post("/verify/", {"address": typed})
        assert (answer.status_code, answer["Location"]) == (302, f"/verify/{code}")
    assert code_in(f"https://other.example/verify/{code}") is None
    assert code_in("https://[::1") is None


@pytest.mark.parametrize(
    "code", ["abcdefghijklmnopqrstuvwx27", "ABCDEFGHIJKLMNOPQRSTUVWX27", "000000000000000000000000000"]
)
def test_an_unknown_code_is_404(code: str, client: Client) -> None:
    answer = client.get(f"/verify/{code}")
    assert answer.status_code == 404
    assert b"No record has this code" in answer.content


def test_sec_59_guessing_codes_is_stopped(client: Client) -> None:
    statuses = [client.get("/verify/abcdefghijklmnopqrstuvwx27").status_code for _ in range(102)]
    assert statuses[99:] == [404, 429, 429]
