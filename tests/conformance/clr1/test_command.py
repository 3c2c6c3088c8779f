"""`manage.py conformance clr1`: against our own running portal, and against servers that are wrong on purpose."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from apps.exchange.clr1 import conformance
from apps.exchange.conformance.authorization import REDIRECT
from apps.exchange.conformance.subject import Given
from apps.exchange.conformance.table import Row, has_failed
from apps.network import counting
from tests.exchange.clr1.scripted_provider import CONTEXT, SCOPE, Answer, Asked, ScriptedProvider, status_info
from tests.exchange_pairs.browser import Browser
from tests.portal import ROOT, running

Rows = dict[str, Row]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedProvider]:
    made = ScriptedProvider()
    monkeypatch.setattr("apps.network.fetching.HOST_A_MINUTE", 10_000)
    counting.shared_counters.cache_clear()
    yield made
    made.close()
    counting.shared_counters.cache_clear()


def rows_of(provider: ScriptedProvider, *, consent: bool = True, **given: Any) -> Rows:
    """The table for a provider whose learner agrees."""

    def agree(address: str) -> str:
        answer = provider.consent(address)
        return f"{REDIRECT}?code={answer['code']}&state={answer['state']}&iss={answer['iss']}"

    told = Given(consent=agree if consent else None, **given)
    rows = list(conformance.run(provider.address, told, wait=lambda _: None))
    assert len({row.number for row in rows}) == len(rows)
    return {row.number: row for row in rows}


def test_what_a_right_answer_gives(provider: ScriptedProvider) -> None:
    """A provider of another make, right where it answers: those rows are met."""
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = strict(provider)
    rows = rows_of(provider)
    met = ("P-01", "P-02", "P-07", "P-05", "AS-01", "AS-06", "AS-09", "AS-10", "AS-11")
    assert {number: rows[f"CLR1-{number}"].detail for number in met if rows[f"CLR1-{number}"].status != "passed"} == {}


def strict(provider: ScriptedProvider) -> Callable[[Asked], Answer]:
    """getClrs that refuses queries without sense."""

    def answer(asked: Asked) -> Answer:
        usual = provider.clrs(asked)
        wrong = asked.query.get("limit", "1") in {"0", "x"} or asked.query.get("offset", "0").startswith("-")
        if usual.status == 401:
            usual.headers["WWW-Authenticate"] = "Bearer"
        return status_info(400, "invalid_query_parameter") if usual.status == 200 and wrong else usual

    return answer


def discovery(**changes: Any) -> Callable[[ScriptedProvider], None]:
    def break_it(provider: ScriptedProvider) -> None:
        said = {name: value for name, value in {**provider.document(), **changes}.items() if value is not None}
        provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, said)

    return break_it


def clrs(change: Callable[[Answer], Answer | None]) -> Callable[[ScriptedProvider], None]:
    def break_it(provider: ScriptedProvider) -> None:
        right = strict(provider)

        def answer(asked: Asked) -> Answer:
            made = right(asked)
            return change(made) or made if made.status == 200 else made

        provider.replies["GET", "/ims/clr/v1p0/clrs"] = answer

    return break_it


def registration(reply: Callable[[ScriptedProvider, Asked], Answer]) -> Callable[[ScriptedProvider], None]:
    def break_it(provider: ScriptedProvider) -> None:
        provider.replies["POST", "/oauth/register"] = lambda asked: reply(provider, asked)

    return break_it


def without_no_store(provider: ScriptedProvider, asked: Asked) -> Answer:
    made = provider.register(asked)
    made.headers.clear()
    return made


def everybody_in(provider: ScriptedProvider) -> None:
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: Answer(200, {"@context": CONTEXT, "clrs": []})


def token_forever(provider: ScriptedProvider) -> None:
    def answer(asked: Asked) -> Answer:
        held = dict(provider.refreshes)
        made = provider.token(asked)
        provider.refreshes.update(held)
        if made.status == 200 and asked.form["grant_type"] == "refresh_token":
            made.body["refresh_token"] = asked.form["refresh_token"]
        return made

    provider.replies["POST", "/oauth/token"] = answer


def open_redirect(provider: ScriptedProvider) -> None:
    provider.replies["GET", "/oauth/authorize"] = lambda asked: Answer(
        302, b"", {"Location": asked.query["redirect_uri"] + "?error=invalid_request"}
    )


def plain_errors(provider: ScriptedProvider) -> None:
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: Answer(401, {"error": "no"})


ODD = {"id": "urn:x", "issuedOn": "2026-06-30", "learner": {"id": "urn:l"}, "publisher": {"id": "urn:p"}}
EXTENDED = {
    **ODD,
    "issuedOn": "2026-06-30T00:00:00Z",
    "achievements": [{"id": "urn:a", "name": "A", "issuer": {"id": "urn:p"}, "achievementType": "Nonsense"}],
}


def add(record: dict[str, Any]) -> Callable[[ScriptedProvider], None]:
    def break_it(provider: ScriptedProvider) -> None:
        provider.replies["GET", "/ims/clr/v1p0/clrs"] = strict(provider)
        provider.records.append(record)

    return break_it


@pytest.mark.once
@pytest.mark.parametrize(
    ("number", "break_it"),
    [
        ("P-01", discovery(tokenUrl="ftp://x.example/token")),
        ("P-01", discovery(name=None)),
        ("P-01", discovery(apiBase="https://x.example")),
        ("P-01", discovery(scopesOffered=[SCOPE + "delete"])),
        ("P-01", discovery(**{"@context": None})),
        ("P-02", clrs(lambda made: Answer(200, b"[]"))),
        ("P-02", clrs(lambda made: Answer(200, {"@context": CONTEXT, "clrs": [], "total": 0}))),
        ("P-04", clrs(lambda made: Answer(200, {**made.body, "signedClrs": ["not signed"]}))),
        ("P-05", clrs(lambda made: made.headers.pop("X-Total-Count") and None)),
        ("P-05", clrs(lambda made: made.headers.update({"X-Total-Count": "7"}))),
        ("P-07", everybody_in),
        ("P-08", plain_errors),
        ("P-19", add(ODD)),
        ("P-20", add(EXTENDED)),
        ("P-24", everybody_in),
        ("AS-01", registration(lambda provider, asked: Answer(201, {"client_id": "x"}))),
        ("AS-01", registration(without_no_store)),
        ("AS-02", registration(lambda provider, asked: provider.register(asked))),
        ("AS-05", open_redirect),
        ("AS-11", token_forever),
    ],
)
def test_a_wrong_server_fails_the_right_row(
    number: str, break_it: Callable[[ScriptedProvider], None], provider: ScriptedProvider
) -> None:
    """Each fault shows in the row of its requirement, and in the exit code."""
    break_it(provider)
    rows = rows_of(provider)
    row = rows[f"CLR1-{number}"]
    assert row.status == "failed", row
    assert row.detail
    assert has_failed(list(rows.values()))


@pytest.mark.once
def test_a_recommendation_is_no_failure(provider: ScriptedProvider) -> None:
    provider.faults.add("no metadata")
    row = rows_of(provider)["CLR1-AS-12"]
    assert row.status == "advice"
    assert not has_failed([row])


@pytest.mark.once
def test_what_cannot_be_seen_is_said(provider: ScriptedProvider) -> None:
    """Without a learner's access nothing is claimed: neither met nor failed."""
    rows = rows_of(provider, consent=False, may_register=False)
    assert not provider.asked("POST", "/register")
    for number in ("P-02", "P-17", "AS-01", "AS-10", "AS-13"):
        assert rows[f"CLR1-{number}"].status == "skipped"
        assert rows[f"CLR1-{number}"].detail


