"""An accent that can be read, whatever the institution's colour (WCAG 2.2, 1.4.3)."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from apps.institution import colours

colour = some.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_guideline() -> None:
    """Known pairs."""
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colours.contrast("#1f3a5f", "#1f3a5f") == 1


@given(colour)
def test_every_accent_can_be_read(accent: str) -> None:
    """Text in the accent on paper, and text on the accent, have at least 4.5:1, by day and by night."""
    for tokens, paper in zip(colours.accent_tokens(accent), (colours.LIGHT_PAPER, colours.DARK_PAPER), strict=True):
        assert colours.contrast(tokens["--accent-text"], paper) >= colours.WANTED
        assert colours.contrast(tokens["--accent-ink"], tokens["--accent"]) >= colours.WANTED


def test_a_readable_accent_stays_as_it_is() -> None:
    """Only what fails is adjusted."""
    assert colours.readable_on("#1f3a5f", colours.LIGHT_PAPER) == "#1f3a5f"


@given(colour)
def test_the_themes_shades_can_be_read(accent: str) -> None:
    """Buttons of the office: white on the 600, the 500 on dark."""
    shades = colours.shades(accent)
    assert colours.contrast("#ffffff", shades["600"]) >= colours.WANTED
    assert colours.contrast(shades["500"], colours.DARK_PAPER) >= colours.WANTED


def test_the_sheet_is_served_for_ever(client: Client) -> None:
    """Its address names the colour, so caches keep it."""
    answer = client.get("/brand/8c1515.css")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/css") and "immutable" in answer["Cache-Control"]
    assert b"--accent-text" in answer.content


@pytest.mark.parametrize("name", ["8c151", "zzzzzz", "8C1515", "8c1515;}", "..%2f..%2fetc"])
def test_other_names_are_no_sheets(client: Client, name: str) -> None:
    """Nothing that is no colour gets into a style sheet."""
    assert client.get(f"/brand/{name}.css").status_code == 404
