"""Two portals side by side over real HTTP: badges go both ways by Badge Connect (BC-C-01 to C-16, BC-P-21).

A is where the learner works, B is the other host. Web servers, workers and databases are real and apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.exchange.badgeconnect.issuing import issue_badges
from tests.exchange_pairs.browser import Page
from tests.exchange_pairs.test_two_portals import Pair, in_state, received
from tests.portal import running
from tests.servers import free_port

pytestmark = [pytest.mark.server, pytest.mark.once]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ports = free_port(), free_port()
    with ExitStack() as end, ExitStack() as end_there:
        here = end.enter_context(running(port=ports[0], CLRPORTAL_FETCH_ALLOW=f"127.0.0.1:{ports[1]}"))
        there = end_there.enter_context(running(port=ports[1], CLRPORTAL_FETCH_ALLOW=f"127.0.0.1:{ports[0]}"))
        yield Pair(here, there, end_there.close)


def sent(page: Page, state: str) -> int:
    return len(re.findall(f'data-sending="{state}"', page.text))


def at_least(number: int, count: Callable[[Page], int]) -> Callable[[Page], bool]:
    return lambda page: count(page) >= number


def test_badges_go_both_ways(pair: Pair) -> None:
    """BC-C-01, C-03, C-05, C-07, C-10, C-12, C-13, C-16, BC-P-21: from finding each other to the end of access."""
    here, there, browser = pair.here, pair.there, pair.browser
    issue_badges(here, 1)
    issue_badges(there, 1)

    # From B to A: the badges that B issued arrive at A and are genuine by B's own published key.
    form = {"address": there.address, "protocol": "badgeconnect", "may_send": "on"}
    leaving = browser.submit(browser.open(f"{here.address}/wallet/connections/"), "", **form)
    assert leaving.status == 200, leaving.text[-3000:]
    mine = pair.consent(leaving)
    page = pair.wait(mine.url, lambda page: received(page, "valid") >= 1)
    assert in_state("connected")(page)

    # From A to B: the learner chooses a badge issued at A; B fetches A's key, judges it and keeps it.
    chosen = re.search(r'name="badges" value="(issuance\.badge:[0-9a-f-]{36})"', page.text)
    assert chosen, page.text[-4000:]
    browser.submit(page, mine.url + "send/", badges=chosen[1])
    page = pair.wait(mine.url, at_least(1, lambda page: sent(page, "sent")))
    assert sent(page, "refused") == sent(page, "failed") == 0

    # B has it once, as something that came from an app: asked by A it comes back as one badge.
    browser.submit(page, mine.url + "send/", badges=chosen[1])
    page = pair.wait(mine.url, at_least(1, lambda page: sent(page, "sent")))
    done = there.manage("shell", "-c", _COUNT)
    assert "SENT 1" in done.stdout, done.stdout

    # Ended at B: A says that consent is needed again.
    apps = browser.open(f"{there.address}/account/apps/")
    end = re.search(r'action="(/account/apps/[0-9a-f-]{36}/end/)"', apps.text)
    assert end, apps.text[-3000:]
    browser.submit(apps, end[1])
    pair.look(browser.open(mine.url))
    page = pair.wait(mine.url, in_state("consent"))


_COUNT = (
    "from apps.wallet.models import WalletItem, Receipt; "
    "print('SENT', WalletItem.objects.filter(format='ob-2.0', receipts__source='client').count())"
)
