"""`manage.py conformance badgeconnect`: against our own running portal, and against hosts that are wrong on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.exchange.badgeconnect import conformance
from apps.exchange.conformance.authorization import REDIRECT
from apps.exchange.conformance.subject import Given
from apps.exchange.conformance.table import Row, has_failed
from apps.network import counting
from tests.conformance.clr1.test_command import agree
from tests.exchange.badgeconnect.issuing import issue_badges
from tests.exchange.badgeconnect.scripted_host import BADGES, MANIFEST, ScriptedHost, envelope
from tests.exchange.clr1.scripted_provider import Answer
from tests.exchange_pairs.browser import Browser
from tests.portal import ROOT, running

pytestmark = pytest.mark.once


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHost]:
    made = ScriptedHost()
    monkeypatch.setattr("apps.network.fetching.HOST_A_MINUTE", 10_000)
    counting.shared_counters.cache_clear()
    yield made
    made.close()
    counting.shared_counters.cache_clear()


def rows_of(host: ScriptedHost, *, consent: bool = True, **given: Any) -> dict[str, Row]:
    """The table for a host whose user agrees."""

    def agree_there(address: str) -> str:
        answer = host.consent(address)
        return f"{REDIRECT}?code={answer['code']}&state={answer['state']}"

    told = Given(consent=agree_there if consent else None, **given)
    return {row.number: row for row in conformance.run(host.address, told, wait=lambda _: None)}


def test_what_a_right_answer_gives(host: ScriptedHost) -> None:
    """A host of another make, right where it answers: those rows are met."""
    host.badges += [{"id": f"https://badges.example/{number}", "type": "Assertion"} for number in range(5)]
    rows = rows_of(host)
    met = ("P-01", "P-02", "P-03", "P-04", "P-05", "P-06", "P-16", "P-17", "P-19", "P-20", "P-22", "R-01", "R-02")
    met += ("R-03", "R-05", "R-06", "R-07", "R-08", "R-09", "R-10", "R-11", "R-12", "W-10")
    assert {number: rows[f"BC-{number}"].detail for number in met if rows[f"BC-{number}"].status != "passed"} == {}


def entry(**changes: Any) -> Callable[[ScriptedHost], None]:
    def break_it(host: ScriptedHost) -> None:
        said = {"badgeConnectAPI": [{**host.entry(), **changes}]}
        host.replies["GET", MANIFEST] = lambda _: Answer(200, said)

    return break_it


def listing(change: Callable[[Answer], None]) -> Callable[[ScriptedHost], None]:
    def break_it(host: ScriptedHost) -> None:
        def answer(asked: Any) -> Answer:
            made = host.listing(asked)
            if made.status == 200:
                change(made)
            return made

        host.badges += [{"id": f"https://badges.example/{number}", "type": "Assertion"} for number in range(3)]
        host.replies["GET", BADGES] = answer

    return break_it


def open_to_all(host: ScriptedHost) -> None:
    host.replies["GET", BADGES] = lambda _: envelope(200, "OK", assertions=[])


def forbidden(host: ScriptedHost) -> None:
    host.replies["POST", "/ims/ob/v2p1/profile"] = lambda _: envelope(403, "PERMISSION_DENIED", "No.")


def takes_everything(host: ScriptedHost) -> None:
    host.replies["POST", BADGES] = lambda _: envelope(200, "OK")


@pytest.mark.parametrize(
    ("number", "break_it"),
    [
        ("P-02", entry(tokenUrl="ftp://x.example/token")),
        ("P-02", entry(privacyPolicyUrl="")),
        ("P-03", entry(further="x")),
        ("P-07", lambda host: None),
        ("P-22", lambda host: host.replies.update({("POST", "/oauth/revoke"): lambda _: Answer(200, b"")})),
        ("R-01", listing(lambda made: made.body.update(total=3))),
        ("R-01", listing(lambda made: made.body["status"].update(statusCode=201))),
        ("R-02", open_to_all),
        ("R-03", forbidden),
        ("R-05", listing(lambda made: made.body.update(signedAssertions=["no token"]))),
        ("R-06", listing(lambda made: made.headers.pop("Link", None) and None)),
        ("W-04", takes_everything),
    ],
)
def test_a_wrong_host_fails_the_right_row(
    number: str, break_it: Callable[[ScriptedHost], None], host: ScriptedHost
) -> None:
    """Each fault shows in the row of its requirement, and in the exit code."""
    break_it(host)
    rows = rows_of(host)
    assert rows[f"BC-{number}"].status == "failed", rows[f"BC-{number}"]
    assert rows[f"BC-{number}"].detail
    assert has_failed(rows.values())


def test_what_cannot_be_seen_is_said(host: ScriptedHost) -> None:
    """Without a learner's access nothing is claimed: neither met nor failed."""
    rows = rows_of(host, consent=False, may_register=False)
    assert not host.asked("POST", "/register")
    for number in ("P-05", "P-16", "P-19", "R-01", "R-04", "W-02", "W-09", "P-21"):
        assert rows[f"BC-{number}"].status == "skipped"
        assert rows[f"BC-{number}"].detail


@pytest.mark.server
def test_our_own_portal_meets_them_all() -> None:
    """Every row that can be seen from outside (BC-P-01 to P-23, BC-R-01 to R-12, BC-W-01 to W-10), with a learner."""
    with running(worker=False) as portal:
        issue_badges(portal, 2)
        browser = Browser()
        browser.sign_in(portal.address)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "conformance", "badgeconnect", portal.address, "--consent", "--json"],
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
        assert len(rows) == 45


UNSEEN = {f"BC-{number}" for number in ("P-13", "P-15", "P-21", "R-04", "W-01", "W-06", "W-08", "W-09")}
"""Rows that need a second learner, a hosted badge, a browser that is signed in, or a look at pages."""
