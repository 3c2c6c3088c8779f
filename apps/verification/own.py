"""What this portal itself issued and serves, as the verifier asks for it (SEC-09).

Records are looked up in the tables of ``issuance``. What the portal answers at its own addresses (profiles,
keys, revocation lists, hosted objects) is known to rooms above this one: they register a look-up with
``register_served``, and share links do the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError

from apps.issuance.documents import DocumentErased, DocumentUnavailable, content_of
from apps.issuance.models import IssuedDocument, Record
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws
from apps.standards.verify.sources import Fetched, OwnRecord

log = logging.getLogger(__name__)

Served = Callable[[str], Fetched | None]
_served: list[Served] = []


def register_served(look_up: Served) -> None:
    """Ask ``look_up(url)`` for what this portal answers a stranger at an address of its own.

    It gives None for an address that is not its own, and a ``Fetched`` with status 404 for one that is but
    has nothing to show to a stranger.
    """
    if look_up not in _served:
        _served.append(look_up)


class PortalDocuments:
    """The portal's own documents, for one verification. Fits ``standards.verify.sources.OwnDocuments``."""

    def issued(self, id: str) -> OwnRecord | None:
        """The record that was issued under this id, whatever became of it; None when it is not ours."""
        try:
            document = (
                IssuedDocument.objects.select_related("record__revocation", "record__superseded_by")
                .filter(document_id=id)
                .order_by("pk")
                .first()
            )
            return None if document is None else _own_record(document)
        except DatabaseError as fault:  # the command also works where no database was set up
            log.warning("own documents cannot be looked up: %s", type(fault).__name__)
            return None

    def served(self, url: str) -> Fetched | None:
        """What the portal answers a stranger at this address; None when it is not ours."""
        for look_up in _served:
            try:
                answer = look_up(url)
            except DatabaseError as fault:
                log.warning("own addresses cannot be looked up: %s", type(fault).__name__)
                return None
            if answer is not None:
                return answer
        return None


def record_of_code(code: str) -> tuple[Record, IssuedDocument, bytes] | None:
    """The issued record with this verification code, its signed form and that one's bytes.

    None when unknown or withdrawn: a withdrawn code (by the learner, or on erasure) cannot be told from one
    that never was (I4). Raises ``DocumentDamaged`` when the stored bytes are not those issued (REL-16).
    """
    record = (
        Record.objects.published()
        .select_related("publicity", "revocation", "superseded_by__new", "learner")
        .filter(code=code.lower())
        .first()
    )
    if record is None:
        return None
    publicity = getattr(record, "publicity", None)
    if publicity is not None and publicity.code_withdrawn_at is not None:
        return None
    document = record.documents.order_by("pk").first()
    if document is None:
        return None
    try:
        return record, document, content_of(document)
    except DocumentErased:
        return None


def _own_record(document: IssuedDocument) -> OwnRecord | None:
    try:
        content = content_of(document)
    except DocumentUnavailable as fault:  # erased, or damaged and then never served (REL-16)
        log.error("own document %s is not available: %s", document.pk, type(fault).__name__)
        return None
    signed_form: str | None = None
    payload = content
    try:
        split = jws.split(content)
    except StandardsError:
        pass  # a credential whose proof is inside
    else:
        signed_form, payload = content.decode("ascii"), split.payload
    revocation = getattr(document.record, "revocation", None)
    successor = getattr(document.record, "superseded_by", None)
    return OwnRecord(
        payload=payload,
        signed_form=signed_form,
        superseded_by=None if successor is None else _id_of_successor(successor.new_id, document.format),
        revoked=revocation is not None,
        revocation_reason=None if revocation is None else revocation.reason,
    )


def _id_of_successor(record_pk: int, format: str) -> str | None:
    """The id of the record that stands now: the last of a chain of corrections."""
    seen: set[int] = set()
    while record_pk not in seen:
        seen.add(record_pk)
        following = Record.objects.filter(pk=record_pk).values_list("superseded_by__new_id", flat=True).first()
        if following is None:
            break
        record_pk = following
    found = IssuedDocument.objects.filter(record_id=record_pk).order_by("pk")
    document = found.filter(format=format).first() or found.first()
    return None if document is None else document.document_id
