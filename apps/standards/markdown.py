"""Markdown of strangers, made into HTML that can do nothing but be read (SEC-31).

Narratives, criteria, endorsement comments and framework statements are Markdown in the standards. They are
read as CommonMark without raw HTML, then passed through an allow-list. The same HTML serves pages and PDF.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

#: Longer texts are shown as they are written, not interpreted (SEC-31).
LIMIT_BYTES = 100_000

_INLINE_TAGS = {"a", "br", "code", "em", "strong"}
_TAGS = _INLINE_TAGS | {"blockquote", "hr", "li", "ol", "p", "pre", "ul"}
_TAGS |= {"table", "tbody", "td", "th", "thead", "tr"}
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # SEC-32; kept in what is stored


def _cleaner(tags: set[str]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=tags,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="nofollow noopener noreferrer",
    )


_blocks = _cleaner(_TAGS)
_line = _cleaner(_INLINE_TAGS)


class _Renderer(RendererHTML):
    """Headings become strong paragraphs (a narrative must not break a page's outline); pictures their words."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<p><strong>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</strong></p>\n"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        return escape(self.renderInlineAsText(token.children, options, env)) if token.children else ""


_parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def to_html(text: str) -> str:
    """The HTML of a Markdown text: safe to put into a page or a PDF as it is.

    No raw HTML, no pictures; links only to http, https and mailto, marked ``nofollow noopener noreferrer``.
    Text over ``LIMIT_BYTES`` is given as one escaped paragraph. Never raises for a string.
    """
    shown = _showable(text)
    if not shown.strip():
        return ""
    if _is_long(shown):
        return f"<p>{escape(shown)}</p>"
    return _blocks.clean(_parser.render(shown))


def to_inline_html(text: str) -> str:
    """The text as safe HTML that fits into a line (emphasis, code, links), set apart for bidi (SEC-32)."""
    shown = _showable(text)
    return f"<bdi>{escape(shown) if _is_long(shown) else _line.clean(_parser.renderInline(shown))}</bdi>"


def to_text(text: str, limit: int = 0) -> str:
    """The words of a Markdown text without its marks, on one line: for names, summaries and search.

    Cut to ``limit`` characters with an ellipsis, if given.
    """
    html = to_html(text).replace("</td>", " </td>").replace("</th>", " </th>").replace("<br>", " ")
    words = " ".join(unescape(nh3.clean(html, tags=set())).split())
    return words if not limit or len(words) <= limit else words[: limit - 1].rstrip() + "…"


def _showable(text: str) -> str:
    return _UNSHOWABLE.sub(" ", text)


def _is_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > LIMIT_BYTES
