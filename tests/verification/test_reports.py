"""The signed verification report: kept by the verifier, stored nowhere, signed by its digest alone."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.institution import keys
from apps.jobs import running
from apps.jobs.models import Job
from apps.verification import reports
from apps.verification.maps import MapFetcher
from tests.issuance.earning import School, found_school


@pytest.fixture
def school(db: None, settings: Any, tmp_path: Path) -> School:
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    keys.forget_signers()
    return found_school()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signing worker does its work while the request waits."""
    start = running.start

    def start_and_run(*args: Any, **kwargs: Any) -> Job:
        return running.run_now(start(*args, **kwargs))

    monkeypatch.setattr(running, "start", start_and_run)


def report_on_page(client: Client, clr1: Path) -> str:
    text = (clr1 / "cases/signed-clr.jwt").read_text()
    page = client.post("/verify/", {"text": text}).content.decode()
    found = re.search(r'name="report" value="([^"]+)"', page)
    assert found
    return unescape(found[1])


def test_it_works(client: Client, clr1: Path, network: MapFetcher, school: School, worker: None) -> None:
    answer = client.post("/verify/report/", {"report": report_on_page(client, clr1)})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="verification-report.json"'
    kept = json.loads(answer.content)
    assert kept["report"]["result"]["verdict"] == "valid"
    key = keys.active_key(school.home)
    assert key is not None
    assert reports.holds(answer.content, key.public_pem)


def test_a_changed_report_does_not_hold(
    client: Client, clr1: Path, network: MapFetcher, school: School, worker: None
) -> None:
    answer = client.post("/verify/report/", {"report": report_on_page(client, clr1)})
    changed = answer.content.replace(b"Noa Vermeer", b"Noa Vermeir")
    key = keys.active_key(school.home)
    assert changed != answer.content
    assert key is not None
    assert not reports.holds(changed, key.public_pem)
    assert not reports.holds(b"{}", key.public_pem)


def test_only_the_digest_goes_to_the_worker(
    client: Client, clr1: Path, network: MapFetcher, school: School, worker: None
) -> None:
    client.post("/verify/report/", {"report": report_on_page(client, clr1)})
    job = Job.objects.get(kind=reports.KIND)
    assert set(job.arguments) == {"sha256"}
    assert len(job.arguments["sha256"]) == 64
    assert "Vermeer" not in json.dumps([job.arguments, job.result, job.title])


def test_asking_again_gives_the_same_signature(
    client: Client, clr1: Path, network: MapFetcher, school: School, worker: None
) -> None:
    report = report_on_page(client, clr1)
    first = client.post("/verify/report/", {"report": report}).content
    assert client.post("/verify/report/", {"report": report}).content == first
    assert Job.objects.filter(kind=reports.KIND).count() == 1


@pytest.mark.parametrize("forged", ["", "{}", '{"result": {"verdict": "valid"}}:abc', "\x00:x"])
def test_what_was_not_made_here_is_not_signed(forged: str, client: Client, school: School) -> None:
    assert client.post("/verify/report/", {"report": forged}).status_code == 400
    assert not Job.objects.filter(kind=reports.KIND).exists()


def test_a_changed_page_is_not_signed(client: Client, clr1: Path, network: MapFetcher, school: School) -> None:
    report = report_on_page(client, clr1).replace("valid", "vaIid", 1)
    assert client.post("/verify/report/", {"report": report}).status_code == 400


def test_without_a_worker_it_says_to_ask_again(
    client: Client, clr1: Path, network: MapFetcher, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "WAIT_SECONDS", 0.0)
    answer = client.post("/verify/report/", {"report": report_on_page(client, clr1)})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_what_cannot_be_read_has_no_report(client: Client, db: None) -> None:
    assert b'name="report"' not in client.post("/verify/", {"text": "hello"}).content
