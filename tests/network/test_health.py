"""For operators: REL-29."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from apps.network import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_checks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.network.edge_urls"
    monkeypatch.setattr(health, "_checks", {})
    monkeypatch.setattr(health, "_gauges", [])
    health.register_own()
    yield


def test_it_works(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "failing": []})


def test_rel_29_healthz_asks_nothing(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    health.register_check("down", lambda: False)
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_rel_29_a_failing_check_is_named_and_nothing_else(client: Client) -> None:
    def broken() -> bool:
        raise RuntimeError("the key at /etc/kek is wrong")

    health.register_check("key encryption key", broken)
    health.register_check("triggers", lambda: False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "failing": ["key encryption key", "triggers"]}


def test_rel_29_without_a_broker_it_is_degraded(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "failing": ["broker"]})


def test_rel_23_a_full_disk_is_not_ready(client: Client, settings: Settings) -> None:
    settings.MIN_FREE_BYTES = 2**70
    assert client.get("/readyz").json()["failing"] == ["disk"]


def test_metrics_for_loopback(client: Client) -> None:
    health.register_gauge(lambda: [("clrportal_jobs", {"state": "queued"}, 3)])
    text = client.get("/metrics").content.decode()
    assert "clrportal_up 1\n" in text
    assert 'clrportal_jobs{state="queued"} 3\n' in text


def test_metrics_for_nobody_else(client: Client, settings: Settings) -> None:
    assert client.get("/metrics", REMOTE_ADDR="8.8.8.8").status_code == 404
    assert client.get("/metrics", headers={"x-forwarded-for": "8.8.8.8"}).status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}, REMOTE_ADDR="8.8.8.8").status_code == 404


def test_metrics_for_the_bearer(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "abc"
    right, wrong = {"authorization": "Bearer abc"}, {"authorization": "Bearer abd"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="8.8.8.8").status_code == 200
    assert client.get("/metrics", headers=wrong, REMOTE_ADDR="8.8.8.8").status_code == 404
    assert client.get("/metrics", headers=wrong).status_code == 404
