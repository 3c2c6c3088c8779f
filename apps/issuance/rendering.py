"""A record as an official document: tagged, archivable PDF/A-3a with the signed bytes inside.

``render`` and ``render_certificate`` are pure: payload, signed bytes and design in, PDF bytes out, the same bytes for
the same input. They run WeasyPrint with what does not change (fonts, style sheets, pictures of the design) prepared
once per process, and with a fetcher that knows nothing but these pictures (REL-34). ``rendering_child`` runs them
under limits of memory and time.
"""

from __future__ import annotations

import gc
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any, Literal

import segno
import weasyprint
from django.template.loader import get_template
from django.utils import translation
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import get_language_bidi, gettext
from weasyprint.css.counters import CounterStyle
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from apps.institution import colours
from apps.institution.designs import DesignValue, Picture
from apps.issuance import tagging
from apps.issuance.phrases import Phrase, phrase
from apps.issuance.reading import read_record
from apps.issuance.record_view import EntryView, RecordView
from apps.standards import markdown

PageSize = Literal["A4", "letter"]

_STYLE_SHEET = Path(__file__).resolve().parents[2] / "static" / "pdf" / "record.css"
_ATTACHMENT_NAME = "clr.jws"
_PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/svg+xml"})
_DEFAULT_ACCENT = "#1f3a5f"


class RenderingError(Exception):
    """A record could not be rendered; the sentence says why."""


def render(
    payload: Mapping[str, Any],
    jws: bytes,
    design: DesignValue,
    *,
    verify_url: str,
    code: str,
    page: PageSize = "A4",
    language: str = "en",
) -> bytes:
    """The PDF of a record: PDF/A-3a and PDF/UA-1, with ``jws`` as its one attachment ``clr.jws`` (Done when 4).

    ``payload`` is the CLR 1.0 object inside ``jws``; ``verify_url`` is printed and coded on every page; ``code`` is the
    record's code. Raises ``RenderingError`` for a design with pictures that cannot be read.
    """
    document = compose_record(payload, design, verify_url=verify_url, code=code, language=language)
    with translation.override(language):
        return _press(document, jws, design, verify_url=verify_url, page=page)


def render_certificate(
    payload: Mapping[str, Any],
    jws: bytes,
    design: DesignValue,
    *,
    assertion: str,
    verify_url: str,
    code: str,
    page: PageSize = "A4",
    language: str = "en",
) -> bytes:
    """One landscape page for one achievement of the record (a degree, a certificate), with the record inside.

    ``assertion`` is the id of the assertion. Raises ``RenderingError`` if the record has none of this id.
    """
    document = compose_certificate(
        payload, design, assertion=assertion, verify_url=verify_url, code=code, language=language
    )
    with translation.override(language):
        return _press(document, jws, design, verify_url=verify_url, page=page)


def render_preview(payload: Mapping[str, Any], design: DesignValue, *, language: str = "en") -> bytes:
    """How the record would look if it were issued now: no code, nothing attached, and every page says so."""
    document = compose_record(payload, design, verify_url="", code="", language=language)
    page: PageSize = "A4" if design.page == "A4" else "letter"
    with translation.override(language):
        return _press(document, None, design, verify_url="", page=page)


def compose_record(
    payload: Mapping[str, Any], design: DesignValue, *, verify_url: str, code: str, language: str = "en"
) -> str:
    """The HTML of the record that is printed, its pictures named ``own:…``; without a code it is a preview."""
    view = read_record(payload)
    with translation.override(language):
        context = _context(view, design, verify_url=verify_url, code=code, language=language)
        context |= {
            "heading": view.title.value or gettext("Comprehensive learner record"),
            "facts": _facts(view, code),
            "legend": mark_safe(markdown.to_html(design.legend)),  # noqa: S308 - the sanitiser's output
            "notes": [
                row for section in view.sections for term in section.terms for row in term.rows if row.prints_details
            ],
        }
        return get_template("pdf/record.html").render(context)


def compose_certificate(
    payload: Mapping[str, Any],
    design: DesignValue,
    *,
    assertion: str,
    verify_url: str,
    code: str,
    language: str = "en",
) -> str:
    """The HTML of a certificate. Raises ``RenderingError`` if the record has no such assertion."""
    view = read_record(payload)
    entry = next((each for each in view.entries if each.id == assertion), None)
    if entry is None:
        raise RenderingError("The record has no achievement of this id; nothing was printed.")
    with translation.override(language):
        context = _context(view, design, verify_url=verify_url, code=code, language=language)
        honours = view.section("awards")
        context |= {
            "document_title": f"{entry.name} – {view.learner.name}",
            "entry": entry,
            "awarded": _day(entry),
            "honours": [each.name for each in honours.entries] if honours and entry.kind == "Degree" else [],
            "name_is_long": len(view.learner.name.value) > 38,
            "title_is_long": len(entry.name.value) > 48,
        }
        return get_template("pdf/certificate.html").render(context)


