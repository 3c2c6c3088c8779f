"""One's data is one's own: everything in one file on one click, and gone when the learner says so (PRIV-05, PRIV-11).

Rooms above this one add their part by `part(name)`, as this one names its own.
"""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from apps.institution import audit, disclosures, erasing, files
from apps.institution.models import Disclosure
from apps.issuance import documents
from apps.issuance.models import Badge, Record
from apps.jobs import retention, running
from apps.jobs.models import Job
from apps.learners.models import Learner, LearnerIdentifier
from apps.wallet.models import DataExport, OwnAddress, Receipt, Share, WalletEntry, WalletItem

KIND = "copy-of-data"
Part = Callable[[Learner], Iterable[tuple[str, bytes]]]
"""What a room holds of a learner: names of files in the copy, and their bytes."""
PARTS: dict[str, Part] = {}

README = """What is in this copy
====================

Everything that the records portal held of you when you asked. Times are in UTC, texts in UTF-8, tables in JSON.

profile.json               who you are here: names, number, e-mail, identifiers
records/<id>/clr.jws       a record as it was signed (CLR 1.0, compact JWS): hand this to any verifier or wallet
records/<id>/clr.json      its content as JSON-LD, byte for byte what was signed
records/<id>/record.pdf    its printed form with the signed record inside, where it has been printed
records/<id>/state.json    what became of it
badges/<id>.jws            a badge as it was signed (Open Badges 2.0)
badges/<id>.json           the same as it stands at its address
wallet/<id>.<form>         what you gathered from elsewhere, byte for byte as it came
wallet/items.json          where it came from, when it was checked, and what was found
shares.json                what you shared, with whom, until when, and who looked; with the receipts
disclosures.json           who was shown something of you, when, what for, and on which ground
connections.json           providers that you connected (without the secrets)
apps.json                  apps that you gave access to, with the receipts

Other portals and wallets take the signed files (.jws) as they are.
"""


def part(name: str) -> Callable[[Part], Part]:
    """Names what a room adds to the copy."""

    def register(give: Part) -> Part:
        PARTS[name] = give
        return give

    return register


