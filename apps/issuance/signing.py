"""Signing what was approved, exactly once, whatever dies in between (I1, I2; REL-02 to REL-12).

1. *Claim*: a worker takes due rows of `SigningWork` for itself (lease and fence) and fixes the envelope and the digest
   of the payload that it gives (REL-03).
2. *Sign*: outside any transaction the payload is built from the approved snapshot, held against both digests, signed,
   and judged by the verifier that everybody else uses.
3. *Release*: one transaction writes documents, states, audit entries, notices and the work rows, for those rows alone
   that are still this worker's (REL-04). Anything else is dropped.
"""

import hashlib
import logging
import os
import platform
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.institution import audit, keys, profiles
from apps.institution.models import Organization, SigningKey
from apps.issuance import badges
from apps.issuance.models import (
    Batch,
    IssuedDocument,
    Record,
    RecordStep,
    Rendition,
    Revocation,
    SigningWork,
    Supersession,
)
from apps.jobs import clock, outbox
from apps.network import health
from apps.standards.clr1 import write
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws
from apps.standards.verify import engine
from apps.standards.verify.sources import Fetched, OwnRecord

log = logging.getLogger(__name__)

CHUNK = 50
LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 3
"""A row that took its worker down this often has failed (REL-08)."""
REASON_LIMIT = 500


class SigningClosed(Exception):
    """Nothing is signed now; the text says why and what the operator does about it."""


@dataclass(slots=True)
class Claimed:
    """One row of work in this worker's hands."""

    work: SigningWork
    fence: int
    envelope: write.Envelope
    token: bytes = b""
    payload_digest: str = ""


@dataclass(slots=True)
class Done:
    """What came of a chunk."""

    issued: int = 0
    failed: int = 0
    dropped: int = 0
    """Rows that another worker took over meanwhile, or that went back to the queue."""

    @property
    def total(self) -> int:
        """Rows that were in hand."""
        return self.issued + self.failed + self.dropped


