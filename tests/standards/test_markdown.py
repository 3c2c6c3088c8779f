"""Markdown from outside is shown without running anything in it (SEC-31, CASE-18)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.standards import markdown


def test_it_works() -> None:
    """SEC-31: emphasis, lists, tables and links come through."""
    shown = markdown.to_html("# Head\n\n**bold** [page](https://a.example/)\n\n|a|b|\n|-|-|\n|1|2|\n")

    assert "<p><strong>Head</strong></p>" in shown and "<strong>bold</strong>" in shown and "<td>1</td>" in shown
    assert '<a href="https://a.example/" rel="nofollow noopener noreferrer">page</a>' in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://tracker.example/p.png)",
        "<a href='https://a.example' onclick='x()'>y</a>",
        "[x](/admin/logout/)",
        '[x](https://a.example "onmouseover=alert(1)")',
        "<style>*{display:none}</style>",
    ],
)
def test_nothing_runs_and_nothing_is_loaded(hostile: str) -> None:
    """SEC-31: raw HTML is text, other schemes are no links, pictures are words."""
    for shown in (markdown.to_html(hostile), markdown.to_inline_html(hostile)):
        tags = re.findall(r"<(\w+)([^>]*)>", shown)
        assert {name for name, _ in tags} <= {"p", "a", "bdi"}, shown
        for _, attributes in tags:
            names = re.findall(r'(\S+?)="[^"]*"', attributes)
            assert set(names) <= {"href", "rel", "title"}, shown
        assert not re.search(r'href="(?!https?:|mailto:)', shown), shown


def test_words_alone() -> None:
    """G2: a plain text for names, cut to a length."""
    assert markdown.to_text("**Weigh**\n\n* benefit\n* harm") == "Weigh benefit harm"
    assert markdown.to_text("word " * 100, 20) == "word word word word…"


def test_directions_stay_inside() -> None:
    """SEC-32: a line is set apart; control characters are not shown."""
    assert markdown.to_inline_html("\u202eevil\x0c") == "<bdi>\u202eevil </bdi>"


def test_a_long_text_is_shown_as_it_is() -> None:
    """SEC-31: over 100 KB no mark-up is read."""
    assert markdown.to_html("**b** " * 30_000).startswith("<p>**b** ")


@given(st.text())
def test_any_text_can_be_shown(text: str) -> None:
    """SEC-31: never an error, never a tag that is not allowed."""
    shown = markdown.to_html(text)
    assert not re.search(r"<(script|iframe|img|style|svg|form|input|object|embed)\b", shown, re.IGNORECASE)
    markdown.to_text(text)
    markdown.to_inline_html(text)
