"""A person in a real browser: Chromium, a running portal, and nothing forgiven."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.portal import Portal, running

PASSWORD = "demo-portal-2026"
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """The demo institution, served."""
    with running() as portal:
        yield portal


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; gone before other tests, for whom its running event loop bars the database."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Person:
    """Somebody at a screen. Every error of the console and every page that was not accessible is kept."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def goes_to(self, path: str) -> None:
        """Opens an address of the portal."""
        self.page.goto(path if path.startswith("http") else self.address + path)

    def signs_in(self, email: str, password: str = PASSWORD) -> None:
        """Signs in at the front door."""
        self.goes_to("/")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_load_state()

    def sees_an_accessible_page(self) -> None:
        """Runs the accessibility rules on what is on the screen now."""
        found = Axe().run(self.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        for violation in found.response["violations"]:
            places = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
            self.faults.append(f"{self.page.url}: {violation['id']} ({len(violation['nodes'])}): {places}")


@pytest.fixture
def at_a_screen(chromium: Browser, portal: Portal, tmp_path: Path):
    """A function that seats somebody at a desktop or phone; at the end nothing may have gone wrong on their screen."""
    people: list[Person] = []

    @contextmanager
    def seat(width: str = "desktop", scheme: str = "light") -> Iterator[Person]:
        across, down = WIDTHS[width]
        context = chromium.new_context(
            viewport={"width": across, "height": down},
            color_scheme=scheme,
            accept_downloads=True,
            has_touch=width == "phone",
        )
        person = Person(context.new_page(), portal.address)
        people.append(person)

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error":
                person.faults.append(f"{person.page.url}: console: {message.text}")

        person.page.on("console", heard)
        person.page.on("pageerror", lambda error: person.faults.append(f"{person.page.url}: {error}"))
        try:
            yield person
        finally:
            context.close()

    yield seat
    assert [fault for person in people for fault in person.faults] == []
