"""The structure tree of a printed record: what a screen reader hears, and in which order (PDF/UA-1).

WeasyPrint tags documents by itself; it knows neither the language of a name nor the scope of a heading cell, tags
running heads and repeated table heads as if they were text, and begins every table anew on each page. Here the tree is
built from the same laid out boxes: one element for each HTML element however many pages it runs over, languages and
scopes set, everything that only furnishes a page marked as an artifact.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pydyf  # type: ignore[import-untyped]
import weasyprint.pdf
from weasyprint.document import Document, Page
from weasyprint.formatting_structure import boxes
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.pdf.metadata import DocumentMetadata
from weasyprint.pdf.stream import Stream

_TAGS = {
    "a": "Link",
    "article": "Art",
    "blockquote": "BlockQuote",
    "caption": "Caption",
    "code": "Code",
    "h1": "H1",
    "h2": "H2",
    "h3": "H3",
    "h4": "H4",
    "img": "Figure",
    "li": "LI",
    "li::marker": "Lbl",
    "ol": "L",
    "p": "P",
    "pre": "P",
    "section": "Sect",
    "table": "Table",
    "tbody": "TBody",
    "td": "TD",
    "th": "TH",
    "thead": "THead",
    "tr": "TR",
    "ul": "L",
}
#: Elements that only group others: text right inside them gets a paragraph of its own.
_GROUPS = frozenset({"/Document", "/Sect", "/Art", "/BlockQuote"})


#: Scripts whose letters change place when they are set: from the glyphs alone their text cannot be read back.
_RESHAPED = re.compile("[\u0900-\u0eff\u0f00-\u109f\u1780-\u17ff]")


class _TaggingStream(Stream):
    """A page's content: text of the document gets a mark, text that furnishes the page is an artifact."""

    _furniture: frozenset[int]

    @contextlib.contextmanager
    def marked(self, box: Any, tag: str) -> Iterator[None]:
        if id(box) in self._furniture:
            self.begin_marked_content("Artifact")
        else:
            mark = len(self._tags)
            self._tags[box] = mark
            properties = pydyf.Dictionary({"MCID": mark})
            if isinstance(box, boxes.TextBox) and _RESHAPED.search(box.text):
                properties["ActualText"] = pydyf.String(box.text)
            self.begin_marked_content(tag, properties)
        yield
        self.end_marked_content()

    def clone(self, **kwargs: Any) -> Stream:
        copy = super().clone(**kwargs)
        copy.__class__ = _TaggingStream
        copy._furniture = self._furniture
        return copy


class TaggedPage:
    """A laid out page that is painted with our marks; stands in for WeasyPrint's own ``Page``."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.furniture = frozenset(_furniture(page._page_box))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._page, name)

    def paint(self, stream: Stream, scale: float = 1) -> None:
        stream.__class__ = _TaggingStream
        stream._furniture = self.furniture
        self._page.paint(stream, scale)


def prepare(document: Document) -> None:
    """Has the document written with the structure tree of this module."""
    document.pages = [TaggedPage(page) for page in document.pages]


def identify_as_pdf_ua(metadata: DocumentMetadata) -> None:
    """Adds the PDF/UA-1 identification to the XMP metadata that says PDF/A-3a."""
    generate = metadata.generate_rdf_metadata
    identification = (
        b'<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="" pdfuaid:part="1"/></rdf:RDF>'
    )

    def with_identification(variant: str, version: int, conformance: str) -> bytes:
        rdf: bytes = generate(variant, version, conformance)
        return rdf.replace(b"</rdf:RDF>", _EXTENSION_SCHEMA + identification, 1)

    metadata.generate_rdf_metadata = with_identification


#: PDF/A knows only its own schemas: the property of PDF/UA must be described where it is used (ISO 19005-3, 6.6.2.3).
_EXTENSION_SCHEMA = (
    b'<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Indicates, which part of ISO 14289 standard is followed</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property>"
    b"</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)


def finish(document: Document, pdf: pydyf.PDF) -> None:
    """The last touches before the file is written: the attachment's media type, and named as associated only once."""
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))
    for each in pdf.objects:
        extra = getattr(each, "extra", None)
        if extra and extra.get("Type") == "/EmbeddedFile":
            extra["Subtype"] = "/application#2fjose"


