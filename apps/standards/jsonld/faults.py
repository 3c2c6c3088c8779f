"""What can go wrong between a JSON document and its canonical form."""

from __future__ import annotations

from apps.standards.errors import DocumentFault


class ContextUnavailable(DocumentFault):
    """The document names a context that is not built in; contexts are never fetched (SEC-22)."""

    code = "CONTEXT_UNAVAILABLE"


class ContextInvalid(DocumentFault):
    """A context cannot be processed: too large, too deep, an import, or it redefines a protected term."""

    code = "CONTEXT_INVALID"


class UnprotectedContent(DocumentFault):
    """Something in the document would be dropped on the way to the signed form, so no signature covers it."""

    code = "UNDEFINED_TERM"


class TooMuchWork(DocumentFault):
    """The blank nodes of the document cannot be told apart within the work limit (a poison graph)."""

    code = "NOT_DECIDED"
