"""The logo of a client: fetched guardedly, drawn anew, served by us (SEC-11, SEC-46)."""

import io
from typing import Any

import pytest
from django.test import Client as Browser
from PIL import Image

from apps.exchange.authorization import logos
from apps.exchange.models import Client
from apps.institution import files
from apps.jobs.models import Job
from apps.jobs.running import run_now
from apps.network.fetching import Fetched, GuardedFetcher
from apps.standards.errors import RefusedByPolicy
from tests.exchange.authorization.flow import App, Person, metadata, registering

pytestmark = pytest.mark.django_db


def png(hidden: bytes = b"") -> bytes:
    """A picture, with something behind its end."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "#204060").save(out, "PNG")
    return out.getvalue() + hidden


def fetched(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """Runs the waiting job with this answer of the app's host; gives the addresses that were asked."""
    asked: list[str] = []

    def fetch(self: GuardedFetcher, url: str, *, kind: str = "document") -> Fetched:
        asked.append(url)
        assert kind == "image"
        if isinstance(answer, Exception):
            raise answer
        return Fetched(url, 200, "image/png", answer)

    monkeypatch.setattr(GuardedFetcher, "fetch", fetch)
    for job in Job.objects.filter(kind=logos.KIND):
        run_now(job)
    return asked


def test_a_logo_is_fetched_in_the_background_and_drawn_anew(app: App, person: Person, monkeypatch: pytest.MonkeyPatch):
    assert fetched(monkeypatch, png(b"<script>hidden</script>")) == ["https://app.example/logo.png"]
    client = app.row
    assert b"hidden" not in files.get(client.logo_digest)
    response = person.browser.get(f"/o/logos/{client.public_id}.png")
    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    text = person.look(app).content.decode()
    assert f"/o/logos/{client.public_id}.png" in text
    assert "app.example/logo.png" not in text  # nothing is loaded from elsewhere (PRIV-08)


@pytest.mark.parametrize(
    "answer", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"GIF89a", RefusedByPolicy("no")]
)
def test_what_is_no_picture_is_not_shown(app: App, person: Person, monkeypatch: pytest.MonkeyPatch, answer: Any):
    fetched(monkeypatch, answer)
    assert app.row.logo_digest == ""
    assert person.browser.get(f"/o/logos/{app.row.public_id}.png").status_code == 404
    assert "/o/logos/" not in person.look(app).content.decode()


def test_strangers_see_no_logo(app: App, monkeypatch: pytest.MonkeyPatch):
    """Else anybody could put pictures under our name."""
    fetched(monkeypatch, png())
    assert Browser().get(f"/o/logos/{app.row.public_id}.png").status_code == 302


def test_registering_fetches_nothing_itself(monkeypatch: pytest.MonkeyPatch):
    """SEC-46: a caller cannot make the request wait for a host of its choice."""

    def fetch(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("fetched while somebody waits")

    monkeypatch.setattr(GuardedFetcher, "fetch", fetch)
    assert registering(metadata()).status_code == 201
    assert Client.objects.get().logo_digest == ""
    assert Job.objects.filter(kind=logos.KIND).count() == 1