def database_now() -> datetime:
    """The database's clock: what is issued is dated by it, not by the worker's (REL-24)."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def due() -> QuerySet[SigningWork]:
    """Work that waits, or whose lease has ended, in no batch that is paused or cancelled."""
    state = SigningWork.State
    waiting = Q(state=state.QUEUED) | (Q(state=state.LEASED) & clock.has_ended(clock.now(), LEASE))
    return SigningWork.objects.filter(waiting).filter(Q(batch=None) | Q(batch__state=Batch.State.RUNNING))


# --- 1. Claim ---------------------------------------------------------------------------------


def claim(limit: int = CHUNK, *, only: Iterable[int] | None = None) -> list[Claimed]:
    """Takes up to `limit` due rows; their envelopes stand in the database when this returns.

    Raises `SigningClosed` when nothing may be signed now.
    """
    home, key = _open_for_signing()
    base = keys.public_base(home)
    owner = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"[:64]
    claimed: list[Claimed] = []
    with transaction.atomic():
        now = database_now()
        rows = due().order_by("pk")
        if only is not None:
            rows = rows.filter(pk__in=list(only))
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        taken = list(
            rows.select_related("snapshot__approval", "record__draft__corrects", "requested_by", "key")[:limit]
        )
        key_value = profiles.cryptographic_key(key, base)
        lost = [work.pk for work in taken if work.attempt >= MAX_ATTEMPTS]
        if lost:
            SigningWork.objects.filter(pk__in=lost).update(
                state=SigningWork.State.FAILED,
                ended_at=now,
                lease_until=None,
                reason_code="worker_lost",
                reason=_("The worker was lost three times on this."),
            )
        fixed: list[SigningWork] = []
        for work in taken:
            if work.attempt < MAX_ATTEMPTS:
                if not work.envelope or work.key_id != key.pk or not work.payload_digest:
                    fixed.append(work)
                claimed.append(_fix_envelope(work, base, key, key_value, now))
        SigningWork.objects.filter(pk__in=[each.work.pk for each in claimed]).update(
            state=SigningWork.State.LEASED,
            lease_owner=owner,
            lease_until=clock.now() + LEASE,
            fence=F("fence") + 1,
            attempt=F("attempt") + 1,
            key=key,
            reason="",
            reason_code="",
            ended_at=None,
        )
        _store_envelopes(fixed)
    return claimed


def _open_for_signing() -> tuple[Organization, SigningKey]:
    if not health.disk_has_room():
        raise SigningClosed("There is too little room on the disk; signing goes on when there is more.")  # REL-23
    home = Organization.objects.filter(is_home=True).first()
    if home is None:
        raise SigningClosed("There is no institution yet.")
    if audit.is_behind():
        raise SigningClosed(
            "The database is older than the newest checkpoint of the audit trail: a backup was restored. Nothing is"
            " issued before the operator has looked into it."
        )  # REL-31
    try:
        key = keys.ensure_active_key(home)
        keys.signer(key)
    except keys.KekUnavailable as fault:
        raise SigningClosed(str(fault)) from None
    return home, key


def _store_envelopes(fixed: Sequence[SigningWork]) -> None:
    """Writes envelope and digest of many rows by one prepared statement; a CASE for each column takes longer."""
    table = SigningWork._meta.db_table
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET envelope = %s, payload_digest = %s WHERE id = %s",  # noqa: S608  our own name
            [(orjson.dumps(work.envelope).decode(), work.payload_digest, work.pk) for work in fixed],
        )


def _fix_envelope(work: SigningWork, base: str, key: SigningKey, key_value: Any, now: datetime) -> Claimed:
    """The envelope of a row; that of an earlier attempt stands while its key does (REL-03, REL-12)."""
    if not work.envelope or work.key_id != key.pk:
        work.envelope = {
            "id": profiles.object_address(base, "clrs", work.record.public_id),
            "issued_on": _moment_of_issue(work, now).isoformat(),
            "key": str(key.public_id),
        }
        work.key, work.payload_digest = key, ""
    envelope = write.Envelope(
        id=work.envelope["id"], issued_on=datetime.fromisoformat(work.envelope["issued_on"]), key=key_value
    )
    if not work.payload_digest and work.snapshot.content is not None:
        payload = write.build_payload(bytes(work.snapshot.content), envelope)
        work.payload_digest = hashlib.sha256(payload).hexdigest()
    work.state = SigningWork.State.LEASED
    work.fence += 1
    work.attempt += 1
    return Claimed(work, work.fence, envelope)


def _moment_of_issue(work: SigningWork, now: datetime) -> datetime:
    """Now, to the second; never before the approval, and later than what it replaces (REL-24)."""
    moment = now.astimezone(UTC).replace(microsecond=0)
    approved = work.snapshot.approval.at.astimezone(UTC)
    if moment < approved:
        moment = approved.replace(microsecond=0) + timedelta(seconds=1)
    corrected = work.record.draft.corrects
    if corrected is not None:
        before = IssuedDocument.objects.filter(record=corrected).order_by("-issued_on").first()
        if before is not None and moment <= before.issued_on:
            moment = before.issued_on.replace(microsecond=0) + timedelta(seconds=1)
    return moment


# --- 2. Sign and judge ------------------------------------------------------------------------


class Unfit(Exception):
    """This row cannot be issued: `code` for programs, the text for the registrar."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class _Published:
    """What strangers find at our own addresses, loaded once for a chunk; the judge asks nothing else."""

    def __init__(self, home: Organization, base: str) -> None:
        from apps.issuance import published

        self._served = {
            profiles.profile_address(home, base): published.profile_document(home, base),
            profiles.revocation_list_address(home, base): published.revocation_document(home, base),
        }
        for key in keys.published_keys(home):
            self._served[keys.address(key)] = published.key_document(key, base)
        self.elsewhere = published.Remembered()
        self._look_up = (published.endorsement_payload, lambda url: published.endorser_at(url, base))
        self._found: dict[str, bytes | None] = {}

    def issued(self, id: str) -> OwnRecord | None:
        """Nothing: what is judged here is not out yet."""
        return None

    def served(self, url: str) -> Fetched | None:
        """Profile, key and revocation list; endorsements and their endorsers."""
        if url not in self._found:
            document: Any = self._served.get(url)
            for look_up in self._look_up:
                document = document or look_up(url)
            self._found[url] = document if isinstance(document, bytes | None) else orjson.dumps(document)
        body = self._found[url]
        return None if body is None else Fetched(200, "application/json", body, url)


