"""The disclosure log of what programs read with a token (PRIV-01, 34 CFR 99.32)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Field
from django.utils import timezone

from apps.exchange.models import AccessToken
from apps.institution.models import Disclosure

BASIS = "34 CFR 99.30"
"""Written consent of the learner; the number of the consent follows."""
_COLUMNS = ("learner_id", "object_type", "object_id", "recipient", "purpose", "basis", "at")


def note_read(token: AccessToken, learner_id: UUID, what: Iterable[tuple[str, str]], purpose: str) -> None:
    """Note that the client of this token was given these things, each as (type, id), of one learner.

    Written before the answer leaves: what cannot be noted is not given. One statement, however many: a page of
    records is read often, and the log is most of what reading it writes.
    """
    consent = token.consent
    recipient = f"{consent.client_name} ({consent.client_host})"
    basis = f"{BASIS}, consent {consent.public_id}"
    whose, at = (
        cast("Field[Any, Any]", Disclosure._meta.get_field(name)).get_db_prep_save(value, connection)
        for name, value in (("learner_id", learner_id), ("at", timezone.now()))
    )
    rows = [(whose, object_type, object_id, recipient, purpose, basis, at) for object_type, object_id in what]
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    places = ", ".join(["(" + ", ".join(["%s"] * len(_COLUMNS)) + ")"] * len(rows))
    statement = f'INSERT INTO "{Disclosure._meta.db_table}" ({names}) VALUES {places}'  # noqa: S608  own names
    with _not_waiting_for_the_disk(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [value for row in rows for value in row])


@contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """Commit these rows without a sync of their own; the next commit that waits takes them with it.

    They outlive a crash of every process of the portal. A power cut may take the notes of the last moment
    (docs/decisions/0051-notes-of-reading.md); nothing else is ever committed so (REL-20).
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        is_sqlite = connection.vendor == "sqlite"
        cursor.execute("PRAGMA synchronous=NORMAL" if is_sqlite else "SET synchronous_commit TO off")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL" if is_sqlite else "SET synchronous_commit TO on")
