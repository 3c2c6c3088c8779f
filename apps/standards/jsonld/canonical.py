"""The canonical form of a linked data document: what Data Integrity proofs of the RDF suites sign.

    document --(compiled, or general where that does not cover it)--> statements --(RDFC-1.0)--> sorted lines

Both ways are in safe mode: what would not be covered by the signature is refused, when verifying and when
signing alike (SEC-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.standards.jsonld import compiled, contexts, general, rdfc
from apps.standards.jsonld.active import DocumentFor, NotCovered, Processing
from apps.standards.jsonld.faults import TooMuchWork, UnprotectedContent
from apps.standards.jsonld.rdf import Quad

BUILT_IN = Processing()


def processing_with(more: Mapping[str, Mapping[str, Any]]) -> Processing:
    """A processing that knows further contexts (address → document) besides the built-in ones."""

    def document_for(url: str) -> Mapping[str, Any] | None:
        return more.get(url) or contexts.document_for(url)

    return Processing(document_for)


def statements(document: Mapping[str, Any], processing: Processing = BUILT_IN) -> list[Quad]:
    """The statements of a document as quads; blank node labels are arbitrary, a statement may occur twice.

    Raises ``UnprotectedContent`` (UNDEFINED_TERM), ``ContextUnavailable``, ``ContextInvalid``, ``TooMuchWork``.
    """
    if not isinstance(document, dict):
        raise UnprotectedContent("The record is not a JSON object.")
    try:
        try:
            return compiled.statements(document, processing)
        except NotCovered:
            return general.statements(document, processing)
    except RecursionError:
        raise TooMuchWork("The record is nested too deeply.") from None


def canonical_form(document: Mapping[str, Any], *, algorithm: str = "sha256", processing: Processing = BUILT_IN) -> str:
    """The canonical N-Quads document (RDFC-1.0) of a JSON-LD document. Raises as ``statements``."""
    return "".join(rdfc.canonical_lines(statements(document, processing), algorithm=algorithm))


__all__ = ["BUILT_IN", "DocumentFor", "canonical_form", "processing_with", "statements"]
