"""Markdown of strangers, made into HTML that can do nothing but be read (SEC-31).

Narratives, criteria, endorsement comments and framework statements are Markdown in the standards. They are
read as CommonMark without raw HTML, then passed through an allow-list. The same HTML serves pages and PDF.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape, unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

#: Longer texts are shown as they are written, not interpreted (SEC-31).
LIMIT_BYTES = 100_000

_TAGS = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    """Headings become strong paragraphs (a narrative must not break a page's outline); pictures their words."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<p><strong>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</strong></p>\n"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        return escape(self.renderInlineAsText(token.children, options, env)) if token.children else ""


_parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)


def to_html(text: str) -> str:
    """The HTML of a Markdown text: safe to put into a page or a PDF as it is.

    No raw HTML, no pictures; links only to http, https and mailto, marked ``nofollow noopener noreferrer``.
    Text over ``LIMIT_BYTES`` is given as one escaped paragraph. Never raises for a string.
    """
    if not text.strip():
        return ""
    if len(text.encode("utf-8", "replace")) > LIMIT_BYTES:
        return f"<p>{escape(text)}</p>"
    return nh3.clean(
        _parser.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener noreferrer",
    )


def to_text(text: str) -> str:
    """The words of a Markdown text without its marks, on one line: for summaries and search."""
    return " ".join(unescape(nh3.clean(to_html(text), tags=set())).split())
