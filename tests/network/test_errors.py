"""Error answers: one sentence, a request id, the form of the surface, and nothing of the inside (SEC-60)."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

INSIDE = ["Traceback", "secret", "10.0.0.1", "Error", "/breaks/", "edge_urls", "Django"]


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.ROOT_URLCONF = "tests.network.edge_urls"
    return Client(raise_request_exception=False)


def test_it_works(client: Client) -> None:
    answer = client.get("/absent/")
    assert answer.status_code == 404
    assert "text/html" in answer["Content-Type"]
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.parametrize(("how", "status"), [("denied", 403), ("absent", 404), ("database", 503), ("bug", 500)])
@pytest.mark.parametrize("surface", ["/breaks/", "/api/breaks/", "/standard/breaks/"])
def test_sec_60_nothing_of_the_inside_is_told(how: str, status: int, surface: str, client: Client) -> None:
    answer = client.get(f"{surface}{how}/?q=mine")
    text = answer.content.decode()
    assert answer.status_code == status
    assert answer["Cache-Control"] == "no-store"
    assert not [word for word in [*INSIDE, "mine"] if word in text]


def test_sec_60_programs_get_json(client: Client) -> None:
    answer = client.get("/api/breaks/bug/")
    assert answer.json() == {"error": answer.json()["error"], "status": 500, "request_id": answer["X-Request-ID"]}
    assert client.get("/absent/", headers={"accept": "application/json"}).json()["status"] == 404
    assert "html" in client.get("/absent/", headers={"accept": "text/html,*/*"})["Content-Type"]


def test_sec_60_a_standard_has_its_own_form(client: Client) -> None:
    assert client.get("/standard/breaks/absent/").json()["form"] == "of a standard"


def test_a_sentence_given_with_a_refusal_is_shown(client: Client) -> None:
    assert b"Approval needs a second person." in client.get("/breaks/denied/").content


def test_rel_21_a_lost_database_is_503_with_retry_after(client: Client) -> None:
    """REL-21."""
    assert int(client.get("/breaks/database/")["Retry-After"]) > 0