def sign(claimed: Claimed, signer: jws.Signer, own: _Published, now: datetime) -> None:
    """Builds, signs and judges one document; raises `Unfit`. The same row always gives the same bytes (REL-03)."""
    work = claimed.work
    snapshot = work.snapshot
    content = bytes(snapshot.content) if snapshot.content is not None else b""
    digest = hashlib.sha256(content).hexdigest()
    if not (digest == snapshot.digest == snapshot.approval.digest):
        raise Unfit("not_as_approved", _("What is stored is not what was approved. It was not signed."))
    try:
        payload = write.build_payload(content, claimed.envelope)
    except StandardsError as fault:
        raise Unfit("not_a_record", str(fault)) from None
    claimed.payload_digest = hashlib.sha256(payload).hexdigest()
    if claimed.payload_digest != work.payload_digest:
        raise Unfit("not_as_claimed", _("The content differs from an earlier attempt. It was not signed."))
    claimed.token = signer.sign(payload)
    result = engine.verify(claimed.token, fetcher=own.elsewhere, now=max(now, claimed.envelope.issued_on), own=own)
    if not result.valid:
        raise Unfit("not_valid", _("The verifier does not accept it: %s") % result.sentence)


# --- 3. Release -------------------------------------------------------------------------------


def issue_due(limit: int = CHUNK, *, only: Iterable[int] | None = None) -> Done:
    """Claims, signs and releases one chunk. Raises `SigningClosed` when nothing may be signed."""
    claimed = claim(limit, only=only)
    return issue(claimed)


def issue(claimed: Sequence[Claimed]) -> Done:
    """Signs and releases what was claimed; a row that cannot be issued fails alone, with its reason."""
    done = Done()
    if not claimed:
        return done
    home = Organization.objects.get(is_home=True)
    own = _Published(home, keys.public_base(home))
    ready: list[Claimed] = []
    try:
        signers = {each.work.key_id: keys.signer(each.work.key) for each in claimed if each.work.key is not None}
        now = timezone.now()
        for each in claimed:
            try:
                sign(each, signers[each.work.key_id], own, now)
            except Unfit as fault:
                if each.work.key_id not in _active_keys([each]):
                    done.dropped += queue_anew([each])
                else:
                    done.failed += fail(each, fault.code, str(fault))
            else:
                ready.append(each)
        release_all(ready, done)
    except (keys.KekUnavailable, DatabaseError, OSError):
        give_back(claimed)
        raise
    return done


def release_all(ready: Sequence[Claimed], done: Done) -> None:
    """Releases a chunk at once; if the database refuses it, each row alone, so that one fault stays with one row."""
    if not ready:
        return
    try:
        done.issued += (released := release(ready))
        done.dropped += len(ready) - released
    except IntegrityError:
        for each in ready:
            try:
                done.issued += (released := release([each]))
                done.dropped += 1 - released
            except IntegrityError as fault:
                log.warning("Record %s was refused by the database.", each.work.record.public_id)
                done.failed += fail(each, "refused", _("The database refused it: %s") % str(fault)[:200])