def _context(view: RecordView, design: DesignValue, *, verify_url: str, code: str, language: str) -> dict[str, Any]:
    name = design.institution_name or view.publisher.name.value
    issued = date_format(view.issued_on.day) if view.issued_on and view.issued_on.day else ""
    title = view.title.value or gettext("Comprehensive learner record")
    signatory = design.signatory_name or (view.publisher.official.value if view.publisher.official else name)
    return {
        "view": view,
        "design": design,
        "institution": phrase(name),
        "signatory": signatory,
        "language": language,
        "document_direction": "rtl" if get_language_bidi() else "ltr",
        "document_title": f"{title} – {view.learner.name}",
        "document_subject": gettext("Signed record issued by %(name)s") % {"name": name},
        "created": view.issued_on.when.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        if view.issued_on and view.issued_on.when
        else "",
        "issued": issued,
        "verify_url": verify_url,
        "code": code,
    }


def _facts(view: RecordView, code: str) -> list[list[tuple[str, Phrase]]]:
    """What stands beside the learner's name: pairs of label and value, two to a line."""
    facts: list[tuple[str, str | Phrase]] = []
    if view.learner.student_id:
        facts.append((gettext("Student number"), view.learner.student_id))
    if view.issued_on:
        facts.append((gettext("Date of issue"), _moment(view)))
    if view.learner.birth_date:
        facts.append((gettext("Date of birth"), view.learner.birth_date[:10]))
    facts.append((gettext("Record code"), code or gettext("none, this is a preview")))
    facts.append((gettext("Issued by"), view.publisher.name))
    place = ", ".join(line.value for line in view.publisher.address)
    if place:
        facts.append((gettext("Address"), place))
    facts += [(kind, value) for kind, value in view.publisher.identifiers if not kind.endswith("SourcedId")][:2]
    if len(facts) % 2:
        facts.append(("", ""))
    named = [(label, value if isinstance(value, Phrase) else phrase(value)) for label, value in facts]
    return [named[position : position + 2] for position in range(0, len(named), 2)]


def _moment(view: RecordView) -> str:
    issued = view.issued_on
    if issued is None or issued.when is None:
        return str(issued or "")
    if issued.is_day:
        return date_format(issued.when.date())
    return f"{date_format(issued.when.date())}, {issued.when:%H:%M} {issued.when.tzname() or 'UTC'}"


def _day(entry: EntryView) -> str:
    when = entry.issued_on or entry.ended_on
    return date_format(when.day) if when and when.day else ""


# --- from HTML to PDF ---------------------------------------------------------------------------------------