def install() -> None:
    """Lets WeasyPrint ask this module for the tree of pages that ``prepare`` took; others stay as they are."""
    original = weasyprint.pdf.add_tags
    if getattr(original, "is_ours", False):
        return

    def add_tags(pdf: pydyf.PDF, document: Document, pdf_version: str, page_streams: list[Stream]) -> None:
        if document.pages and isinstance(document.pages[0], TaggedPage):
            _Tree(pdf, document, page_streams).build()
        else:
            original(pdf, document, pdf_version, page_streams)

    add_tags.is_ours = True  # type: ignore[attr-defined]
    weasyprint.pdf.add_tags = add_tags


# --- what is furniture --------------------------------------------------------------------------------------


def _furniture(page_box: Any) -> Iterator[int]:
    """The boxes of a page that are no part of the document: margins, empty pictures, table heads said before."""
    for child in page_box.children:
        if isinstance(child, boxes.MarginBox):
            yield from _leaves(child)
        else:
            yield from _furniture_within(child)


def _furniture_within(box: Any) -> Iterator[int]:
    if isinstance(box, AbsolutePlaceholder):
        box = box._box
    if isinstance(box, boxes.TableBox) and box.skipped_rows:
        for group in box.children:
            yield from _leaves(group) if group.is_header else _furniture_within(group)
        return
    if isinstance(box, boxes.ReplacedBox):
        if box.element is not None and not box.element.attrib.get("alt"):
            yield id(box)
        return
    if isinstance(box, boxes.ParentBox):
        for child in box.children:
            yield from _furniture_within(child)


def _leaves(box: Any) -> Iterator[int]:
    if isinstance(box, AbsolutePlaceholder):
        box = box._box
    if isinstance(box, boxes.TextBox | boxes.ReplacedBox):
        yield id(box)
    elif isinstance(box, boxes.ParentBox):
        for child in box.children:
            yield from _leaves(child)


# --- the tree -----------------------------------------------------------------------------------------------


