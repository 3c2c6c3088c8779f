"""Issuing many at once: a request, its progress, and what failed for whom and why.

A batch holds only which records were asked for; what became of each is read from its signing work (I1). Pausing,
resuming and cancelling act within one chunk, because a worker claims only from batches that run (REL-11).
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.institution import audit
from apps.issuance import signing
from apps.issuance.models import Batch, BatchItem, Record, SigningWork

CHUNK = 500
ROOM_FOR_ONE = 400_000
"""Bytes that one record may take with its PDF, generously."""


class BatchRefused(Exception):
    """The batch was not begun; the text says why and what to do."""


def start(
    records: Iterable[Record] | QuerySet[Record],
    *,
    by: Any,
    title: str = "",
    formats: Sequence[str] = (SigningWork.CLR1,),
    nonce: str | None = None,
) -> Batch:
    """Asks for these records to be issued; the same nonce gives the same batch (REL-10).

    Approved records are queued. Those that were issued before, or are being issued, are listed with the batch that did
    so (REL-11). Raises `BatchRefused` when there is nothing to do or no room.
    """
    if nonce and (known := Batch.objects.filter(nonce=nonce).first()):
        return known
    ids = _ids(records)
    count = sum(Record.objects.filter(pk__in=part, state=Record.State.APPROVED).count() for part in _parts(ids, CHUNK))
    already = any(
        Record.objects.filter(pk__in=part, state__in=Record.PUBLISHED).exists() for part in _parts(ids, CHUNK)
    )
    if not count and not already:
        raise BatchRefused(_("None of these records is approved. Send them to review and approve them first."))
    _expect_room(count)
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                title=title[:255] or _("Batch of %s") % timezone.localdate().isoformat(),
                formats=list(formats),
                nonce=nonce,
                created_by=by,
            )
            for part in _parts(ids, CHUNK):
                _queue(batch, part, by)
            audit.record("batch.started", batch, by, records=len(ids), formats=list(formats))
    except IntegrityError:
        if nonce and (known := Batch.objects.filter(nonce=nonce).first()):
            return known
        raise
    transaction.on_commit(signing.announce)
    return batch


def _ids(records: Iterable[Record] | QuerySet[Record]) -> list[int]:
    if isinstance(records, QuerySet):
        return list(records.order_by("pk").values_list("pk", flat=True))
    return [record.pk for record in records]


def _parts(ids: Sequence[int], size: int) -> Iterable[list[int]]:
    source = iter(ids)
    while part := list(islice(source, size)):
        yield part


def _expect_room(count: int) -> None:
    """Free space is checked before a batch begins, twice the estimate (REL-23)."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < count * ROOM_FOR_ONE * 2:
        raise BatchRefused(
            _("There is too little room on the disk for %(count)d records; free some and start again.")
            % {"count": count}
        )


def _queue(batch: Batch, ids: Sequence[int], by: Any) -> None:
    """Queues one part: new work, failed or cancelled work again; what is under way elsewhere is only listed."""
    wanted = Record.objects.filter(pk__in=ids, state__in=[Record.State.APPROVED, *Record.PUBLISHED])
    records = list(wanted.select_related("snapshot").defer("snapshot__content"))
    snapshots = [record.snapshot_id for record in records]
    for format in batch.formats:
        known = {
            work.snapshot_id: work
            for work in SigningWork.objects.filter(snapshot__in=snapshots, format=format).select_related("batch")
        }
        new = [
            SigningWork(record=record, snapshot=record.snapshot, format=format, batch=batch, requested_by=by)
            for record in records
            if record.state == Record.State.APPROVED and record.snapshot_id not in known
        ]
        SigningWork.objects.bulk_create(new, ignore_conflicts=True)
        again = [
            work.pk for work in known.values() if work.state in {SigningWork.State.FAILED, SigningWork.State.CANCELLED}
        ]
        SigningWork.objects.filter(
            pk__in=again, state__in=[SigningWork.State.FAILED, SigningWork.State.CANCELLED]
        ).update(**_afresh(), batch=batch, requested_by=by)
        under_way = {
            record.pk: work.batch
            for record in records
            if (work := known.get(record.snapshot_id or 0)) is not None
            and (work.state in {SigningWork.State.DONE, SigningWork.State.QUEUED, SigningWork.State.LEASED})
        }
        BatchItem.objects.bulk_create(
            [
                BatchItem(
                    batch=batch,
                    record=record,
                    already=record.pk in under_way,
                    elsewhere=under_way.get(record.pk),
                )
                for record in records
            ],
            ignore_conflicts=True,
        )


