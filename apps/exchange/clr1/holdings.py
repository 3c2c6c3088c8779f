"""What one access token may read and take away over CLR 1.0: asked of the database with scope, owner and choice.

Two things are there for a client (SEC-45): the records of the institution that its learner chose, and the records
that this client itself put into the learner's wallet. What came into the wallet another way is not for it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Value

from apps.exchange.models import AccessToken
from apps.issuance import documents
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import IssuedDocument, Record
from apps.learners.models import Learner
from apps.standards.clr1 import carrying
from apps.wallet.models import Receipt, WalletItem

ISSUED, SENT = 0, 1
SOURCE = Receipt.Source.CLIENT


@dataclass(frozen=True, slots=True)
class Held:
    """One record on a page: where it lies, its digest as stored, and what it is called in the disclosure log."""

    origin: int
    pk: int
    digest: str
    public_id: UUID

    @property
    def disclosed_as(self) -> tuple[str, str]:
        """Type and id for the disclosure log."""
        return ("issuance.record" if self.origin == ISSUED else "wallet.walletitem", str(self.public_id))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records, newest first, and how many there are in all."""

    rows: list[Held]
    total: int


def learner_of(token: AccessToken) -> Learner | None:
    """The learner whose access the token is; None when the person has no record here."""
    return Learner.objects.filter(user=token.user_id, merged_into=None).first()


def sender_of(token: AccessToken) -> str:
    """What the client of a token is called as a sender in wallets."""
    return str(token.application.public_id)


def page(token: AccessToken, learner: Learner, *, limit: int, offset: int, since: datetime | None) -> Page:
    """Records neither superseded nor revoked, by date of issue and id, counted together (5.3).

    `since` leaves those that were issued here, or came here, after this moment.
    """
    issued = IssuedDocument.objects.filter(
        format=documents.CLR1, content__isnull=False, record__in=token.consent.records().standing()
    )
    sent = _sent(token, learner).standing().clr1_records()
    if since is not None:
        # When it became readable, not the date that it bears: between the two a client may have asked.
        issued, sent = issued.filter(created_at__gt=since), sent.filter(changed_at__gt=since)
    together = _columns(issued, ISSUED, "record__public_id").union(_columns(sent, SENT, "public_id"), all=True)
    rows = together.order_by("-issued_on", "document_id")[offset : offset + limit]
    found = [Held(origin, pk, digest, _uuid(name)) for origin, pk, _on, _id, digest, name in rows]
    is_whole = offset == 0 and len(found) < limit
    return Page(found, len(found) if is_whole else together.count())


def _columns(rows: QuerySet[Any], origin: int, public_id: str) -> QuerySet[Any, Any]:
    return (
        rows.order_by()
        .annotate(origin=Value(origin))
        .values_list("origin", "pk", "issued_on", "document_id", "digest", public_id)
    )


def _uuid(value: Any) -> UUID:
    """A UUID out of a union, which SQLite gives as text."""
    return value if isinstance(value, UUID) else UUID(str(value))


def contents(rows: Iterable[Held]) -> tuple[list[bytes], list[bytes]]:
    """The stored bytes of a page: plain records and signed ones, each in the page's order (CLR1-P-04).

    Raises `DocumentDamaged` when stored bytes are not those that were stored (REL-16).
    """
    rows = list(rows)
    issued = _issued([row.pk for row in rows if row.origin == ISSUED])
    sent = _sent_items([row.pk for row in rows if row.origin == SENT])
    plain: list[bytes] = []
    signed: list[bytes] = []
    for row in rows:
        if row.origin == ISSUED:
            if row.pk in issued:
                signed.append(documents.content_of(issued[row.pk]))
        elif row.pk in sent:
            (signed if sent[row.pk].is_signed else plain).append(content_of(sent[row.pk]))
    return plain, signed


def _issued(keys: list[int]) -> dict[int, IssuedDocument]:
    if not keys:
        return {}
    found = IssuedDocument.objects.only("content", "digest", "size").filter(pk__in=keys, content__isnull=False)
    return {each.pk: each for each in found.order_by()}


def _sent_items(keys: list[int]) -> dict[int, WalletItem]:
    if not keys:
        return {}
    found = WalletItem.objects.only("content", "digest", "size", "form").filter(pk__in=keys).kept()
    return {each.pk: each for each in found.order_by()}


def content_of(item: WalletItem) -> bytes:
    """The bytes of an item, held against its digest (REL-16)."""
    content = bytes(item.content)
    if len(content) != item.size or hashlib.sha256(content).hexdigest() != item.digest:
        raise DocumentDamaged(f"The stored bytes of wallet item {item.pk} are not those that were received.")
    return content


# --- One record -------------------------------------------------------------------------------


def public_record(public_id: UUID) -> Record | None:
    """A record that its learner made public, whatever became of it."""
    return _with_fate(Record.objects.public()).filter(public_id=public_id).first()


def chosen_record(token: AccessToken, public_id: UUID) -> Record | None:
    """A record of the institution that this token may read, superseded and revoked ones included."""
    return _with_fate(token.consent.records()).filter(public_id=public_id).first()


def _with_fate(records: QuerySet[Record]) -> QuerySet[Record]:
    return records.select_related("revocation", "learner")


def sent_item(token: AccessToken, learner: Learner, public_id: UUID) -> WalletItem | None:
    """A record that the client of this token sent."""
    return _sent(token, learner).kept().clr1_records().filter(public_id=public_id).first()


def _sent(token: AccessToken, learner: Learner) -> Any:
    return WalletItem.objects.filter(learner=learner).received_from(SOURCE, sender_of(token))


def is_issued_here(learner: Learner, posted: carrying.Carried) -> bool:
    """Whether a posted record is one that this institution issued to this learner, in the very bytes."""
    digest = hashlib.sha256(posted.content).hexdigest()
    return IssuedDocument.objects.filter(digest=digest, record__learner=learner).exists()


# --- Whose record it is (5.4, CLR1-P-11) ------------------------------------------------------


def is_about(learner: Learner, record: dict[str, Any]) -> bool:
    """Whether a record's learner is this person: by e-mail, student number, source id or an id that is linked."""
    linked = list(learner.identifiers.values_list("value", flat=True))
    return carrying.is_about(
        record,
        ids=[f"urn:uuid:{learner.public_id}", *linked],
        emails=[learner.email, learner.user.email if learner.user else ""],
        student_ids=[learner.student_id, *linked],
        sourced_ids=[learner.source_id, *linked],
    )
