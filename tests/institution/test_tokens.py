"""The design tokens: every text colour can be read on every paper it stands on, by day and by night (WCAG 2.2 AA)."""

import gzip
import re
from pathlib import Path

import pytest

from apps.institution.colours import contrast

STATIC = Path(__file__).resolve().parents[2] / "static" / "portal"
STATES = ("draft", "in_review", "approved", "issued", "superseded", "revoked")


def tokens(set_name: str) -> dict[str, str]:
    """The colours of the light or the dark set."""
    sheet = (STATIC / "tokens.css").read_text()
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    text = light if set_name == "light" else dark.split("@media")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


@pytest.mark.parametrize("set_name", ["light", "dark"])
def test_texts_can_be_read(set_name: str) -> None:
    """4.5:1 for ink, soft ink and accent on all papers, and for each state on its wash and on paper."""
    colour = tokens(set_name)
    pairs = [
        (ink, paper) for ink in ("ink", "ink-soft", "accent-text") for paper in ("paper", "paper-raised", "paper-sunk")
    ]
    pairs += [(f"state-{state}", f"state-{state}-wash") for state in STATES]
    pairs += [(f"state-{state}", paper) for state in STATES for paper in ("paper", "paper-raised")]
    pairs += [("ink", f"state-{state}-wash") for state in STATES] + [("accent-ink", "accent")]
    weak = [(ink, paper) for ink, paper in pairs if contrast(colour[ink], colour[paper]) < 4.5]
    assert weak == []


@pytest.mark.parametrize("set_name", ["light", "dark"])
def test_borders_of_fields_can_be_seen(set_name: str) -> None:
    """3:1 for what bounds a control (1.4.11)."""
    colour = tokens(set_name)
    assert contrast(colour["rule-strong"], colour["paper-raised"]) >= 3
    assert contrast(colour["focus"], colour["paper"]) >= 3


def test_the_first_view_is_light() -> None:
    """Style sheets, script and the one font of a first view: at most 100 kB as they travel, with room for the page."""
    texts = [STATIC / name for name in ("tokens.css", "portal.css", "js/portal.js")]
    font = STATIC / "fonts" / "source-serif-4-latin-wght-normal.woff2"
    travelling = sum(len(gzip.compress(path.read_bytes())) for path in texts) + font.stat().st_size
    assert travelling <= 85_000


def test_the_fonts_licence_is_beside_it() -> None:
    """SIL Open Font License."""
    assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts" / "OFL-source-serif-4.txt").read_text()
