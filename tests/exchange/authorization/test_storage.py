"""No token that was given occurs in what is stored, queued, cached or logged (SEC-43, CLR1-AS-14)."""

import io
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command

from tests.exchange.authorization.flow import App, Person

pytestmark = pytest.mark.django_db


def test_a_dump_of_everything_has_no_token(
    app: App, person: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: Any
):
    """SEC-43: database (jobs with what the broker is told among it), counters, cache, log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("oauthlib", "oauth2_provider"):  # as the portal's own settings have them
        assert settings.LOGGING["loggers"][name]["level"] == "WARNING"
        caplog.set_level(logging.WARNING, logger=name)
    code = person.code(app)
    told = app.exchange(code).json()
    renewed = app.refresh(told["refresh_token"]).json()
    app.exchange(code)
    app.revoke(renewed["refresh_token"])
    secrets = {
        *(code, app.secret, app.management_token, app.verifier),
        *(told["access_token"], told["refresh_token"], renewed["access_token"], renewed["refresh_token"]),
    }
    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    counters = "".join(
        str(list(sqlite3.connect(file).iterdump())) for file in tmp_path.glob("counters.sqlite3") if file.stat().st_size
    )
    kept = dump.getvalue() + counters + str(getattr(cache, "_cache", {})) + caplog.text
    assert app.client_id in kept  # the dump sees the rows
    assert [secret for secret in secrets if secret in kept] == []
