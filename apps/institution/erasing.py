"""Erasing a person: what goes, what the law keeps, and a journal that outlives a restored backup (PRIV-05, REL-14).

Rooms that hold something of a person register an eraser here. An erasure is one transaction: its row, which
the database demands before it lets bytes go, what every room takes away, and an entry in the audit trail, which names
the person by number alone. After it, a line is added to the journal outside the database; a backup that is older than
the erasure is brought up to it by `apply_journal`.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.institution import audit
from apps.institution.models import Disclosure, Erasure

Eraser = Callable[[UUID, bool], int]
"""Takes away what a room holds of the learner with this public id; True: the records too, their time is over.

Gives how many things went. It may be asked again for the same person.
"""
ERASERS: dict[str, Eraser] = {}


def register(name: str, eraser: Eraser) -> None:
    """Names what a room takes away; in the order of registration, rooms above before those they stand on."""
    ERASERS[name] = eraser


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    learner: UUID
    ground: str
    records: bool
    at: str


def erase(learner_id: UUID, *, ground: str, by: Any = None, records: bool = False) -> dict[str, int]:
    """Erases a person; gives what went, by name. Raises `ValueError` without a ground.

    Issued records stay as they are, shown to nobody but the registrar; with `records` their bytes go as well and the
    digests stay, so that the trail remains whole.
    """
    if not ground.strip():
        raise ValueError("An erasure needs a ground: the person's request, or the end of retention.")
    gone: dict[str, int] = {}
    with transaction.atomic():
        row = Erasure.objects.create(learner_id=learner_id, ground=ground.strip()[:255], records=records, by=by)
        for name, eraser in reversed(ERASERS.items()):
            gone[name] = eraser(learner_id, records)
        if records:
            gone["disclosures"] = (
                Disclosure.objects.filter(learner_id=learner_id).exclude(recipient=None).update(recipient=None)
            )
        audit.record("learner.erased", row, by, learner=str(learner_id), with_records=records, gone=gone)
        transaction.on_commit(complete_journal)
    return gone


# --- The journal ------------------------------------------------------------------------------


def _file() -> Path:
    return Path(settings.CHECKPOINT_DIR) / "erasures.jsonl"


def journal() -> Iterator[Entry]:
    """What was ever erased, as it stands outside the database; a line that broke off is passed over."""
    file = _file()
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        try:
            said = json.loads(line)
            yield Entry(UUID(said["learner"]), said["ground"], bool(said["records"]), said["at"])
        except (ValueError, KeyError, TypeError):
            continue


def complete_journal() -> int:
    """Adds the erasures that the journal lacks, on the disk before this returns; gives how many."""
    known = {(entry.learner, entry.records) for entry in journal()}
    missing = [row for row in Erasure.objects.order_by("pk") if (row.learner_id, row.records) not in known]
    if not missing:
        return 0
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as out:
        for row in missing:
            entry = {
                "learner": str(row.learner_id),
                "ground": row.ground,
                "records": row.records,
                "at": row.at.isoformat(),
            }
            out.write(json.dumps(entry) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return len(missing)


def unapplied() -> list[Entry]:
    """Erasures of the journal that this database does not know: it is an older one, put back."""
    done = set(Erasure.objects.values_list("learner_id", "records"))
    return [entry for entry in dict.fromkeys(journal()) if (entry.learner, entry.records) not in done]


def apply_journal() -> int:
    """Erases again, after a restore, whoever was erased since the backup; gives how many."""
    again = unapplied()
    for entry in again:
        erase(entry.learner, ground=entry.ground, records=entry.records)
    return len(again)


def is_applied() -> bool:
    """Whether nobody who was erased is back (REL-29)."""
    return not unapplied()