class _Pictures(URLFetcher):
    """Gives the document's own pictures and refuses everything else: no file, no network (REL-34)."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False)
        self._pictures = pictures

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        picture = self._pictures.get(url)
        if picture is None:
            raise ValueError("a printed record loads nothing from elsewhere")
        return URLFetcherResponse(url, picture.content, {"Content-Type": picture.media_type})


class _Press:
    """What is prepared once per process: fonts, style sheets, decoded pictures of recent designs."""

    def __init__(self) -> None:
        self.process_lock = threading.Lock()
        self.fonts = FontConfiguration()
        self._sheets: dict[tuple[str, str, str], weasyprint.CSS] = {}
        self._pictures: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def sheet(self, page: PageSize, accent: str, language: str) -> weasyprint.CSS:
        """The style sheet with these values filled in, parsed."""
        key = (page, accent, language)
        if key not in self._sheets:
            if len(self._sheets) > 64:
                self._sheets.clear()
            self._sheets[key] = weasyprint.CSS(
                string=style_sheet(page, accent), font_config=self.fonts, url_fetcher=_Pictures({})
            )
        return self._sheets[key]

    def pictures(self, design: DesignValue) -> dict[str, Any]:
        """WeasyPrint's cache of this design's decoded pictures, kept for the last eight designs."""
        digest = hashlib.sha256()
        for picture in (design.logo, design.seal, design.signature):
            digest.update(hashlib.sha256(picture.content if picture else b"").digest())
        key = digest.hexdigest()
        cache = self._pictures.pop(key, {})
        self._pictures[key] = cache
        while len(self._pictures) > 8:
            self._pictures.popitem(last=False)
        return cache


@lru_cache(maxsize=1)
def _the_press() -> _Press:
    tagging.install()
    return _Press()


def warm_up() -> None:
    """Prepares what a process needs for its first document, so that the first is as quick as the next."""
    _the_press()
    get_template("pdf/record.html")


def style_sheet(page: PageSize, accent: str) -> str:
    """The CSS of printed documents for a page size and an accent colour, in the active language."""
    serif = '"Noto Serif", "Noto Naskh Arabic", "Noto Serif Hebrew", "Noto Serif Thai", "Noto Serif Devanagari", '
    serif += '"Noto Serif CJK SC", serif'
    wording = gettext("Page %(page)s of %(pages)s")
    before, _separator, rest = wording.partition("%(page)s")
    between, _separator, after = rest.partition("%(pages)s")
    pages = '"'.join(
        ("", _css_text(before), " counter(page) ", _css_text(between), " counter(pages) ", _css_text(after), "")
    )
    return Template(_STYLE_SHEET.read_text(encoding="utf-8").replace('"$page_of"', "$page_of")).substitute(
        page="letter" if page == "letter" else "A4",
        accent=ink(accent),
        frame="168mm" if page == "A4" else "173mm",
        page_of=pages,
        serif=serif,
        serif_ja=f'"Noto Serif", "Noto Serif CJK JP", {serif}',
        serif_ko=f'"Noto Serif", "Noto Serif CJK KR", {serif}',
        serif_tw=f'"Noto Serif", "Noto Serif CJK TC", {serif}',
        sans='"Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans CJK SC", sans-serif',
        mono='"DejaVu Sans Mono", monospace',
    )


def _css_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def ink(accent: str) -> str:
    """The accent colour if it can be read on white paper, else the same hue darkened until it can (4.5:1)."""
    return colours.readable_on(accent, "#ffffff", 4.5) if colours.is_colour(accent) else _DEFAULT_ACCENT


def _press(html: str, jws: bytes | None, design: DesignValue, *, verify_url: str, page: PageSize) -> bytes:
    press = _the_press()
    pictures = {"own:qr": Picture(qr_code(verify_url), "image/png")} if verify_url else {}
    for name, picture in (("logo", design.logo), ("seal", design.seal), ("signature", design.signature)):
        if picture is not None:
            if picture.media_type not in _PICTURE_TYPES:
                raise RenderingError(f"The {name} of the design is not a PNG, JPEG or SVG picture.")
            pictures[f"own:{name}"] = picture
    with press.process_lock, _without_collector():
        kept = press.pictures(design)
        cache = dict(kept)
        source = weasyprint.HTML(string=html, url_fetcher=_Pictures(pictures), base_url="own:")
        document = source.render(
            font_config=press.fonts,
            counter_style=CounterStyle(),
            stylesheets=[press.sheet(page, design.accent, translation.get_language() or "")],
            cache=cache,
            **OPTIONS,
        )
        document.metadata.attachments = [] if jws is None else [_attachment(jws)]
        tagging.prepare(document)
        tagging.identify_as_pdf_ua(document.metadata)
        pdf = document.write_pdf(
            finisher=tagging.finish,
            pdf_identifier=hashlib.sha256(jws or html.encode()).digest()[:16],
            **OPTIONS,
        )
        kept.update((key, value) for key, value in cache.items() if not str(key).startswith("own:qr"))
    assert isinstance(pdf, bytes)
    return pdf


def _attachment(jws: bytes) -> weasyprint.Attachment:
    return weasyprint.Attachment(
        string=jws,
        name=_ATTACHMENT_NAME,
        description=gettext("The signed record"),
        relationship="Source",
        created=_NO_TIME,
        modified=_NO_TIME,
        url_fetcher=_Pictures({}),
    )


#: The time of the attachment in the file; the time that counts is inside the signed record.
_NO_TIME = datetime(2000, 1, 1)

#: The flags of every document; the benchmark gives the same to a plain WeasyPrint call.
OPTIONS: dict[str, Any] = {"pdf_variant": "pdf/a-3a", "pdf_tags": True}


def qr_code(address: str) -> bytes:
    """The address as a QR code, error correction M, one picture for all pages."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="png", scale=6, border=2)
    return out.getvalue()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Garbage is collected after a document, not while it is laid out."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
