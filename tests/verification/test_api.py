"""`/api/verify/`: the raw document in, the answer of the command out."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.verification import judging
from apps.verification.maps import MapFetcher

pytestmark = pytest.mark.django_db


def send(client: Client, body: bytes, kind: str = "application/jose", **headers: str) -> HttpResponse:
    return client.generic("POST", "/api/verify/", body, content_type=kind, headers=headers, CONTENT_TYPE=kind)  # type: ignore[return-value]


def test_it_works(client: Client, clr1: Path, network: MapFetcher) -> None:
    answer = send(client, (clr1 / "cases/signed-clr.jwt").read_bytes())
    assert answer.status_code == 200
    assert (answer.json()["verdict"], answer.json()["format"]) == ("valid", "clr-1.0")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cache-Control"] == "no-store"


def test_what_was_altered_is_judged_and_not_refused(client: Client, clr1: Path, network: MapFetcher) -> None:
    answer = send(client, (clr1 / "cases/signed-clr-altered-payload.jwt").read_bytes())
    assert (answer.status_code, answer.json()["verdict"]) == (200, "invalid")


def test_an_address_alone(client: Client, network: MapFetcher) -> None:
    answer = send(client, b'{"url": "https://records.harborlights.example/nowhere"}', "application/json")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "undecided")


def test_an_address_beside_something_else_is_a_document(client: Client, network: MapFetcher) -> None:
    answer = send(client, b'{"url": "https://records.harborlights.example/", "a": 1}', "application/json")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "", "//a.example/", "https://a.example/" + "a" * 5_000]
)
def test_sec_01_what_is_no_web_address(url: str, client: Client) -> None:
    answer = send(client, b'{"url": "%s"}' % url.encode(), "application/json")
    assert (answer.status_code, answer.json()["valid"]) == (422, False)


def test_sec_09_its_own_addresses_are_not_requested(client: Client) -> None:
    answer = send(client, b'{"url": "http://127.0.0.1:8000/readyz"}', "application/json")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "undecided")


@pytest.mark.parametrize("body", [b"", b"   \n"])
def test_nothing_is_400(body: bytes, client: Client) -> None:
    assert send(client, body, "application/json").status_code == 400


@pytest.mark.parametrize("body", [b"{", b"null", b"42", b"[[],[[]]]", b"\xff\xfe", b'{"a": 1, "a": 2}'])
def test_what_cannot_be_read_is_422_with_the_reason(body: bytes, client: Client) -> None:
    answer = send(client, body, "application/json")
    assert (answer.status_code, answer.json()["valid"]) == (422, False)
    assert answer.json()["checks"][0]["detail"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/html",
        "application/json; charset=utf-99",
        "",
    ],
)
def test_other_content_types_are_415(kind: str, client: Client) -> None:
    assert send(client, b"{}", kind).status_code == 415


def test_sec_20_packed_bodies_are_415(client: Client) -> None:
    assert send(client, b"{}", **{"content-encoding": "gzip"}).status_code == 415


def test_sec_20_more_than_25_mb_is_413(client: Client) -> None:
    assert client.generic("POST", "/api/verify/", b"", CONTENT_LENGTH="25100000").status_code == 413


def test_a_body_of_several_megabytes_is_read(client: Client) -> None:
    assert send(client, b'"' + b"a" * 7_000_000 + b'"', "application/json").status_code == 422


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_405(method: str, client: Client) -> None:
    answer = getattr(client, method)("/api/verify/")
    assert answer.status_code == 405
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_sec_59_three_hundred_in_ten_minutes(client: Client) -> None:
    statuses = [send(client, b"", "application/json").status_code for _ in range(301)]
    assert set(statuses[:300]) == {400}
    assert statuses[300] == 429


def test_i6_a_fault_of_the_portal_is_undecided_never_valid(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    learner = "Noa Vermeer"

    def breaks(*args: object, **kwargs: object) -> None:
        raise KeyError(learner)

    monkeypatch.setattr(judging.engine, "verify", breaks)
    answer = send(client, b"{}", "application/json")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "undecided")
    assert answer.json()["checks"][0]["code"] == "NOT_DECIDED"
    assert "KeyError" in caplog.text
    assert learner not in caplog.text


def test_priv_08_the_log_has_format_verdict_and_duration_alone(
    client: Client, clr1: Path, network: MapFetcher, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    send(client, (clr1 / "cases/signed-clr.jwt").read_bytes())
    assert "verified format=clr-1.0 verdict=valid ms=" in caplog.text
    assert "Vermeer" not in caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Vermeer" not in kept


def test_it_is_described_for_programs(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"accept": "application/json"})
    assert schema.status_code == 200
    described = schema.content.decode()
    assert "/api/verify/" in described
    assert "application/jose" in described
    assert client.get("/api/docs/").status_code == 200
