"""Sharing in a browser: a link with passcode and date, a viewer at a phone, and taking it back (issue 7)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person
from tests.portal import Portal

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.xdist_group("journey")]
PATIENCE = 60_000


def test_a_link_is_made_opened_at_a_phone_and_taken_back(at_a_screen: Callable, portal: Portal) -> None:
    """The learner shares two achievements with passcode and expiry; a viewer without an account sees both valid; after
    it was taken back the viewer's reload says so, and the list shows both views (SEC-52, PRIV-07)."""
    with at_a_screen() as learner, at_a_screen("phone") as viewer:
        learner.signs_in("student@demo.example")
        link, left_out = makes_a_link(learner, recipient="Journey & Sons", passcode="kelp-4411")
        for _ in range(2):
            opens(viewer, link, passcode="kelp-4411")
            expect(viewer.page.locator('[data-verdict="valid"]')).to_have_count(2, timeout=PATIENCE)
            assert left_out not in viewer.page.content()
        viewer.sees_an_accessible_page()

        learner.goes_to("/wallet/shares/")
        share = learner.page.locator("[data-share-state]").filter(has_text="Journey & Sons").first
        expect(share).to_contain_text("Opened 2 times")
        share.get_by_role("button", name=re.compile("Take back")).click()
        expect(learner.page.locator('[data-share-state="withdrawn"]').first).to_be_visible()

        answer = viewer.page.reload()
        assert answer is not None and answer.status == 410
        expect(viewer.page.locator("main")).to_contain_text("has taken it back")
        viewer.faults[:] = [fault for fault in viewer.faults if "status of 410" not in fault]
        viewer.sees_an_accessible_page()


@pytest.mark.parametrize("look", ["light", "dark", "right to left"])
def test_every_screen_of_wallet_and_sharing_is_accessible(look: str, at_a_screen: Callable, portal: Portal) -> None:
    """WCAG 2.2 AA on what a learner sees of wallet, sharing and their own data, and on what a viewer sees."""
    with at_a_screen("phone", "dark" if look == "dark" else "light") as learner:

        def looks_at(address: str = "") -> None:
            if address:
                learner.goes_to(address)
            if look == "right to left":
                learner.page.evaluate("document.documentElement.dir = 'rtl'")
            learner.sees_an_accessible_page()

        learner.signs_in("student@demo.example")
        wallet = ("/wallet/", "/wallet/?by=skill", "/wallet/add/", "/wallet/addresses/")
        for address in (*wallet, "/wallet/shares/new/", "/account/disclosures/", "/account/data/"):
            looks_at(address)
        chooses(learner.page)
        looks_at()
        learner.page.get_by_role("button", name="See it as they will").click()
        expect(learner.page.get_by_text("Nothing has been shared yet")).to_be_visible()
        looks_at()
        learner.page.get_by_role("button", name="Agree and make the link").click()
        expect(learner.page.locator("#share-address")).to_be_visible()
        looks_at()
        link = learner.page.locator("#share-address").input_value()
        looks_at("/wallet/shares/")
        learner.goes_to(path_of(link))
        expect(learner.page.locator('[data-verdict="valid"]')).to_have_count(2, timeout=PATIENCE)
        looks_at()


def chooses(page: Page) -> str:
    """Two achievements of the newest record; gives the name of one that is left out."""
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/records/")
    page.locator("a[href$='/share/']").first.click()
    page.locator("input[name=part][value=some]").check()
    for position in (0, 2):
        page.locator("input[name=entry]").nth(position).check()
    return page.locator(".share-entries label").nth(1).locator("bdi").last.inner_text()


def makes_a_link(learner: Person, *, recipient: str, passcode: str) -> tuple[str, str]:
    """Fills the page in and agrees; gives the path of the link, and the name of what was left out."""
    page = learner.page
    left_out = chooses(page)
    page.get_by_role("textbox", name="For whom").fill(recipient)
    page.get_by_role("combobox", name="How long").select_option("30")
    page.get_by_text("Passcode, number of views").click()
    page.get_by_label("Passcode", exact=True).fill(passcode)
    page.get_by_role("button", name="Agree and make the link").click()
    return path_of(page.locator("#share-address").input_value()), left_out


def path_of(link: str) -> str:
    """The address within the portal, wherever the test serves it."""
    return link[link.index("/r/") :]


def opens(viewer: Person, path: str, *, passcode: str) -> None:
    """Opens the link; the first time the passcode is asked for."""
    viewer.goes_to(path)
    asked = viewer.page.get_by_label("Passcode")
    if asked.is_visible():
        viewer.sees_an_accessible_page()
        asked.fill(passcode)
        viewer.page.get_by_role("button", name="Open").click()
    expect(viewer.page.get_by_role("heading", level=1)).to_contain_text("shares this with you")
