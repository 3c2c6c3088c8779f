"""Two portals side by side over real HTTP, each allowed to ask the other: records go both ways (CLR1-C-01 to C-14).

A is where the learner works, B is the other institution. Web servers, workers and databases are real and apart.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.exchange_pairs.browser import Browser, Page
from tests.portal import Portal, running
from tests.servers import free_port

pytestmark = [pytest.mark.server, pytest.mark.once]
PATIENCE = 90


class Pair:
    """Two running portals and one learner who has an account at both."""

    def __init__(self, here: Portal, there: Portal, end_there: Callable[[], None]) -> None:
        self.here, self.there, self.end_there = here, there, end_there
        self.browser = Browser()
        self.browser.sign_in(here.address)
        self.browser.sign_in(there.address)

    def connect(self, here: Portal, there: Portal, *, may_send: bool = False) -> Page:
        """The learner's way from `here` to consent at `there` and back; gives the page of the connection."""
        form = {"address": there.address} | ({"may_send": "on"} if may_send else {})
        page = self.browser.submit(self.browser.open(f"{here.address}/wallet/connections/"), "", **form)
        assert page.status == 200, page.text[-3000:]
        return self.consent(page)

    def consent(self, leaving: Page) -> Page:
        asked = self.browser.open(leaving.link(r'id="go"'))
        assert asked.status == 200, asked.text[-3000:]
        chosen = re.search(r'name="record" value="([0-9a-f-]{36})"', asked.text)
        records = {"records": "chosen", "record": chosen[1]} if chosen else {"records": "all"}
        form = {**asked.hidden(), **records, "decision": "allow"}
        back = self.browser.open(asked.url.split("?")[0], form)
        assert back.status == 200, back.text[-3000:]
        assert "/wallet/connections/" in back.url
        return back

    def wait(self, url: str, is_there: Callable[[Page], bool]) -> Page:
        """The page once the workers have brought what is awaited."""
        end = time.monotonic() + PATIENCE
        while True:
            page = self.browser.open(url)
            if is_there(page):
                return page
            assert time.monotonic() < end, re.sub(r"(?s)<head.*?</head>|<[^>]+>|\s+", " ", page.text)
            time.sleep(0.5)

    def look(self, page: Page) -> None:
        """Presses "Look now"."""
        self.browser.submit(page, page.url + "look/")


@pytest.fixture
def pair() -> Iterator[Pair]:
    ports = free_port(), free_port()
    with ExitStack() as end, ExitStack() as end_there:
        here = end.enter_context(running(port=ports[0], CLRPORTAL_FETCH_ALLOW=f"127.0.0.1:{ports[1]}"))
        there = end_there.enter_context(running(port=ports[1], CLRPORTAL_FETCH_ALLOW=f"127.0.0.1:{ports[0]}"))
        yield Pair(here, there, end_there.close)


def received(page: Page, verdict: str, state: str = "standing") -> int:
    return len(re.findall(f'data-verdict="{verdict}" data-item-state="{state}"', page.text))


def in_state(state: str) -> Callable[[Page], bool]:
    return lambda page: f'data-state="{state}"' in page.text


def test_records_go_both_ways(pair: Pair) -> None:
    """CLR1-C-01 to C-06, C-08, C-09, C-12, C-14, CLR1-AS-13: from finding each other to one of them going down."""
    here, there, browser = pair.here, pair.there, pair.browser

    # From B to A: what B issued arrives at A and is genuine by B's own published key.
    mine = pair.connect(here, there, may_send=True)
    page = pair.wait(mine.url, lambda page: received(page, "valid") == 1)
    assert in_state("connected")(page)
    record = browser.open(page.link(r"/wallet/connections/records/"))
    assert f"{there.address}/ims/clr/v1p0/profiles/" in record.text

    # From A to B, the same way round the other side.
    theirs = pair.connect(there, here)
    page = pair.wait(theirs.url, lambda page: received(page, "valid") >= 1)
    assert in_state("connected")(page)

    # And pushed: A's own record is put at B, which checks it against A's key.
    page = browser.open(mine.url)
    chosen = re.search(r'<option value="([0-9a-f-]{36})"', page.text)
    assert chosen
    sent = browser.submit(page, mine.url + "send/", record=chosen[1])
    assert "notice-success" in sent.text, sent.text[-3000:]

    # Revoked at B: seen at A.
    own = browser.open(f"{there.address}/records/").link(r"/records/[0-9a-f-]{36}/").rstrip("/").rsplit("/", 1)[-1]
    revoke(there, own)
    pair.look(browser.open(mine.url))
    page = pair.wait(mine.url, lambda page: received(page, "invalid", "revoked") == 1)

    # Withdrawn at B: A says that consent is needed again, and takes it again.
    apps = browser.open(f"{there.address}/account/apps/")
    end = re.search(r'action="(/account/apps/[0-9a-f-]{36}/end/)"', apps.text)
    assert end, apps.text[-3000:]
    browser.submit(apps, end[1])
    pair.look(browser.open(mine.url))
    page = pair.wait(mine.url, in_state("consent"))
    pair.consent(browser.submit(page, mine.url + "again/"))
    pair.wait(mine.url, in_state("connected"))

    # Disconnected at B: A is told and knows of no access any more.
    ended = browser.submit(browser.open(theirs.url), theirs.url + "disconnect/")
    assert "notice-success" in ended.text, ended.text[-3000:]
    assert "Has access" not in browser.open(f"{here.address}/account/apps/").text

    # B is stopped: A says so, keeps what it has, and will come back.
    pair.end_there()
    pair.look(browser.open(mine.url))
    page = pair.wait(mine.url, in_state("down"))
    assert received(page, "invalid", "revoked") == 1


def revoke(portal: Portal, public_id: str) -> None:
    """The registrar of a portal revokes a record."""
    done = portal.manage(
        "shell",
        "-c",
        "from apps.issuance.models import Record; from apps.issuance import revoking; from apps.accounts.models import "
        "User; "
        f"record = Record.objects.get(public_id='{public_id}'); by = User.objects.get(email='registrar@demo.example'); "
        "revoking.revoke(record, reason='Wrong result', by=by)",
        check=False,
    )
    assert done.returncode == 0, done.stderr
