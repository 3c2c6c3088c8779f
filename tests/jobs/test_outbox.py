"""Letters are told once, after what they tell of is stored, and none lies forgotten: REL-09, REL-29."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.jobs import clock, outbox
from apps.jobs.models import OutboxEntry

pytestmark = pytest.mark.django_db
KIND = "tests-notice"


@pytest.fixture(autouse=True)
def letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(
        outbox.SENDERS,
        KIND,
        lambda entry: EmailMultiAlternatives("Hello", f"About {entry.subject_id}", to=["ada@example.edu"]),
    )
    yield


def entry() -> OutboxEntry:
    return OutboxEntry.objects.get(kind=KIND)


def test_it_works():
    outbox.put(KIND, "record-1", "ada")
    assert outbox.send_outbox() == 1
    [letter] = mail.outbox
    assert letter.body == "About record-1"
    assert letter.extra_headers["Message-ID"] == outbox.message_id(entry())
    assert entry().sent_at is not None


def test_rel_09_the_same_notice_twice_is_told_once():
    outbox.put(KIND, "record-1", "ada")
    outbox.send_outbox()
    outbox.put(KIND, "record-1", "ada")
    assert outbox.send_outbox() == 0
    assert len(mail.outbox) == 1


def test_rel_09_what_was_not_accepted_is_tried_again_later_with_the_same_id(monkeypatch: pytest.MonkeyPatch):
    def refused(_: OutboxEntry) -> EmailMultiAlternatives:
        raise ConnectionRefusedError

    accepting = outbox.SENDERS[KIND]
    monkeypatch.setitem(outbox.SENDERS, KIND, refused)
    outbox.put(KIND, "record-1", "ada")
    assert outbox.send_outbox() == 0
    waiting = entry()
    assert (waiting.sent_at, waiting.attempt, waiting.error) == (None, 1, "ConnectionRefusedError")
    assert waiting.due_at > timezone.now()

    monkeypatch.setitem(outbox.SENDERS, KIND, accepting)
    OutboxEntry.objects.update(due_at=timezone.now())
    assert outbox.send_outbox() == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == outbox.message_id(waiting)


def test_a_notice_that_another_worker_holds_is_left_to_it():
    outbox.put(KIND, "record-1", "ada")
    OutboxEntry.objects.update(lease_until=clock.now() + timedelta(minutes=1))
    assert outbox.send_outbox() == 0
    assert mail.outbox == []


def test_a_notice_is_given_up_at_last_and_says_why(monkeypatch: pytest.MonkeyPatch):
    def refused(_: OutboxEntry) -> EmailMultiAlternatives:
        raise TimeoutError

    monkeypatch.setitem(outbox.SENDERS, KIND, refused)
    outbox.put(KIND, "record-1", "ada")
    for _ in range(outbox.MAX_ATTEMPTS):
        OutboxEntry.objects.update(due_at=timezone.now())
        outbox.send_outbox()
    given_up = entry()
    assert given_up.failed_at is not None
    assert (given_up.attempt, given_up.error) == (outbox.MAX_ATTEMPTS, "TimeoutError")


def test_rel_29_a_due_notice_never_tried_for_five_minutes_is_not_ready(client: Client):
    outbox.put(KIND, "record-1", "ada")
    OutboxEntry.objects.update(due_at=timezone.now() - timedelta(minutes=4))
    assert "outbox" not in client.get("/readyz").json()["failing"]
    OutboxEntry.objects.update(due_at=timezone.now() - timedelta(minutes=6))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "outbox" in answer.json()["failing"]


@pytest.mark.parametrize("tried", [{"attempt": 1}, {"sent_at": timezone.now()}, {"failed_at": timezone.now()}])
def test_rel_29_what_was_tried_sent_or_given_up_is_no_fault(tried: dict[str, object]):
    outbox.put(KIND, "record-1", "ada")
    OutboxEntry.objects.update(due_at=timezone.now() - timedelta(hours=1), **tried)
    assert outbox.is_being_emptied()


def test_rel_29_a_dead_broker_is_degraded_however_long_letters_wait(client: Client, settings: Settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    outbox.put(KIND, "record-1", "ada")
    OutboxEntry.objects.update(due_at=timezone.now() - timedelta(hours=1))
    failing = client.get("/readyz").json()["failing"]
    assert "broker" in failing
    assert "outbox" not in failing