def release(ready: Sequence[Claimed]) -> int:
    """Makes signed documents visible, all that belongs to them at once or not at all (I2, REL-04); gives how many."""
    with transaction.atomic():
        mine = _still_mine(ready)
        if not mine:
            return 0
        now = database_now()
        documents = IssuedDocument.objects.bulk_create(_document(each, now) for each in mine)
        records = [each.work.record for each in mine]
        changed = Record.objects.filter(pk__in=[record.pk for record in records], state=Record.State.APPROVED).update(
            state=Record.State.ISSUED, version=F("version") + 1
        )
        if changed != len(records):
            raise IntegrityError("a record of the chunk is not approved any more")
        RecordStep.objects.bulk_create(_step(each, now) for each in mine)
        Rendition.objects.bulk_create(Rendition(document=document, created_at=now) for document in documents)
        for each in mine:
            each.work.state, each.work.ended_at = SigningWork.State.DONE, now
        SigningWork.objects.filter(pk__in=[each.work.pk for each in mine]).update(
            state=SigningWork.State.DONE, ended_at=now, lease_until=None
        )
        acts = [_act(each, document) for each, document in zip(mine, documents, strict=True)]
        acts += _supersede([each for each in mine if each.work.record.draft.corrects_id], now)
        audit.record_many(acts)
        outbox.put_many(
            [("record-issued", record.public_id, record.learner.public_id, {}) for record in records]
        )  # REL-09: told once, after
        outbox.put_many(badges.notices(records))
        transaction.on_commit(_announce_rendering)
    return len(mine)


def _still_mine(ready: Sequence[Claimed]) -> list[Claimed]:
    """The rows whose fence, key and approval still stand; the others go back or are dropped (REL-04, REL-12)."""
    rows = SigningWork.objects.filter(pk__in=[each.work.pk for each in ready], state=SigningWork.State.LEASED)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",))
    fences = dict(rows.values_list("pk", "fence"))
    active = _active_keys(ready)
    records = Record.objects.select_related("draft__corrects", "learner").in_bulk(
        [each.work.record_id for each in ready]
    )
    mine, back = [], []
    for each in ready:
        if fences.get(each.work.pk) != each.fence:
            continue
        each.work.record = records[each.work.record_id]
        if each.work.key_id not in active:
            back.append(each)
        elif each.work.record.state != Record.State.APPROVED or each.work.record.snapshot_id != each.work.snapshot_id:
            _cancel(each.work.pk)
        else:
            mine.append(each)
    queue_anew(back)
    return mine


def _active_keys(claimed: Sequence[Claimed]) -> set[int]:
    """Those of the claimed rows' keys that still sign (REL-12)."""
    keys_of = {each.work.key_id for each in claimed if each.work.key_id is not None}
    active = SigningKey.objects.filter(pk__in=keys_of, state=SigningKey.State.ACTIVE)
    return set(active.values_list("pk", flat=True))


def queue_anew(claimed: Sequence[Claimed]) -> int:
    """Puts rows back whose key has gone; they get a new envelope, and so a new payload (REL-12)."""
    gone = 0
    for each in claimed:
        gone += SigningWork.objects.filter(pk=each.work.pk, fence=each.fence, state=SigningWork.State.LEASED).update(
            state=SigningWork.State.QUEUED, envelope={}, key=None, payload_digest="", lease_until=None, attempt=0
        )
    return gone


def _cancel(work_id: int) -> None:
    SigningWork.objects.filter(pk=work_id).update(
        state=SigningWork.State.CANCELLED, ended_at=timezone.now(), lease_until=None
    )


def _document(each: Claimed, now: datetime) -> IssuedDocument:
    work = each.work
    return IssuedDocument(
        record=work.record,
        snapshot_id=work.snapshot_id,
        format=work.format,
        document_id=each.envelope.id,
        content=each.token,
        digest=hashlib.sha256(each.token).hexdigest(),
        payload_digest=each.payload_digest,
        size=len(each.token),
        media_type=jws.MEDIA_TYPE,
        key=work.key,
        issued_on=each.envelope.issued_on,
        issued_by_id=work.requested_by_id,
        created_at=now,
    )


def _step(each: Claimed, now: datetime) -> RecordStep:
    record = each.work.record
    return RecordStep(
        record=record,
        from_state=Record.State.APPROVED,
        to_state=Record.State.ISSUED,
        version=record.version + 1,
        at=now,
        by_id=each.work.requested_by_id,
    )


