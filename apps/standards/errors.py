"""The one hierarchy of errors that the standards raise.

Each error carries a stable ``code`` for programs, a ``sentence`` for people and, where the fault has a place,
``at``: a JSON pointer into the document, or a description of the place in a file (page, chunk, byte).
"""

from __future__ import annotations


class StandardsError(Exception):
    """Something in a document, key or file is not as its standard says.

    ``code`` is stable and meant for programs; ``sentence`` is one plain sentence for a person; ``at`` says
    where (a JSON pointer such as ``/assertions/3/issuedOn``; empty: the whole).
    """

    code = "INPUT_INVALID"

    def __init__(self, sentence: str, *, code: str | None = None, at: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.at = at
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.sentence} (at {self.at})" if self.at else self.sentence


class ParseFault(StandardsError):
    """The bytes cannot be read as what they claim to be (JSON, JWS, picture, PDF)."""

    code = "PARSE_ERROR"


class LimitExceeded(ParseFault):
    """The input is readable but larger, deeper or more numerous than the limits of SEC-20 to SEC-28 allow."""


class DocumentFault(StandardsError):
    """The document was read, but breaks a rule of its data model."""

    code = "PROPERTY_INVALID"


class SignatureFault(StandardsError):
    """A signature does not hold, or its algorithm or header is not allowed."""

    code = "SIGNATURE_INVALID"


class KeyFault(StandardsError):
    """A key cannot be used: unreadable, of the wrong type, too weak, or of another owner."""

    code = "KEY_UNAVAILABLE"


class FetchRefused(StandardsError):
    """A document could not be fetched. The sentence never tells more than SEC-12 allows."""

    code = "FETCH_FAILED"


class RefusedByPolicy(FetchRefused):
    """The address is one that is never asked (scheme, host, inner network, offline)."""


class NotReachable(FetchRefused):
    """Nobody answered at the address."""


class AnswerTooLarge(FetchRefused):
    """The answer was longer than allowed."""


class AnswerTooSlow(FetchRefused):
    """The answer did not arrive in time."""


class NotADocument(FetchRefused):
    """The answer is not of a kind that can be a document."""


class BudgetExhausted(FetchRefused):
    """This verification has used up its requests, bytes or time (SEC-07)."""

    code = "NOT_DECIDED"


class AttachmentFault(StandardsError):
    """A file that should carry exactly one record carries none, several, or cannot be opened."""

    code = "ATTACHMENT_INVALID"


class NoBadgeInImage(ParseFault):
    """A picture carries no credential, or cannot be read far enough to find one."""

    code = "NO_BADGE_IN_IMAGE"
