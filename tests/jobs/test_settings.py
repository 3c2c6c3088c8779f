"""How background work is configured: REL-07, SEC-63."""

from datetime import timedelta

import pytest
from django.conf import settings

from apps.issuance import batches, signing, tasks
from apps.jobs import running
from clrportal.celery import app

pytestmark = pytest.mark.once


def test_rel_07_a_message_is_kept_until_its_work_is_done():
    """REL-07: acknowledged late, given back when the worker is lost, one at a time."""
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1


def test_rel_07_sec_63_messages_are_json_and_results_are_not_relied_on():
    assert app.conf.task_serializer == "json"
    assert list(app.conf.accept_content) == ["json"]
    assert app.conf.task_ignore_result is True
    assert app.conf.result_backend is None


def test_rel_07_work_has_soft_and_hard_limits_within_lease_and_visibility():
    """REL-07: a chunk ends well before its lease, a task before its message is given to another."""
    assert 0 < app.conf.task_soft_time_limit < app.conf.task_time_limit < 3600
    assert signing.CHUNK <= 200
    assert timedelta(seconds=tasks.TURN_SECONDS) <= timedelta(seconds=60) <= signing.LEASE / 2
    assert timedelta(seconds=60) < running.LEASE
    assert batches.CHUNK >= signing.CHUNK
    if settings.REDIS_URL:
        assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("issuance.sign_due", "sign"),
        ("issuance.render_due", "render"),
        ("jobs.send_outbox", "mail"),
        ("jobs.run", "work"),
    ],
)
def test_rel_07_each_kind_of_work_has_its_own_queue(task: str, queue: str):
    """REL-07: a slow renderer or mail server holds nobody else up."""
    assert task in app.tasks
    route = app.amqp.router.route({}, task)
    assert str(getattr(route["queue"], "name", route["queue"])) == queue


def test_rel_07_every_task_is_named_so_that_it_finds_its_queue():
    """A new task of ours is looked at: it signs, renders, mails, or it is ordinary work."""
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    named = {"issuance.sign_due", "issuance.render_due", "jobs.send_outbox", "jobs.run", "jobs.dispatch"}
    assert ours == named | {"exchange.sweep", "wallet.check_due"}
