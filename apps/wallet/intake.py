"""Taking a document into a learner's wallet: judged by the verifier, kept as it came, once, with its versions.

Every way in ends here: what a client posts, what a connected provider gives, what a learner uploads. Any format
that `standards.verify` knows is taken: CLR 1.0 and 2.0, Open Badges 2.0 and 3.0, plain, signed, or inside a
picture or PDF.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from apps.learners.models import Learner
from apps.standards import identities, strict_json
from apps.standards.clr1 import carrying
from apps.standards.errors import ParseFault
from apps.standards.verify.checks.clr1 import learner_values
from apps.standards.verify.recognise import recognise
from apps.standards.verify.sources import Fetcher
from apps.standards.verify.summary import Summary, summarise
from apps.standards.verify.verdict import Result
from apps.verification.judging import JOB_SECONDS, judge
from apps.wallet import entries
from apps.wallet.models import Receipt, WalletEntry, WalletItem

Source = Receipt.Source
State = WalletItem.State
ANY_VERDICT = ("valid", "undecided", "invalid")
MOST_BYTES = 25_000_000
"""The longest document that is kept; doors may allow less (SEC-20)."""
MOST_IN_ALL = 500_000_000
"""How much one wallet holds, so that no client fills the portal through a learner who trusted it."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of one document.

    `created`: the wallet did not hold it before (or this sender had not sent it); `replaced`: the earlier version
    that it is the successor of.
    """

    item: WalletItem
    created: bool
    replaced: WalletItem | None = None

    @property
    def verdict(self) -> str:
        """`valid`, `invalid` or `undecided`."""
        return str(self.item.verdict)


class NotTaken(Exception):
    """The document was not taken in, and nothing was stored; `code` is a name of the digests, the text says why."""

    def __init__(self, code: str, sentence: str, result: Result | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.result = result


class WalletFull(NotTaken):
    """The wallet holds as much as a wallet may."""


# --- One or many documents --------------------------------------------------------------------


def documents_in(content: bytes) -> list[bytes]:
    """The documents in what was handed in: the records of a ClrSet or ClrPayload, else the one that it is.

    Each is the very bytes that stood there. A file that cannot be read is given back whole, for `take_in` to say
    why.
    """
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{":
        return [content]
    try:
        found = carrying.records_in(content)
    except ParseFault:
        return [content]
    return [content] if found is None else found


def take_in(
    learner: Learner,
    content: bytes,
    *,
    source: str,
    sender: str = "",
    fetcher: Fetcher,
    now: datetime | None = None,
    seconds: float = JOB_SECONDS,
    recipients: Sequence[str] = (),
    accept: Collection[str] = ANY_VERDICT,
    forgive: Collection[str] = (),
    formats: Collection[str] = (),
) -> Intake:
    """Judge one document and keep it in the wallet of `learner`; the same bytes again give the same item.

    `source` and `sender` say where it came from (`Receipt`). `fetcher` and `seconds` are what the verification may
    spend; nothing is written while it runs. `recipients` are identities of the person expected, `accept` the
    verdicts with which it is kept at all, `forgive` the failures with which it is kept nevertheless where there are
    no others (REVOKED …), `formats` the standards that are taken (all where none is named). Where recipients are
    expected, a document that is there already is judged again: it may be somebody else's, or over.

    A client replaces what it sent itself under the same id of the same issuer; whatever comes another way replaces
    an older version by its date of issue. Raises `NotTaken`: not readable, several documents, too large, a verdict
    that is not accepted.
    """
    now = now or timezone.now()
    if len(content) > MOST_BYTES:
        raise NotTaken("INPUT_INVALID", "This file is larger than can be kept.")
    content = _trimmed(content)
    digest = hashlib.sha256(content).hexdigest()
    known = WalletItem.objects.filter(learner=learner, digest=digest).first()
    if known is not None and (known.state != State.DELETED or source == Source.CONNECTION) and not recipients:
        return Intake(known, created=_note(known, source, sender, now))
    held = WalletItem.objects.filter(learner=learner).aggregate(bytes=Sum("size"))["bytes"] or 0
    if held + len(content) > MOST_IN_ALL:
        raise WalletFull("INPUT_INVALID", "This wallet is full. Delete something that is not needed any more.")
    result = judge(content, fetcher=fetcher, seconds=seconds, recipients=recipients, now=now)
    if not result.readable or result.document is None:  # nothing was read, or what was named was not to be had
        first = result.failures()[0]
        raise NotTaken(first.code or "INPUT_INVALID", first.detail, result)
    if result.kind in {"set", "payload"}:
        raise NotTaken("INPUT_INVALID", "This carries several records; each is taken by itself.", result)
    if formats and result.format not in formats:
        raise NotTaken("INPUT_INVALID", "This is a document of another standard than is taken here.", result)
    failed = {check.code for check in result.failures()}
    if result.verdict not in accept and not (failed and failed <= set(forgive)):
        raise NotTaken(_weightiest(result), result.sentence, result)
    if recipients and _is_anothers(result, recipients):
        raise NotTaken("RECIPIENT_MISMATCH", "It was awarded to somebody else.", result)
    return _keep(learner, content, digest, result, source, sender, now)


def _is_anothers(result: Result, recipients: Sequence[str]) -> bool:
    """Whether a document that could not be judged to its end names somebody who is none of the people expected."""
    document = result.document
    if not isinstance(document, dict) or any(check.name == "expected_recipient" for check in result.checks):
        return False
    learner, recipient = document.get("learner"), document.get("recipient")
    if isinstance(learner, dict):
        named = learner_values(learner)
        return bool(named) and not any(identities.matches(each, recipients) for each in named)
    identity = recipient.get("identity") if isinstance(recipient, dict) else None
    salt = recipient.get("salt") if isinstance(recipient, dict) else None
    if not isinstance(identity, str):
        return False
    return not identities.matches(identity, recipients, salt=salt if isinstance(salt, str) else "")


def _weightiest(result: Result) -> str:
    """The code of the failure that the verdict's sentence speaks of."""
    failures = result.failures()
    said = next((each for each in failures if each.detail in result.sentence), None)
    return (said and said.code) or "INPUT_INVALID"


