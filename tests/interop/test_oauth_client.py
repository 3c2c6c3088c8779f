"""Authlib, in a process of its own, against the running portal: registers, authorises, reads, refreshes, revokes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest

from tests.portal import Portal, running
from tests.servers import free_port

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Portal, str]]:
    """A portal, and the address of a client that the operator excepted (SEC-10)."""
    port = free_port()
    with running(worker=False, CLRPORTAL_FETCH_ALLOW=f"127.0.0.1:{port}") as portal:
        yield portal, f"http://127.0.0.1:{port}"


class StayHere(HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Learner:
    """The demo student in a browser without scripts."""

    def __init__(self, portal: str) -> None:
        self.portal = portal
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), StayHere)
        self.submit("/", {"login": "student@demo.example", "password": "demo-portal-2026"})

    def open(self, address: str, form: dict[str, Any] | None = None) -> tuple[int, str, str]:
        """Status, page, and where it leads."""
        body = urlencode(form, doseq=True).encode() if form is not None else None
        headers = {"Referer": self.portal, "Origin": self.portal} if form is not None else {}
        try:
            answer = self.opener.open(Request(address, data=body, headers=headers), timeout=30)
        except HTTPError as other:
            answer = other
        with answer:
            return answer.status or 0, answer.read().decode(), answer.headers.get("Location", "")

    def submit(self, path: str, form: dict[str, Any], page: str = "") -> tuple[int, str, str]:
        """Sends a form with its CSRF token and hidden fields."""
        text = page or self.open(self.portal + path)[1]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
        fields = {name: unescape(value) for name, value in hidden.items() if name not in {"next", "language"}}
        return self.open(self.portal + path, {**fields, **form})

    def consent(self, address: str) -> str:
        """Says yes to all records; gives where the browser is sent."""
        status, page, _location = self.open(address)
        assert status == 200, page
        assert "127.0.0.1" in page
        form = page[page.index('action="/o/authorize/"') :]
        status, _page, location = self.submit("/o/authorize/", {"records": "all", "decision": "allow"}, form)
        assert status == 303
        return location


def step(pair: tuple[Portal, str], name: str, known: dict[str, Any]) -> dict[str, Any]:
    """What the client's process told of a step."""
    portal, host = pair
    done = subprocess.run(
        [sys.executable, "-m", "tests.interop.oauth_client", portal.address, host, name],
        cwd=ROOT,
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},  # both stand on this machine's loopback
        input=json.dumps(known),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_authlib_registers_authorises_reads_refreshes_and_revokes(pair: tuple[Portal, str]) -> None:
    """CLR1-AS-01, AS-06, AS-08 to AS-12 with a client that nobody here wrote."""
    portal, host = pair
    asked = step(pair, "register", {})
    location = Learner(portal.address).consent(asked["address"])
    assert location.startswith(f"{host}/callback?")
    query = parse_qs(urlsplit(location).query)
    assert query["state"] == [asked["state"]]
    assert query["iss"] == [asked["server"]["issuer"]]

    got = step(pair, "exchange", {**asked, "answer": location})
    assert got["read"] == {"status": 200, "signed": 1}  # the demo student has one record that holds

    renewed = step(pair, "refresh", got)
    assert renewed["token"]["refresh_token"] != got["token"]["refresh_token"]
    assert renewed["read"] == {"status": 200, "signed": 1}

    ended = step(pair, "revoke", renewed)
    assert ended["revoked"] == 200
    assert ended["read"]["status"] == 401
