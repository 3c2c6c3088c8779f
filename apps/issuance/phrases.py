"""Names and titles in any script: which way they run, and in which language a voice should read them.

A record in English holds names in Arabic, Thai or Korean. Pages isolate them with ``<bdi>``; the PDF and its
reader also need the direction and, where the script tells it, the language (SEC-32, REG-21).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Direction = Literal["ltr", "rtl"]

#: First word of a character's Unicode name -> language of a text in that script. Scripts that serve many
#: languages give the script alone (``und-…``), which still picks the right letters and the right voice.
_LANGUAGES = {
    "ARABIC": "ar",
    "ARMENIAN": "hy",
    "BENGALI": "bn",
    "BOPOMOFO": "zh-TW",
    "CYRILLIC": "und-Cyrl",
    "DEVANAGARI": "und-Deva",
    "ETHIOPIC": "und-Ethi",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "KHMER": "km",
    "LAO": "lo",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "ORIYA": "or",
    "SINHALA": "si",
    "SYRIAC": "syr",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAANA": "dv",
    "THAI": "th",
    "TIBETAN": "bo",
}
_PERSIAN = frozenset("پچژگکی")
_URDU = frozenset("ٹڈڑںےہ")
_UKRAINIAN = frozenset("іїєґІЇЄҐ")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name or title as given, code point for code point, with direction and (if foreign) language."""

    value: str
    direction: Direction = "ltr"
    language: str | None = None

    def __str__(self) -> str:
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)


@lru_cache(maxsize=8192)
def phrase(value: str) -> Phrase:
    """The direction of the text (by its first strong character, as ``dir=auto``) and its language.

    ``language`` is None for Latin text, which is taken to be in the language of the document.
    """
    return Phrase(value, direction_of(value), _language_of(value))


def direction_of(value: str) -> Direction:
    """Which way a text runs: by its first strong character; ``ltr`` without one."""
    for character in value:
        kind = unicodedata.bidirectional(character)
        if kind == "L":
            return "ltr"
        if kind in ("R", "AL"):
            return "rtl"
    return "ltr"


def _language_of(value: str) -> str | None:
    if value.isascii():
        return None
    scripts = Counter(unicodedata.name(character, "").partition(" ")[0] for character in value if character.isalpha())
    if scripts["HIRAGANA"] or scripts["KATAKANA"]:
        return "ja"
    if scripts["HANGUL"]:
        return "ko"
    script = scripts.most_common(1)[0][0] if scripts else ""
    if script == "CJK":
        return "und-Hani"
    if script == "ARABIC":
        letters = set(value)
        if letters & _URDU:
            return "ur"
        return "fa" if letters & _PERSIAN else "ar"
    if script == "CYRILLIC" and set(value) & _UKRAINIAN:
        return "uk"
    return _LANGUAGES.get(script)
