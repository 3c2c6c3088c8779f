"""What a document says of itself, whatever its standard: enough to keep it in a list. Nothing here is verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.standards import moments
from apps.standards.errors import DocumentFault
from apps.standards.verify.verdict import Result


@dataclass(frozen=True, slots=True)
class Summary:
    """Id, title, dates and people as the document names them; empty where it does not."""

    id: str
    title: str
    issuer_id: str
    issuer_name: str
    learner_name: str
    issued_on: datetime | None
    expires: datetime | None


def summarise(result: Result) -> Summary:
    """The summary of the document that a result is about."""
    document = result.document if isinstance(result.document, dict) else {}
    return Summary(
        id=result.subject or _text(document.get("id")),
        title=_title(document),
        issuer_id=(result.issuer and result.issuer.id) or "",
        issuer_name=(result.issuer and result.issuer.name) or "",
        learner_name=(result.learner and result.learner.name) or "",
        issued_on=_first_moment(document, "issuedOn", "validFrom", "issuanceDate"),
        expires=_first_moment(document, "expires", "validUntil", "expirationDate"),
    )


def _title(document: dict[str, Any]) -> str:
    """Its own name, else that of the achievement or badge it is about."""
    subject = document.get("credentialSubject")
    subject = subject[0] if isinstance(subject, list) and subject else subject
    about = [document, document.get("achievement"), document.get("badge")]
    about.append(subject.get("achievement") if isinstance(subject, dict) else None)
    for each in about:
        if isinstance(each, dict) and (name := _name(each.get("name"))):
            return name
    return ""


def _name(value: Any) -> str:
    """A name; of a name in several languages the first."""
    if isinstance(value, dict):
        value = next(iter(value.values()), "")
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _first_moment(document: dict[str, Any], *names: str) -> datetime | None:
    for name in names:
        if isinstance(document.get(name), str):
            try:
                seconds = moments.read(document[name]).seconds
                return datetime.fromtimestamp(seconds, UTC)
            except (DocumentFault, ValueError, OverflowError, OSError):
                return None
    return None