def _act(each: Claimed, document: IssuedDocument) -> audit.Act:
    return audit.act(
        "record.issued",
        each.work.record,
        each.work.requested_by,
        format=document.format,
        digest=document.digest,
        payload=document.payload_digest,
        snapshot=each.work.snapshot.digest,
        key=each.work.envelope["key"],
    )


def _supersede(corrections: Sequence[Claimed], now: datetime) -> list[audit.Act]:
    """Steps that follow when a correction is issued: the earlier record is superseded, and revoked where so chosen."""
    acts = []
    for each in corrections:
        draft, by = each.work.record.draft, each.work.requested_by
        if draft.corrects_id is None:
            continue
        old = Record.objects.select_related("learner").get(pk=draft.corrects_id)
        Supersession.objects.create(old=old, new=each.work.record, reason=draft.correction_reason, by=by, at=now)
        if old.state == Record.State.ISSUED:
            acts.append(_quiet_step(old, Record.State.SUPERSEDED, by, draft.correction_reason, now))
        if draft.revoke_corrected and old.state != Record.State.REVOKED:
            revoke_in_place(old, draft.correction_reason or _("Corrected and issued anew."), by, now)
            acts.append(_quiet_step(old, Record.State.REVOKED, by, draft.correction_reason, now))
    return acts


def revoke_in_place(record: Record, reason: str, by: Any, now: datetime) -> Revocation:
    """The revocation's row, which the step to `revoked` needs; within the caller's transaction."""
    document = IssuedDocument.objects.get(record=record, format=SigningWork.CLR1)
    return Revocation.objects.create(record=record, document_id=document.document_id, reason=reason, by=by, at=now)


def _quiet_step(record: Record, to_state: str, by: Any, comment: str, now: datetime) -> audit.Act:
    from_state = record.state
    if not Record.objects.filter(pk=record.pk, state=from_state, version=record.version).update(
        state=to_state, version=F("version") + 1
    ):
        raise IntegrityError("the record that is corrected has changed")
    record.state, record.version = to_state, record.version + 1
    RecordStep.objects.create(
        record=record,
        from_state=from_state,
        to_state=to_state,
        version=record.version,
        at=now,
        by=by,
        comment=comment,
    )
    return audit.act(f"record.{to_state}", record, by, **{"from": from_state, "version": record.version})


# --- What else becomes of a row ---------------------------------------------------------------


def fail(claimed: Claimed, code: str, sentence: str) -> int:
    """Ends a row as failed, with a reason for the registrar, if it is still this worker's."""
    return SigningWork.objects.filter(pk=claimed.work.pk, fence=claimed.fence, state=SigningWork.State.LEASED).update(
        state=SigningWork.State.FAILED,
        reason_code=code,
        reason=sentence[:REASON_LIMIT],
        ended_at=timezone.now(),
        lease_until=None,
    )


def give_back(claimed: Sequence[Claimed]) -> None:
    """Puts rows that were not finished back into the queue, as if they had not been tried; best effort."""
    for each in claimed:
        try:
            SigningWork.objects.filter(pk=each.work.pk, fence=each.fence, state=SigningWork.State.LEASED).update(
                state=SigningWork.State.QUEUED, lease_until=None, attempt=F("attempt") - 1
            )
        except DatabaseError:
            log.warning("Signing work %s could not be given back; its lease will end.", each.work.pk)


def announce(workers: int = 2) -> None:
    """Tells workers that there is something to sign; a lost message only delays (REL-06)."""
    from apps.issuance import tasks

    for _number in range(workers):
        try:
            tasks.sign_due.apply_async(queue="sign", retry=False)
        except Exception as fault:  # noqa: BLE001  any transport's own error: the dispatcher will find the rows
            log.warning("The broker did not take a message: %s", type(fault).__name__)
            return


def _announce_rendering() -> None:
    from apps.issuance import printing

    printing.announce()