def _afresh() -> dict[str, Any]:
    """What a row of work is when it is queued once more; its envelope stands, so that it signs the same bytes."""
    return {
        "state": SigningWork.State.QUEUED,
        "attempt": 0,
        "reason": "",
        "reason_code": "",
        "lease_until": None,
        "ended_at": None,
    }


# --- Steering ---------------------------------------------------------------------------------


def pause(batch: Batch, *, by: Any) -> bool:
    """Holds a batch; what a worker has in hand is finished."""
    return _set_state(batch, Batch.State.RUNNING, Batch.State.PAUSED, by)


def resume(batch: Batch, *, by: Any) -> bool:
    """Lets a paused batch go on."""
    went_on = _set_state(batch, Batch.State.PAUSED, Batch.State.RUNNING, by)
    if went_on:
        transaction.on_commit(signing.announce)
    return went_on


def cancel(batch: Batch, *, by: Any) -> bool:
    """Ends a batch: what was not issued will not be, unless another batch asks for it."""
    with transaction.atomic():
        changed = (
            Batch.objects.filter(pk=batch.pk).exclude(state=Batch.State.CANCELLED).update(state=Batch.State.CANCELLED)
        )
        if not changed:
            return False
        cancelled = SigningWork.objects.filter(
            batch=batch, state__in=[SigningWork.State.QUEUED, SigningWork.State.FAILED]
        ).update(state=SigningWork.State.CANCELLED, ended_at=timezone.now())
        audit.record("batch.cancelled", batch, by, records=cancelled)
    batch.state = Batch.State.CANCELLED
    return True


def retry_failed(batch: Batch, *, by: Any) -> int:
    """Queues what failed once more; gives how many."""
    with transaction.atomic():
        again = SigningWork.objects.filter(batch=batch, state=SigningWork.State.FAILED).update(**_afresh())
        audit.record("batch.retried", batch, by, records=again)
    transaction.on_commit(signing.announce)
    return again


def _set_state(batch: Batch, from_state: str, to_state: str, by: Any) -> bool:
    with transaction.atomic():
        changed = Batch.objects.filter(pk=batch.pk, state=from_state).update(state=to_state)
        if changed:
            audit.record(f"batch.{to_state}", batch, by)
            batch.state = to_state
    return bool(changed)


# --- Watching ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Failures:
    """Records that failed for one reason."""

    code: str
    reason: str
    count: int


@dataclass(slots=True)
class Progress:
    """Where a batch stands."""

    total: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    running: int = 0
    cancelled: int = 0
    already: int = 0
    per_second: float = 0.0
    seconds_left: int | None = None
    failures: list[Failures] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not (self.waiting or self.running)


def progress(batch: Batch) -> Progress:
    """Counts, speed and failures by reason, in three queries however many records there are."""
    found = Progress()
    counts = batch.items.aggregate(total=Count("pk"), already=Count("pk", filter=Q(already=True)))
    found.total, found.already = counts["total"], counts["already"]
    state = SigningWork.State
    work = SigningWork.objects.filter(batch=batch).aggregate(
        **{name: Count("pk", filter=Q(state=name)) for name in state.values},
        last=Max("ended_at", filter=Q(state=state.DONE)),
    )
    found.done, found.failed, found.waiting = work[state.DONE], work[state.FAILED], work[state.QUEUED]
    found.running, found.cancelled = work[state.LEASED], work[state.CANCELLED]
    found.per_second = _rate(batch.created_at, work["last"], found.done)
    if found.per_second and (left := found.waiting + found.running):
        found.seconds_left = round(left / found.per_second)
    grouped = (
        SigningWork.objects.filter(batch=batch, state=state.FAILED)
        .values("reason_code", "reason")
        .annotate(count=Count("pk"))
        .order_by("-count")[:50]
    )
    found.failures = [Failures(row["reason_code"], row["reason"], row["count"]) for row in grouped]
    return found


def _rate(begin: datetime, last: datetime | None, done: int) -> float:
    if not done or last is None:
        return 0.0
    return round(done / max((last - begin).total_seconds(), 0.001), 1)


def rows(batch: Batch) -> QuerySet[BatchItem]:
    """The items with learner and what became of them, for the list of the batch's page."""
    return (
        batch.items.select_related("record__learner", "record__snapshot", "elsewhere")
        .defer("record__snapshot__content")
        .prefetch_related("record__signing_work")
    )
