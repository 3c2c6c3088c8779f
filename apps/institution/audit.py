"""The audit trail: a chain of digests in the database, and signed checkpoints of its end outside (REL-17, REL-18).

An entry says who did what to which object, by ids and digests alone. Its digest covers the digest before it, so that
a change, a removal or a swap shows, with its place. That the *end* was cut off shows against the checkpoints.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from apps.institution.models import AuditEntry, AuditHead, SigningKey
from apps.standards import strict_json
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws

NOTHING = "0" * 64
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done; `details` holds ids, digests, counts and states only, nothing personal (I8)."""

    action: str
    object_type: str
    object_id: str
    actor: Any = None
    details: dict[str, Any] = field(default_factory=dict)


def act(action: str, obj: models.Model | None, actor: Any = None, **details: Any) -> Act:
    """An act on a stored object, named by its public id where it has one."""
    if obj is None:
        return Act(action, "portal", "", actor, details)
    return Act(action, obj._meta.label_lower, str(getattr(obj, "public_id", obj.pk)), actor, details)


def record(action: str, obj: models.Model | None, actor: Any = None, **details: Any) -> AuditEntry:
    """Adds one entry, within the transaction of what it tells of."""
    return record_many([act(action, obj, actor, **details)])[0]


def record_many(acts: Iterable[Act]) -> list[AuditEntry]:
    """Adds entries in order with one lock of the head and one statement (REL-17)."""
    acts = list(acts)
    if not acts:
        return []
    with transaction.atomic():
        head = _locked_head()
        moment = timezone.now()
        entries = []
        for each in acts:
            head.seq += 1
            user = each.actor if getattr(each.actor, "pk", None) else None
            entry = AuditEntry(
                seq=head.seq,
                at=moment,
                actor=user,
                action=each.action,
                object_type=each.object_type,
                object_id=each.object_id,
                details=each.details,
                previous=head.digest,
            )
            entry.digest = head.digest = _digest(entry, str(user.public_id) if user else None)
            entries.append(entry)
        AuditEntry.objects.bulk_create(entries)
        head.save(update_fields=["seq", "digest"])
    return entries


def _locked_head() -> AuditHead:
    head = AuditHead.objects.select_for_update().first()
    if head is None:
        AuditHead.objects.get_or_create(singleton=True)
        head = AuditHead.objects.select_for_update().get()
    return head


def _digest(entry: AuditEntry, actor: str | None) -> str:
    """SHA-256 of the entry's JCS form (RFC 8785; all member names are ASCII, all numbers integers)."""
    form = {
        "action": entry.action,
        "actor": actor,
        "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "details": entry.details,
        "objectId": entry.object_id,
        "objectType": entry.object_type,
        "previous": entry.previous,
        "seq": entry.seq,
    }
    return hashlib.sha256(orjson.dumps(form, option=orjson.OPT_SORT_KEYS)).hexdigest()


# --- Checkpoints ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: how long the trail was, and the digest of its last entry."""

    size: int
    head: str
    time: str
    file: str


def write_checkpoint(sign: Callable[[bytes], bytes]) -> Path:
    """Signs the present end of the trail and keeps it as a file outside the database; gives the file.

    `sign` makes a compact JWS of the bytes. The file is complete or not there (REL-22).
    """
    head = AuditHead.objects.first() or AuditHead()
    now = timezone.now()
    payload = orjson.dumps(
        {"head": head.digest, "size": head.seq, "time": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
        option=orjson.OPT_SORT_KEYS,
    )
    folder = Path(settings.CHECKPOINT_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{head.seq:012d}-{now:%Y%m%dT%H%M%S%f}.jws"
    temporary = target.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(sign(payload))
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
    return target


def newest_checkpoint_time() -> datetime | None:
    """When the newest checkpoint was written; None if there is none."""
    files = sorted(Path(settings.CHECKPOINT_DIR).glob("*.jws"), key=lambda file: file.stat().st_mtime)
    return datetime.fromtimestamp(files[-1].stat().st_mtime, UTC) if files else None


def is_behind() -> bool:
    """Whether the trail in the database is shorter than a checkpoint outside says: an old copy was restored."""
    longest = max((int(file.name.split("-")[0]) for file in Path(settings.CHECKPOINT_DIR).glob("*-*.jws")), default=0)
    return (AuditHead.objects.values_list("seq", flat=True).first() or 0) < longest


# --- Looking whether it is whole --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written, and where."""

    place: str
    sentence: str


@dataclass(slots=True)
class Report:
    """What `audit verify` found."""

    entries: int = 0
    checkpoints: int = 0
    documents: int = 0
    erased: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


Examiner = Callable[[Report], Iterable[Fault]]
EXAMINERS: list[Examiner] = []
"""Rooms above that keep bytes whose digests stand in the trail register here."""


def verify() -> Report:
    """Walks the whole trail, holds it against all checkpoints, and lets the rooms recompute their digests."""
    report = Report()
    report.faults.extend(_walk(report))
    report.faults.extend(_check_checkpoints(report))
    for examine in EXAMINERS:
        report.faults.extend(examine(report))
    return report


def _walk(report: Report) -> Iterator[Fault]:
    expected, previous = 1, NOTHING
    for entry in AuditEntry.objects.select_related("actor").order_by("seq").iterator(2000):
        place = f"audit entry {entry.seq}"
        report.entries += 1
        if entry.seq != expected:
            yield Fault(place, f"The entry before it, {expected}, is missing.")
        if entry.previous != previous:
            yield Fault(place, "It does not follow from the entry before it: one was changed, removed or swapped.")
        if _digest(entry, str(entry.actor.public_id) if entry.actor else None) != entry.digest:
            yield Fault(place, "Its content is not what was written.")
        expected, previous = entry.seq + 1, entry.digest
    head = AuditHead.objects.first() or AuditHead()
    if (head.seq, head.digest) != (expected - 1, previous):
        yield Fault(
            "end of the audit trail", f"The trail should end with entry {head.seq}; it ends with {expected - 1}."
        )


def _check_checkpoints(report: Report) -> Iterator[Fault]:
    keys = [key.public_pem for key in SigningKey.objects.all()]
    for file in sorted(Path(settings.CHECKPOINT_DIR).glob("*.jws")):
        place = f"checkpoint {file.name}"
        report.checkpoints += 1
        checkpoint = _read_checkpoint(file, keys)
        if checkpoint is None:
            yield Fault(place, "It is not signed by a key of this institution.")
            continue
        if checkpoint.size == 0:
            continue
        digest = AuditEntry.objects.filter(seq=checkpoint.size).values_list("digest", flat=True).first()
        if digest is None:
            yield Fault(
                place,
                f"On {checkpoint.time} the trail had {checkpoint.size} entries; entry {checkpoint.size} is gone.",
            )
        elif digest != checkpoint.head:
            yield Fault(place, f"Entry {checkpoint.size} is not the one that stood there on {checkpoint.time}.")


def _read_checkpoint(file: Path, keys: list[str]) -> Checkpoint | None:
    try:
        signed = jws.read(file.read_bytes(), algorithms=jws.VC_JWT)
    except StandardsError:
        return None
    for pem in keys:
        try:
            jws.verify(signed, jws.public_key_from_pem(pem))
        except StandardsError:
            continue
        said = strict_json.loads(signed.payload)
        return Checkpoint(int(said["size"]), str(said["head"]), str(said["time"]), file.name)
    return None