def as_json(value: Any) -> bytes:
    """A table of the copy."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str).encode()


# --- What this portal holds ----------------------------------------------------------------------


@part("profile")
def _profile(learner: Learner) -> Iterator[tuple[str, bytes]]:
    said = model_to_dict(learner, exclude=["id", "user", "import_run", "cohorts"])
    identifiers = LearnerIdentifier.objects.filter(learner=learner).values("type", "value", "source")
    yield "profile.json", as_json({"id": learner.public_id, **said, "identifiers": list(identifiers)})


@part("records")
def _records(learner: Learner) -> Iterator[tuple[str, bytes]]:
    for record in Record.objects.filter(learner=learner).published().order_by("pk").iterator(50):
        base = f"records/{record.public_id}"
        revocation = getattr(record, "revocation", None)
        successor = getattr(record, "superseded_by", None)
        yield (
            f"{base}/state.json",
            as_json(
                {
                    "id": record.public_id,
                    "state": record.state,
                    "code": record.code,
                    "revoked": revocation and {"at": revocation.at, "reason": revocation.reason},
                    "supersededBy": successor and successor.new.public_id,
                }
            ),
        )
        try:
            yield f"{base}/clr.jws", documents.jws(record)
            yield f"{base}/clr.json", documents.payload(record)
            yield f"{base}/record.pdf", documents.pdf(record)
        except documents.DocumentUnavailable as fault:
            yield f"{base}/MISSING.txt", str(fault).encode()


@part("badges")
def _badges(learner: Learner) -> Iterator[tuple[str, bytes]]:
    for badge in Badge.objects.filter(assertion__learner=learner).order_by("pk").iterator(50):
        if badge.content is not None and badge.jws is not None:
            yield f"badges/{badge.public_id}.jws", bytes(badge.jws)
            yield f"badges/{badge.public_id}.json", bytes(badge.content)


@part("wallet")
def _wallet(learner: Learner) -> Iterator[tuple[str, bytes]]:
    listed = []
    receipts = Receipt.objects.filter(item__learner=learner).values_list("item_id", "source", "sender", "at")
    came: dict[int, list[dict[str, Any]]] = {}
    for item_id, source, sender, at in receipts:
        came.setdefault(item_id, []).append({"source": source, "sender": sender, "at": at})
    for item in WalletItem.objects.filter(learner=learner).kept().order_by("pk").iterator(50):
        name = f"wallet/{item.public_id}.{'txt' if item.form in {'address', 'other'} else item.form}"
        yield name, bytes(item.content)
        listed.append(
            {
                "file": name,
                **model_to_dict(item, exclude=["id", "learner", "content", "shown_content", "replaces", "version_key"]),
                "cameFrom": came.get(item.pk, []),
            }
        )
    yield "wallet/items.json", as_json(listed)
    own = OwnAddress.objects.filter(learner=learner).values("email", "asked_at", "verified_at")
    yield "wallet/addresses.json", as_json(list(own))


@part("shares")
def _shares(learner: Learner) -> Iterator[tuple[str, bytes]]:
    own = Share.objects.filter(learner=learner).prefetch_related("items", "looks")
    yield (
        "shares.json",
        as_json(
            [
                {
                    "id": share.public_id,
                    "state": share.state,
                    "message": share.message,
                    "email": share.email,
                    "hasPasscode": bool(share.passcode),
                    "views": share.views,
                    "withdrawnAt": share.withdrawn_at,
                    "receipt": share.receipt,
                    "receiptSignature": share.receipt_signature,
                    "looks": [{"at": look.at, "how": look.how, "device": look.device} for look in share.looks.all()],
                }
                for share in own
            ]
        ),
    )


@part("disclosures")
def _disclosures(learner: Learner) -> Iterator[tuple[str, bytes]]:
    told = Disclosure.objects.filter(learner_id=learner.public_id).order_by("at")
    columns = ("at", "object_type", "object_id", "recipient", "purpose", "basis")
    yield "disclosures.json", as_json(list(told.values(*columns)))


# --- The copy ------------------------------------------------------------------------------------


def ask(learner: Learner, *, by: Any) -> DataExport:
    """Begins a copy of everything; one that is being made is not begun twice."""
    with transaction.atomic():
        Learner.objects.select_for_update().only("pk").get(pk=learner.pk)
        waiting = DataExport.objects.filter(learner=learner, digest="", failed=False).first()
        if waiting is not None:
            return waiting
        export = DataExport.objects.create(learner=learner)
        audit.record("data.copied", export, by)
        running.start(KIND, "Copy of a learner's own data", arguments={"export": str(export.public_id)}, user=by)
    return export


@running.kind(KIND)
def make(job: Job, progress: running.Progress) -> None:
    """In the worker: writes the copy into the store. May run again; the row names the last."""
    export = DataExport.objects.select_related("learner").filter(public_id=str(job.arguments["export"])).first()
    if export is None:
        return
    try:
        with tempfile.TemporaryFile() as out:
            _write(export.learner, out, progress)
            out.seek(0)
            digest, size = files.put_chunks(iter(lambda: out.read(1_000_000), b""))
    except (OSError, ValueError) as fault:
        DataExport.objects.filter(pk=export.pk).update(failed=True)
        raise running.JobFailed("The copy could not be written.") from fault
    with transaction.atomic():
        DataExport.objects.filter(pk=export.pk).update(digest=digest, size=size, failed=False)
        disclosures.note(
            export.learner.public_id,
            export,
            export.public_id,
            recipient="the learner",
            purpose="copy of one's own data",
            basis="34 CFR 99.10",
        )


def _write(learner: Learner, out: IO[bytes], progress: running.Progress) -> None:
    done = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("README.txt", README)
        for give in PARTS.values():
            for name, content in give(learner):
                packed.writestr(name, content)
                done += 1
                if done % 20 == 0:
                    progress.update(done=done)
    progress.update(done=done, total=done)


@retention.rule("copies_of_data")
def copies(before: datetime, dry_run: bool) -> int:
    """Copies that learners asked for; whoever needs one again asks again."""
    old = DataExport.objects.filter(asked_at__lt=before)
    if dry_run:
        return old.count()
    return _drop(old)


def _drop(exports: Any) -> int:
    digests = [digest for digest in exports.values_list("digest", flat=True) if digest]
    gone = int(exports.delete()[0])
    for digest in digests:
        files.remove(digest)
    return gone


# --- Going away ----------------------------------------------------------------------------------


def empty_wallet(learner: Learner, *, by: Any) -> int:
    """Deletes all that was gathered, and all links; issued records stay. Gives how many things went."""
    with transaction.atomic():
        gone = _empty(learner)
        audit.record("wallet.emptied", learner, by, gone=gone)
    return gone


def _empty(learner: Learner) -> int:
    gone = _drop(DataExport.objects.filter(learner=learner))
    gone += Share.objects.filter(learner=learner).delete()[1].get("wallet.Share", 0)
    gone += WalletItem.objects.filter(learner=learner).delete()[1].get("wallet.WalletItem", 0)
    WalletEntry.objects.filter(learner=learner).delete()
    gone += OwnAddress.objects.filter(learner=learner).delete()[0]
    return gone


def erase(learner_id: UUID, records: bool) -> int:
    """What this room holds of a learner: copies, links and what they showed, and who looked (PRIV-05)."""
    learner = Learner.objects.filter(public_id=learner_id).first()
    return 0 if learner is None else _empty(learner)


def leave(learner: Learner, *, by: Any) -> dict[str, int]:
    """The learner asks to be forgotten: profile, wallet, links, access, sign-in go; issued records stay, unpublished.

    The law asks the institution to keep those; only the office sees them then.
    """
    return erasing.erase(learner.public_id, ground=f"the person's own request, {timezone.now():%Y-%m-%d}", by=by)


def register() -> None:
    """Names the eraser."""
    erasing.register("wallet", erase)
