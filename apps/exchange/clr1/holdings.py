"""What one access token may read and take away over CLR 1.0: asked of the database with scope, owner and choice.

Two things are there for a client (SEC-45): the records of the institution that its learner chose, and the records
that this client itself put into the learner's wallet. What came into the wallet another way is not for it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet, Value

from apps.exchange.doors import sender_of
from apps.exchange.models import AccessToken, ClientConsent
from apps.issuance import documents
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import IssuedDocument, Record
from apps.learners.models import Learner
from apps.standards.clr1 import carrying
from apps.wallet.models import Receipt, WalletItem

ISSUED, SENT = 0, 1
SOURCE = Receipt.Source.CLIENT


class Held(NamedTuple):
    """One record on a page: where it lies, its digest as stored, what it is called in the log, whose it is."""

    origin: int
    pk: int
    digest: str
    public_id: UUID
    learner_id: UUID

    @property
    def disclosed_as(self) -> tuple[str, str]:
        """Type and id for the disclosure log."""
        return ("issuance.record" if self.origin == ISSUED else "wallet.walletitem", str(self.public_id))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records, newest first, and how many there are in all."""

    rows: list[Held]
    total: int


def page(token: AccessToken, *, limit: int, offset: int, since: datetime | None) -> Page:
    """Records neither superseded nor revoked, by date of issue and id, counted together (5.3).

    `since` leaves those that were issued here, or came here, after this moment.
    """
    given = {_USER: token.user_id, _CONSENT: token.consent_id, _SENDER: sender_of(token)}
    if since is not None:
        given[_SINCE] = connection.ops.adapt_datetimefield_value(since)
    statement, places = _statement(token.consent.all_records, since is not None)
    values = [given.get(place, place) for place in places]
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT %s OFFSET %s", [*values, limit + 1, offset])
        rows = [
            Held(origin, pk, digest, _uuid(public_id), _uuid(learner_id))
            for origin, pk, _on, _id, digest, public_id, learner_id in cursor.fetchall()
        ]
        total = offset + len(rows)
        if len(rows) > limit or (not rows and offset):
            cursor.execute(f"SELECT COUNT(*) FROM ({statement}) AS found", values)  # noqa: S608  our own statement
            total = cursor.fetchone()[0]
    return Page(rows[:limit], total)


# Values that no row has; they stand for those of a token in the statement that is written once.
_USER, _CONSENT, _SENDER = -(2**40), -(2**40) - 1, "\x01sender"
_SINCE = "\x01since"


@lru_cache(maxsize=8)
def _statement(all_records: bool, with_since: bool) -> tuple[str, tuple[Any, ...]]:
    """What a page is chosen by, and its values with the stand-ins of a token among them.

    It follows from the models alone, and writing it takes longer than running it, so it is written once a process.
    """
    moment = datetime(1901, 2, 3, 4, 5, 6, 7, tzinfo=UTC) if with_since else None
    consent = ClientConsent(pk=_CONSENT, user_id=_USER, all_records=all_records)
    issued = IssuedDocument.objects.filter(
        format=documents.CLR1, content__isnull=False, record__in=consent.records().standing().order_by()
    )
    sent = WalletItem.objects.filter(learner__user=_USER).received_from(SOURCE, _SENDER).standing().clr1_records()
    if moment is not None:
        # When it became readable, not the date that it bears: between the two a client may have asked.
        issued, sent = issued.filter(created_at__gt=moment), sent.filter(changed_at__gt=moment)
    together = _columns(issued, ISSUED, "record__").union(_columns(sent, SENT, ""), all=True)
    statement, values = together.order_by("-issued_on", "document_id").query.sql_with_params()
    stored = connection.ops.adapt_datetimefield_value(moment) if moment else None
    return statement, tuple(_SINCE if moment and value in (moment, stored) else value for value in values)


def _columns(rows: QuerySet[Any], origin: int, path: str) -> QuerySet[Any, Any]:
    names = ("origin", "pk", "issued_on", "document_id", "digest", f"{path}public_id", f"{path}learner__public_id")
    return rows.order_by().annotate(origin=Value(origin)).values_list(*names)


def _uuid(value: Any) -> UUID:
    """A UUID as a database gives it: SQLite as text."""
    return value if isinstance(value, UUID) else UUID(str(value))


def contents(rows: Iterable[Held]) -> tuple[list[bytes], list[bytes]]:
    """The stored bytes of a page: plain records and signed ones, each in the page's order (CLR1-P-04).

    Raises `DocumentDamaged` when stored bytes are not those that were stored (REL-16).
    """
    rows = list(rows)
    keys: tuple[list[int], list[int]] = ([], [])
    for row in rows:
        keys[row.origin].append(row.pk)
    stored: dict[tuple[int, int], tuple[bytes, bool]] = {}
    if keys[ISSUED]:
        issued = IssuedDocument.objects.filter(pk__in=keys[ISSUED], content__isnull=False).order_by()
        for pk, content, digest, size in issued.values_list("pk", "content", "digest", "size"):
            stored[ISSUED, pk] = _held_against(content, digest, size, "issued document", pk), True
    if keys[SENT]:
        sent = WalletItem.objects.filter(pk__in=keys[SENT]).kept().order_by()
        for pk, content, digest, size, form in sent.values_list("pk", "content", "digest", "size", "form"):
            is_signed = form == WalletItem.Form.JWS
            stored[SENT, pk] = _held_against(content, digest, size, "wallet item", pk), is_signed
    found = [stored[row.origin, row.pk] for row in rows if (row.origin, row.pk) in stored]
    return [content for content, is_signed in found if not is_signed], [
        content for content, is_signed in found if is_signed
    ]


def _held_against(content: Any, digest: str, size: int, what: str, pk: int) -> bytes:
    """Stored bytes, if they are those that were stored (REL-16)."""
    content = bytes(content)
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        raise DocumentDamaged(f"The stored bytes of {what} {pk} are not those that were stored.")
    return content


def content_of(item: WalletItem) -> bytes:
    """The bytes of an item, held against its digest (REL-16)."""
    return _held_against(item.content, item.digest, item.size, "wallet item", item.pk)


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
    own = WalletItem.objects.filter(learner=learner, public_id=public_id)
    return own.received_from(SOURCE, sender_of(token)).kept().clr1_records().first()


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