@pytest.mark.once
@pytest.mark.parametrize("arguments", [("badgeconnect", "ftp://x.example"), ("clr2", "https://x.example"),
                                       ("clr1", "ftp://x.example"), ("clr1", "https://"),
                                       ("clr1", "https://x.example", "--token-file", "no-such-file")])  # fmt: skip
def test_wrong_use(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Contract: exit 2, words on stderr, and JSON alone on stdout."""
    with pytest.raises(SystemExit) as ended:
        call_command("conformance", *arguments, "--json")
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == []
    assert said.err


@pytest.mark.once
def test_a_server_that_is_not_there(provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]) -> None:
    """Contract: exit 1, a table of what was not met."""
    provider.close()
    with pytest.raises(SystemExit) as ended:
        call_command("conformance", "clr1", provider.address)
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert re.search(r"(?m)^CLR1-P-01 +M +NO", said)


@pytest.mark.server
@pytest.mark.once
def test_our_own_portal_meets_them_all() -> None:
    """Every row that can be seen from outside (CLR1-P-01 to P-27, CLR1-AS-01 to AS-12), with a learner who agrees."""
    with running(worker=False) as portal:
        browser = Browser()
        browser.sign_in(portal.address)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "conformance", "clr1", portal.address, "--consent", "--json"],
            cwd=ROOT,
            env={**portal.environment, "CLRPORTAL_FETCH_ALLOW": urlsplit(portal.address).netloc},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr and process.stdin and process.stdout
        for line in process.stderr:
            if line.startswith(f"{portal.address}/o/authorize"):
                process.stdin.write(agree(browser, line.strip()) + "\n")
                process.stdin.flush()
                break
        out, err = process.communicate(timeout=400)
        rows = json.loads(out)
        unmet = [row for row in rows if row["status"] in {"failed", "advice"}]
        assert not unmet, unmet
        assert process.returncode == 0, err
        assert {row["number"] for row in rows if row["status"] == "skipped"} <= UNSEEN
        assert len(rows) == 41


UNSEEN = {f"CLR1-{number}" for number in ("P-03", "P-13", "P-22", "P-27", "AS-07", "AS-13", "AS-14")}
"""Rows that need a second learner, a revoked object, TLS, or a look at pages and tables."""


def agree(browser: Browser, address: str) -> str:
    """A learner agrees to everything at the server; gives where the browser would end."""
    asked = browser.open(address)
    assert asked.status == 200, asked.text[-3000:]
    form = {**asked.hidden(), "records": "all", "decision": "allow"}
    return browser.last_address(asked.url.split("?")[0], form)