class _Tree:
    """Builds the structure tree of a document into its PDF."""

    def __init__(self, pdf: pydyf.PDF, document: Document, page_streams: list[Stream]) -> None:
        self._pdf = pdf
        self._pages: list[tuple[Any, Stream]] = [
            (page._page_box, stream) for page, stream in zip(document.pages, page_streams, strict=True)
        ]
        self._elements: dict[Any, pydyf.Dictionary] = {}
        self._annotations: list[tuple[pydyf.Dictionary, bytes]] = []

    def build(self) -> None:
        """Sets StructTreeRoot, ParentTree and MarkInfo of the catalog."""
        pdf = self._pdf
        parents = self._add(pydyf.Dictionary({"Nums": pydyf.Array()}))
        root = self._add(pydyf.Dictionary({"Type": "/StructTreeRoot", "ParentTree": parents.reference}))
        document = self._add(
            pydyf.Dictionary({"Type": "/StructElem", "S": "/Document", "P": root.reference, "K": pydyf.Array()})
        )
        root["K"] = pydyf.Array([document.reference])
        references = pdf.page_references
        for number, (page_box, stream) in enumerate(self._pages):
            self._page = references[number]
            self._marks = stream._tags
            self._owners: list[bytes] = [b"null"] * len(self._marks)
            for child in page_box.children:
                if not isinstance(child, boxes.MarginBox):
                    self._walk(child, document)
            parents["Nums"].extend((number, pydyf.Array(self._owners)))
        for number, (annotation, owner) in enumerate(self._annotations, len(self._pages)):
            annotation["StructParent"] = number
            parents["Nums"].extend((number, owner))
        root["ParentTreeNextKey"] = len(self._pages) + len(self._annotations)
        pdf.catalog["StructTreeRoot"] = root.reference
        pdf.catalog["MarkInfo"] = pydyf.Dictionary({"Marked": "true"})
        pdf.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})

    def _walk(self, box: Any, parent: pydyf.Dictionary) -> None:
        if isinstance(box, AbsolutePlaceholder):
            box = box._box
        if isinstance(box, boxes.TextBox):
            if box in self._marks:
                self._put_mark(self._marks[box], self._for_text(parent, box))
            return
        element = self._element_of(box, parent)
        if box.link_annotation:
            self._put_link(box.link_annotation, element)
        if isinstance(box, boxes.ReplacedBox):
            if box in self._marks:
                self._put_mark(self._marks[box], element)
        elif isinstance(box, boxes.ParentBox):
            for child in box.children:
                self._walk(child, element)

    def _element_of(self, box: Any, parent: pydyf.Dictionary) -> pydyf.Dictionary:
        """The structure element of a box: its own, that of its HTML element made before, or its parent's."""
        source = box.element
        if source is None or isinstance(box, boxes.LineBox):
            return parent
        tag = _TAGS.get(box.element_tag)
        if tag is None:
            if box.element_tag != source.tag or not self._is_foreign(source) or isinstance(box, boxes.BlockLevelBox):
                return parent
            tag = "Span"
        if tag == "Figure" and not source.attrib.get("alt"):
            return parent
        key = (source, tag)
        found = self._elements.get(key)
        if found is not None:
            return self._body_of(source, parent) if tag == "LI" and found is not parent else found
        if tag in ("Span", "Link"):
            parent = self._for_text(parent, box)
        elif tag == "Lbl":
            parent = self._elements.get((source, "LI"), parent)
        element = self._new(tag, parent)
        self._elements[key] = element
        self._describe(element, tag, box, source)
        return self._body_of(source, element) if tag == "LI" else element

    def _describe(self, element: pydyf.Dictionary, tag: str, box: Any, source: Any) -> None:
        if language := source.attrib.get("lang"):
            element["Lang"] = pydyf.String(language)
        if tag in ("TH", "TD"):
            attributes = pydyf.Dictionary({"O": "/Table"})
            if tag == "TH":
                attributes["Scope"] = "/Row" if source.attrib.get("scope") == "row" else "/Column"
            if box.colspan != 1:
                attributes["ColSpan"] = box.colspan
            if len(attributes) > 1:
                element["A"] = attributes
        elif tag == "Figure":
            element["Alt"] = pydyf.String(source.attrib["alt"])
            x, y = box.content_box_x(), box.content_box_y()
            element["A"] = pydyf.Dictionary(
                {"O": "/Layout", "BBox": pydyf.Array((x, y, x + box.width, y + box.height))}
            )
        elif tag == "L":
            numbering = "/Decimal" if box.element_tag == "ol" else "/Disc"
            element["A"] = pydyf.Dictionary({"O": "/List", "ListNumbering": numbering})

    def _body_of(self, source: Any, item: pydyf.Dictionary) -> pydyf.Dictionary:
        """The body of a list item; its label stands beside it."""
        key = (source, "LBody")
        if key not in self._elements:
            self._elements[key] = self._new("LBody", self._elements[(source, "LI")])
        return self._elements[key]

    def _for_text(self, parent: pydyf.Dictionary, box: Any) -> pydyf.Dictionary:
        """The element that takes text: a paragraph where the parent may only hold blocks."""
        if parent["S"] not in _GROUPS:
            return parent
        key = (box.element, "text")
        if key not in self._elements:
            self._elements[key] = self._new("P", parent)
        return self._elements[key]

    @staticmethod
    def _is_foreign(source: Any) -> bool:
        return "lang" in source.attrib

    def _new(self, tag: str, parent: pydyf.Dictionary) -> pydyf.Dictionary:
        element = self._add(
            pydyf.Dictionary(
                {"Type": "/StructElem", "S": f"/{tag}", "P": parent.reference, "Pg": self._page, "K": pydyf.Array()}
            )
        )
        parent["K"].append(element.reference)
        return element

    def _put_mark(self, mark: int, element: pydyf.Dictionary) -> None:
        self._owners[mark] = element.reference
        if element.get("Pg") == self._page:
            element["K"].append(mark)
        else:
            element["K"].append(pydyf.Dictionary({"Type": "/MCR", "Pg": self._page, "MCID": mark}))

    def _put_link(self, annotation: pydyf.Dictionary, element: pydyf.Dictionary) -> None:
        reference = self._add(pydyf.Dictionary({"Type": "/OBJR", "Obj": annotation.reference, "Pg": self._page}))
        element["K"].append(reference.reference)
        self._annotations.append((annotation, element.reference))

    def _add(self, object_: pydyf.Dictionary) -> pydyf.Dictionary:
        self._pdf.add_object(object_)
        return object_
