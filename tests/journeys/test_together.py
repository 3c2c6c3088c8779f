"""Two registrars at work on the same thing, each in a browser of their own (REL-25)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Person
from tests.portal import Portal

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.xdist_group("journey")]


def test_rel_25_two_registrars_with_the_same_achievement_open(at_a_screen: Callable, portal: Portal) -> None:
    """REL-25: who saves second is shown both states, and nothing of the first is lost."""
    found = portal.manage(
        *("shell", "--no-imports", "-c"),
        "from apps.achievements.models import Achievement as A;"
        "print(A.objects.create(name='Lantern keeping', issuer=A.objects.first().issuer).pk)",
    )
    path = f"/admin/achievements/achievement/{found.stdout.strip().splitlines()[-1]}/change/"
    with at_a_screen() as first, at_a_screen() as second:
        for person in (first, second):
            person.signs_in("registrar@demo.example")
            person.goes_to(path)
        writes(first, "Keeps the lanterns lit.")
        expect(first.page.get_by_text("changed successfully")).to_be_visible()
        writes(second, "Lights the lanterns.")
        expect(second.page.get_by_text("Somebody else saved this")).to_be_visible()
        expect(second.page.locator("#conflict-title")).to_be_visible()
        shown = second.page.locator("section[aria-labelledby=conflict-title]")
        expect(shown).to_contain_text("Keeps the lanterns lit.")
        expect(shown).to_contain_text("Lights the lanterns.")
        second.sees_an_accessible_page()
        first.goes_to(path)
        expect(first.page.locator("[name=description]")).to_have_value("Keeps the lanterns lit.")


def writes(registrar: Person, text: str) -> None:
    """Fills the description in and saves."""
    registrar.page.locator("[name=description]").fill(text)
    registrar.page.get_by_role("button", name="Save", exact=True).click()
    registrar.page.wait_for_load_state()
