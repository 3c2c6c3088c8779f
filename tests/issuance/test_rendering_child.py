"""Rendering under limits: a record that exhausts memory or time fails alone (REL-34, F18)."""

import os
from pathlib import Path

import pytest

from apps.issuance import rendering
from apps.issuance.rendering_child import RenderingChild, RenderingFailed, message_for, render_in_child
from tests.issuance import records
from tests.issuance.test_rendering import ADDRESS, CODE, DESIGN

pytestmark = pytest.mark.server
OPTIONS = {"verify_url": ADDRESS, "code": CODE, "page": "A4"}


@pytest.fixture
def small():
    return records.record(courses=2)


@pytest.fixture
def endless():
    return records.record(courses=4000, narratives=0)


def _message(payload, **options):
    return message_for(payload, records.signed(payload), DESIGN, **{**OPTIONS, **options})


def test_it_works(small):
    """The child gives the very bytes that ``render`` gives."""
    signed = records.signed(small)
    assert render_in_child(small, signed, DESIGN, **OPTIONS) == rendering.render(small, signed, DESIGN, **OPTIONS)


def test_certificates_too(small):
    degree = next(each["id"] for each in small["assertions"] if each["achievement"]["achievementType"] == "Degree")
    assert render_in_child(small, records.signed(small), DESIGN, assertion=degree, **OPTIONS).startswith(b"%PDF")


def test_memory_rel_34(small, endless):
    child = RenderingChild(memory_bytes=480 * 1024 * 1024)
    try:
        with pytest.raises(RenderingFailed) as failed:
            child.request(_message(endless))
        assert failed.value.reason in ("memory", "crash")  # a C library may end the process before Python can say so
        assert child.request(_message(small)).startswith(b"%PDF"), "the next record goes on"
    finally:
        child.close()


def test_time_rel_34(small, endless):
    child = RenderingChild()
    try:
        child.request(_message(small))
        with pytest.raises(RenderingFailed) as failed:
            child.request(_message(endless), seconds=0.5)
        assert failed.value.reason == "time"
        assert child.request(_message(small)).startswith(b"%PDF")
    finally:
        child.close()


def test_a_refusal_keeps_the_child(small):
    child = RenderingChild()
    try:
        with pytest.raises(RenderingFailed) as failed:
            child.request(_message(small, assertion="urn:uuid:none"))
        assert failed.value.reason == "document"
        process = child._process
        child.request(_message(small))
        assert child._process is process
    finally:
        child.close()


def test_a_killed_child_fails_one_record(small):
    child = RenderingChild()
    try:
        child.request(_message(small))
        os.kill(child._process.pid, 9)
        child._process.wait()
        assert child.request(_message(small)).startswith(b"%PDF")
    finally:
        child.close()


def test_the_child_knows_no_secret_of_the_environment(monkeypatch, small):
    monkeypatch.setenv("DJANGO_SECRET_KEY", "canary")
    child = RenderingChild()
    try:
        child.request(_message(small))
        assert b"canary" not in Path(f"/proc/{child._process.pid}/environ").read_bytes()
    finally:
        child.close()
