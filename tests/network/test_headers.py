"""What every answer carries, and whom a request is believed to be from: SEC-55 to SEC-58, PRIV-08."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

STRICT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture(autouse=True)
def small_portal(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.network.edge_urls"


def directives(policy: str) -> set[str]:
    return {part.strip() for part in policy.split(";") if part.strip()}


def test_it_works(client: Client) -> None:
    answer = client.get("/page/")
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in answer["Permissions-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert len(answer["X-Request-ID"]) == 16


@pytest.mark.parametrize("path", ["/page/", "/hosted/", "/absent/", "/breaks/denied/", "/healthz"])
def test_sec_56_the_policy_stands_on_every_answer(path: str, client: Client) -> None:
    assert directives(client.get(path)["Content-Security-Policy"]) == STRICT


def test_sec_56_only_the_admin_may_evaluate_and_style(client: Client) -> None:
    changed = {"script-src 'self'", "style-src 'self'"}
    allowed = {"script-src 'self' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'"}
    assert directives(client.get("/admin/page/")["Content-Security-Policy"]) == (STRICT - changed) | allowed


def test_sec_56_data_blocks_cannot_end_themselves(client: Client) -> None:
    body = client.get("/page/").content.decode()
    assert '<script type="application/ld+json">{"name": "\\u003c/script\\u003e\\u003cb\\u003e\\u0026\\u2028"}' in body


def test_sec_57_what_says_nothing_about_caching_is_not_stored(client: Client) -> None:
    answer = client.get("/page/")
    assert answer["Cache-Control"] == "no-store"
    assert "Cookie" in answer["Vary"]


def test_sec_57_public_objects_are_open_to_all_origins(client: Client) -> None:
    answer = client.get("/hosted/", headers={"origin": "https://elsewhere.example"})
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "public, max-age=300"
    assert "Access-Control-Allow-Credentials" not in answer


def test_sec_57_other_pages_are_open_to_none(client: Client) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/page/", headers={"origin": "https://a.example"})


def test_sec_57_an_api_answers_the_preflight(client: Client) -> None:
    answer = client.options("/api/thing/", headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert answer["Access-Control-Allow-Headers"] == "Content-Type"
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "a b"])
def test_sec_58_another_host_is_refused_and_not_repeated(host: str, client: Client) -> None:
    answer = client.get("/page/", headers={"host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    assert directives(answer["Content-Security-Policy"]) == STRICT


def test_sec_58_forwarded_headers_of_strangers_are_not_believed(client: Client) -> None:
    answer = client.get(
        "/form/",
        headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"},
    )
    assert answer.status_code == 200
    assert "HTTP_X_FORWARDED_HOST" not in answer.wsgi_request.META
    assert not answer.wsgi_request.is_secure()


def test_sec_58_a_configured_proxy_is_believed(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    fresh = Client()
    answer = fresh.get("/page/", headers={"x-forwarded-for": "9.9.9.9, 8.8.8.8", "x-forwarded-proto": "https"})
    assert answer.wsgi_request.META["REMOTE_ADDR"] == "8.8.8.8"
    assert answer.wsgi_request.is_secure()


def test_sec_55_a_form_needs_its_token() -> None:
    answer = Client(enforce_csrf_checks=True).post("/form/", {"a": 1})
    assert answer.status_code == 403
    assert b"send it once more" in answer.content


def test_sec_55_no_header_and_no_field_changes_the_method(client: Client) -> None:
    answer = client.post("/form/?_method=DELETE", {"_method": "DELETE"}, headers={"x-http-method-override": "DELETE"})
    assert answer.wsgi_request.method == "POST"