def _trimmed(content: bytes) -> bytes:
    """A text without byte order mark and blanks around it, so that one document has one digest."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    return text if text[:1] in (b"{", b"<") or recognise(text).form in {"jws", "sd-jwt", "address"} else content


# --- Keeping ----------------------------------------------------------------------------------


def _keep(
    learner: Learner, content: bytes, digest: str, result: Result, source: str, sender: str, now: datetime
) -> Intake:
    """Store the document beside its versions, in one transaction."""
    summary = summarise(result)
    with transaction.atomic():
        # One wallet, one writer at a time: two requests with the same document, or two versions of it, end alike.
        Learner.objects.select_for_update().only("pk").get(pk=learner.pk)
        known = WalletItem.objects.filter(learner=learner, digest=digest).first()
        if known is not None and known.state != State.DELETED:
            _keep_result(known, result, now)
            return Intake(known, created=_note(known, source, sender, now))
        item = known or WalletItem(learner=learner, digest=digest)
        _describe(item, content, result, summary, now)
        earlier = _earlier_version(item, source, sender)
        if earlier is not None and _says_the_same(earlier, item):
            return Intake(earlier, created=_note(earlier, source, sender, now))
        replaced = _put_in_order(item, earlier, source, now)
        item.save()
        entries.index_item(item, _read(result))
        _note(item, source, sender, now)
        return Intake(item, created=True, replaced=replaced)


def _describe(item: WalletItem, content: bytes, result: Result, summary: Summary, now: datetime) -> None:
    """Fill an item with what was received and what was found."""
    item.content, item.size = content, len(content)
    form = recognise(content).form
    item.form = form if form in WalletItem.Form.values else WalletItem.Form.OTHER
    item.format, item.kind = result.format, result.kind
    item.document_id, item.title = summary.id, summary.title
    item.issuer_id, item.issuer_name, item.learner_name = summary.issuer_id, summary.issuer_name, summary.learner_name
    item.issued_on, item.expires = summary.issued_on, summary.expires
    item.version_key = _version_key(summary)
    item.received_at = now
    item.replaces = None
    _note_result(item, result, now)


def _note_result(item: WalletItem, result: Result, now: datetime) -> None:
    item.verdict = result.verdict
    item.report = json.loads(orjson.dumps(result.as_json()))
    item.state = _state_after(result)
    item.checked_at = item.changed_at = now
    outdated = any(check.code == "CONTENT_OUTDATED" for check in result.warnings())
    # What stands at its address is what was judged: an address alone has no other content (BC-W-08).
    is_elsewhere = outdated or (item.form == WalletItem.Form.ADDRESS and result.format == WalletItem.BADGE)
    item.shown_content = orjson.dumps(result.document) if is_elsewhere and result.document is not None else None


def _read(result: Result) -> dict[str, Any] | None:
    return result.document if isinstance(result.document, dict) else None


def _state_after(result: Result) -> str:
    codes = {check.code for check in result.failures()}
    if "REVOKED" in codes:
        return State.REVOKED
    return State.EXPIRED if "EXPIRED" in codes else State.STANDING


def _version_key(summary: Summary) -> str:
    """Equal for all versions of one document: an id means something only together with whose it is (CLR1-C-11)."""
    if not summary.id:
        return ""
    return hashlib.sha256(f"{summary.id}\n{summary.issuer_id}".encode()).hexdigest()


def _earlier_version(item: WalletItem, source: str, sender: str) -> WalletItem | None:
    """The version of the same document that stands in this wallet, as far as this sender may replace it (5.4)."""
    if not item.version_key:
        return None
    found = WalletItem.objects.filter(learner=item.learner, version_key=item.version_key).exclude(pk=item.pk)
    found = found.exclude(state__in=(State.SUPERSEDED, State.DELETED))
    if source == Source.CLIENT and item.format != WalletItem.BADGE:
        # A badge that is taken was vouched for by its issuer; of a record nobody may have vouched.
        found = found.received_from(source, sender)
    return found.order_by("-pk").first()


def _says_the_same(earlier: WalletItem, item: WalletItem) -> bool:
    """Whether two plain documents differ in their white space or order at most."""
    if earlier.form != WalletItem.Form.JSON or item.form != WalletItem.Form.JSON:
        return False
    return _canonical(earlier.content) == _canonical(item.content)


def _canonical(content: bytes | memoryview) -> str:
    return json.dumps(strict_json.loads(bytes(content)), sort_keys=True)


def _put_in_order(item: WalletItem, earlier: WalletItem | None, source: str, now: datetime) -> WalletItem | None:
    """Make the item the successor of the earlier version, or, when it is the older one, part of the history."""
    if earlier is None:
        return None
    is_older = (
        source != Source.CLIENT
        and item.issued_on is not None
        and earlier.issued_on is not None
        and item.issued_on < earlier.issued_on
    )
    if is_older:
        item.state = State.SUPERSEDED
        return None
    # The address stands for the document, not for one version of it, so it goes on to the successor.
    item.public_id, earlier.public_id = earlier.public_id, uuid.uuid4()
    item.replaces = earlier
    earlier.state, earlier.changed_at = State.SUPERSEDED, now
    earlier.save(update_fields=["public_id", "state", "changed_at"])
    return earlier


def _note(item: WalletItem, source: str, sender: str, now: datetime) -> bool:
    """Note who sent it; whether this is new."""
    try:
        with transaction.atomic():
            _receipt, is_new = Receipt.objects.get_or_create(
                item=item, source=source, sender=sender, defaults={"at": now}
            )
    except IntegrityError:  # the item was taken away at the same moment
        return False
    return is_new


# --- Afterwards -------------------------------------------------------------------------------


def check_again(
    item: WalletItem, *, fetcher: Fetcher, now: datetime | None = None, seconds: float = JOB_SECONDS
) -> WalletItem:
    """Judge an item once more: it may have been revoked, expired, or come within reach since."""
    now = now or timezone.now()
    if item.state == State.DELETED:
        return item
    result = judge(bytes(item.content), fetcher=fetcher, seconds=seconds, now=now)
    with transaction.atomic():
        fresh = WalletItem.objects.select_for_update().get(pk=item.pk)
        if fresh.state == State.DELETED:
            return fresh
        _keep_result(fresh, result, now)
    return fresh


def _keep_result(item: WalletItem, result: Result, now: datetime) -> None:
    """Store what a later judgement found; an item that a newer version replaced stays replaced."""
    before = (item.state, item.verdict, item.changed_at)
    was_superseded = item.state == State.SUPERSEDED
    _note_result(item, result, now)
    if was_superseded and item.state == State.STANDING:
        item.state = State.SUPERSEDED
    if (item.state, item.verdict) == before[:2]:
        item.changed_at = before[2]
    item.save()
    if result.document is not None:
        entries.index_item(item, _read(result))


def take_back(item: WalletItem, *, source: str, sender: str) -> bool:
    """A sender takes back what it sent, earlier versions too; what nobody else sent goes. Whether it had sent it."""
    with transaction.atomic():
        Learner.objects.select_for_update().only("pk").get(pk=item.learner_id)
        gone, _models = Receipt.objects.filter(item=item, source=source, sender=sender).delete()
        if not gone:
            return False
        versions = [item, *_history(item)]
        Receipt.objects.filter(item__in=versions, source=source, sender=sender).delete()
        _blank([each for each in versions if not each.receipts.exists()], timezone.now())
    return True


def delete(item: WalletItem, *, now: datetime | None = None) -> None:
    """The owner deletes an item and its earlier versions: content and everything personal go at once.

    Digest and time stay (see `WalletItem`).
    """
    with transaction.atomic():
        Learner.objects.select_for_update().only("pk").get(pk=item.learner_id)
        _blank([item, *_history(item)], now or timezone.now())


def _history(item: WalletItem) -> list[WalletItem]:
    """The earlier versions of an item."""
    if not item.version_key:
        return []
    versions = WalletItem.objects.filter(learner=item.learner_id, version_key=item.version_key)
    return list(versions.filter(state=State.SUPERSEDED).exclude(pk=item.pk))


def _blank(items: list[WalletItem], now: datetime) -> None:
    Receipt.objects.filter(item__in=items).delete()
    WalletEntry.objects.filter(item__in=items).delete()
    WalletItem.objects.filter(pk__in=[each.pk for each in items]).update(
        content=b"",
        size=0,
        shown_content=None,
        report={},
        version_key="",
        document_id="",
        title="",
        issuer_id="",
        issuer_name="",
        learner_name="",
        issued_on=None,
        expires=None,
        replaces=None,
        state=State.DELETED,
        changed_at=now,
    )
