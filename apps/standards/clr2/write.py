"""Records of CLR 2.0 as JSON, before they are signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.standards.clr2 import model
from apps.standards.jsonld import contexts
from apps.standards.ob3 import write as ob3

JsonObject = dict[str, Any]


def association(kind: str, source: str, target: str) -> JsonObject:
    """An Association, read "source kind target". Raises ``ValueError`` for a kind that is not in the list."""
    if not model.CLASSES.vocabularies["AssociationType"].allows(kind):
        raise ValueError(f"{kind} is no association of CLR 2.0")
    return {"type": "Association", "associationType": kind, "sourceId": source, "targetId": target}


def subject(
    *,
    credentials: Sequence[Mapping[str, Any]],
    id: str | None = None,
    identifiers: Sequence[Mapping[str, Any]] = (),
    achievements: Sequence[Mapping[str, Any]] = (),
    associations: Sequence[Mapping[str, Any]] = (),
) -> JsonObject:
    """A ClrSubject around signed credentials. Raises ``ValueError`` without credentials, or if nobody is named."""
    if not credentials:
        raise ValueError("a record holds at least one credential")
    if id is None and not identifiers:
        raise ValueError("a subject has an id or an identifier")
    members = {
        "id": id,
        "type": ["ClrSubject"],
        "identifier": list(identifiers),
        "verifiableCredential": list(credentials),
        "achievement": list(achievements),
        "association": list(associations),
    }
    return {name: value for name, value in members.items() if value not in (None, [])}


def record(
    *,
    id: str,
    issuer: Mapping[str, Any],
    valid_from: str,
    name: str,
    subject: Mapping[str, Any],
    partial: bool,
    **more: Any,
) -> JsonObject:
    """A ClrCredential, unsigned (CLR2-I-01, -02, -06)."""
    return ob3.credential(
        [contexts.CLR, contexts.OPEN_BADGES],
        ["VerifiableCredential", model.RECORD_TYPE],
        id,
        issuer,
        valid_from,
        subject,
        name=name,
        **({"partial": True} if partial else {}),
        **more,
    )
