"""The 1EdTech revocation list (VCRL 1.0): an unsigned document that names revoked credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.standards.status.bitstring import StatusFault

ENTRY_TYPE = "1EdTechRevocationList"


@dataclass(frozen=True, slots=True)
class Listed:
    """That a list names a credential as revoked, and the reason it gives."""

    reason: str | None


def find(document: Any, credential: str) -> Listed | None:
    """The entry that revokes a credential; None if the list does not.

    An entry whose ``revoked`` is absent revokes. Raises ``StatusFault`` for what is no such list.
    """
    entries = document.get("revokedCredential", []) if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise StatusFault("The document is no revocation list.")
    for entry in entries:
        if isinstance(entry, str):
            entry = {"id": entry}
        if not isinstance(entry, dict) or entry.get("id") != credential or entry.get("revoked", True) is False:
            continue
        reason = entry.get("revocationReason")
        return Listed(reason if isinstance(reason, str) else None)
    return None


def document(*, id: str, issuer: str, revoked: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """A revocation list to publish; pairs of credential id and reason (or None)."""
    return {
        "id": id,
        "issuer": issuer,
        "revokedCredential": [
            {"id": credential, "revoked": True, **({"revocationReason": reason} if reason else {})}
            for credential, reason in revoked
        ],
    }
