"""Open Badges of what a learner earned: made from issued records, hosted and signed, replaced and revoked with them.

A badge says what the newest standing record says of one assertion. It is made when such a record is issued, where the
achievement is one that is shown as a badge, or when the learner asks; the database holds that an assertion has one
standing badge at most, so that making it again, or twice at once, gives the same.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.achievements import designing
from apps.achievements.models import Achievement, Assertion
from apps.institution import audit, files, keys, profiles
from apps.institution.audit import Fault, Report
from apps.institution.models import Organization, SigningKey
from apps.issuance import badge_documents, documents
from apps.issuance.badge_documents import OF_THE_RECORD, address
from apps.issuance.models import Badge, Record, Revocation
from apps.jobs import outbox
from apps.jobs.models import OutboxEntry
from apps.learners.models import Learner
from apps.standards.clr1 import model as clr1
from apps.standards.clr1 import read as clr1_read
from apps.standards.clr1 import write as clr1_write
from apps.standards.convert import clr1_ob2
from apps.standards.ob2 import write
from apps.standards.verify import engine

NOTICE = "badges-due"
ASKED_FOR = frozenset(
    {
        Achievement.Type.ASSESSMENT,
        Achievement.Type.ASSIGNMENT,
        Achievement.Type.COMPETENCY,
        Achievement.Type.COURSE,
    }
)
"""Kinds of which a record holds dozens: their badges are made when the learner asks, or when somebody designed them."""


class BadgeRefused(Exception):
    """There can be no such badge; the text tells the learner why."""


def badges_of(learner: Learner) -> QuerySet[Badge]:
    """The standing badges of a learner, the newest change first."""
    return Badge.objects.standing().filter(assertion__learner=learner).order_by("-changed_at", "-pk")


def record_holding(assertion: Assertion) -> Record | None:
    """The newest standing record that holds an assertion. Records whose bytes cannot be read count as absent."""
    for record in Record.objects.standing().filter(learner=assertion.learner_id).order_by("-pk"):
        try:
            if str(assertion.public_id) in _said_in(record):
                return record
        except documents.DocumentUnavailable:
            continue
    return None


# --- Making -----------------------------------------------------------------------------------


def make(record: Record, assertion: Assertion, *, by: Any = None) -> Badge:
    """The standing badge of an assertion as this record says it; made now unless it is there and says the same.

    Raises `BadgeRefused`, `documents.DocumentUnavailable`, `keys.KekUnavailable`.
    """
    said = _said_in(record).get(str(assertion.public_id))
    if said is None:
        raise BadgeRefused(_("This record does not hold that achievement."))
    if record.state != Record.State.ISSUED:
        raise BadgeRefused(_("This record does not stand any more. Get the badge from the newest one."))
    if Revocation.objects.filter(assertion=assertion).exists():
        raise BadgeRefused(_("The institution revoked this achievement."))
    return _make(record, assertion, said, by)


def _make(record: Record, assertion: Assertion, said: clr1.Assertion, by: Any) -> Badge:
    told = _digest_of(said)
    standing = Badge.objects.filter(assertion=assertion, revoked_at=None, replaced_at=None)
    known = standing.select_related("key").first()
    if known is not None and known.said_digest == told and known.key.state != SigningKey.State.COMPROMISED:
        return known
    fresh = _built(record, assertion, said, told)
    try:
        with transaction.atomic():
            if known is not None:
                now = timezone.now()
                if not standing.filter(pk=known.pk).update(replaced_at=now, changed_at=now):
                    raise IntegrityError("somebody else replaced this badge")
                fresh.replaces, fresh.is_public = known, known.is_public
            fresh.save()
            audit.record(
                "badge.issued", fresh, by, assertion=str(assertion.public_id), digest=fresh.digest, jws=fresh.jws_digest
            )
    except IntegrityError:  # made at the same time by somebody else: theirs stands
        other = standing.first()
        if other is None:
            raise
        return other
    return fresh


def _built(record: Record, assertion: Assertion, said: clr1.Assertion, told: str) -> Badge:
    """A badge with both its forms, judged by the verifier that everybody else uses; not stored."""
    achievement = assertion.achievement
    home = Organization.objects.get(is_home=True)
    base, key = keys.public_base(home), keys.ensure_active_key(home)
    public_id = uuid4()
    drawing, picture = designing.drawn(achievement)
    hosted, signed = _forms(said, assertion, key, public_id, base)
    content = orjson.dumps(hosted)
    jws = keys.signer(key).sign(orjson.dumps(signed))
    own = badge_documents.Own(
        {
            **badge_documents.around(achievement, key, picture, base),
            hosted["id"]: content,
            hosted["image"]: picture,
        }
    )
    now = timezone.now()
    for form in (content, jws):
        result = engine.verify(form, fetcher=own, now=max(now, _issued_on(hosted)), own=own)
        if not result.valid:
            raise BadgeRefused(_("The verifier does not accept this badge: %s") % result.sentence)
    return Badge(
        public_id=public_id,
        assertion=assertion,
        record=record,
        learner_id=assertion.learner.public_id,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        jws=jws,
        jws_digest=hashlib.sha256(jws).hexdigest(),
        said_digest=told,
        svg_digest=files.put(drawing.encode()),  # the row that names a file is committed after it (REL-22)
        png_digest=files.put(picture),
        key=key,
        issued_on=_issued_on(hosted),
        created_at=now,
        changed_at=now,
    )


def _forms(
    said: clr1.Assertion, assertion: Assertion, key: SigningKey, public_id: UUID, base: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The hosted assertion and the one to be signed: the same words, the same salt (PRIV-06, OB20-I-10)."""
    achievement = assertion.achievement
    assert said.achievement is not None
    learner = assertion.learner
    salt = secrets.token_hex(16)
    recipient = write.recipient(
        learner.email or f"urn:uuid:{learner.public_id}", type_="email" if learner.email else "id", salt=salt
    )
    badge = badge_documents.class_of(said.achievement, achievement, base)
    here = address(base, "assertions", public_id)
    common: dict[str, Any] = {"badge": badge, "recipient": recipient, "leave_out": OF_THE_RECORD}
    hosted = clr1_ob2.badge_of(said, id=here, image=f"{address(base, 'images', public_id)}.png", **common)
    organization = badge_documents.issuer_of(achievement)
    creator = address(base, "keys", badge_documents.key_id(key, organization))
    signed = clr1_ob2.badge_of(said, id=f"urn:uuid:{public_id}", creator=creator, **common)
    signed.pop("image", None)  # its own is hosted, and shown to nobody while the badge is private
    return hosted, signed


def _issued_on(document: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(document["issuedOn"]).astimezone(UTC)


def _digest_of(said: clr1.Assertion) -> str:
    """Of what a badge would say of this assertion; equal where a new badge would say nothing new."""
    told = clr1_ob2.badge_of(said, leave_out=OF_THE_RECORD)
    return hashlib.sha256(clr1_write.canonical(told)).hexdigest()


def _said_in(record: Record) -> dict[str, clr1.Assertion]:
    """The assertions of a record as issued, by the public id of ours that each is about."""
    before = profiles.object_address(keys.public_base(), "assertions", "")
    found = {}
    for each in orjson.loads(documents.payload(record)).get("assertions", ()):
        if str(each.get("id", "")).startswith(before):
            found[each["id"].removeprefix(before)] = clr1_read.parse(each, clr1.Assertion)
    return found


# --- With a record ----------------------------------------------------------------------------


def notices(records: list[Record]) -> list[tuple[str, Any, Any, dict[str, Any]]]:
    """What the outbox is told when these records are issued: those whose badges must be looked after.

    Within the release of a chunk, so a constant number of queries; the badges themselves are made after it.
    """
    learners = {record.learner_id for record in records}
    earned = Assertion.objects.filter(learner__in=learners)
    shown = earned.exclude(achievement__achievement_type__in=ASKED_FOR)
    designed = earned.filter(achievement__badge_design__isnull=False)
    badged = Badge.objects.filter(assertion__learner__in=learners, revoked_at=None, replaced_at=None)
    due = {
        *shown.values_list("learner_id", flat=True),
        *designed.values_list("learner_id", flat=True),
        *badged.values_list("assertion__learner_id", flat=True),
    }
    return [(NOTICE, record.public_id, record.learner.public_id, {}) for record in records if record.learner_id in due]


def look_after(record: Record) -> int:
    """Makes the badges of an issued record that are due, and ends those that nothing vouches for any more.

    Gives how many were made. It may be run again at any time (REL-02).
    """
    if record.state != Record.State.ISSUED:
        return 0
    try:
        said = _said_in(record)
    except documents.DocumentErased:
        return 0
    earned = Assertion.objects.filter(public_id__in=list(said), learner=record.learner_id, revocation=None)
    held = list(earned.select_related("achievement__issuer", "learner"))
    designed = designing.designed(each.achievement_id for each in held)
    badges = Badge.objects.filter(assertion__in=held, revoked_at=None, replaced_at=None)
    badged = set(badges.values_list("assertion_id", flat=True))
    made = 0
    for assertion in held:
        usual = assertion.achievement.achievement_type not in ASKED_FOR
        if usual or assertion.achievement_id in designed or assertion.pk in badged:
            before = timezone.now()
            made += _make(record, assertion, said[str(assertion.public_id)], None).created_at >= before
    end_unfounded(record.learner, by=None, reason=_("The record was corrected and does not hold this any more."))
    return made


def end_unfounded(learner: Learner, *, by: Any, reason: str) -> int:
    """Revokes the learner's badges of what stands in no standing record any more; gives how many."""
    standing = list(Badge.objects.filter(assertion__learner=learner, revoked_at=None, replaced_at=None))
    if not standing:
        return 0
    founded: set[str] = set()
    for record in Record.objects.standing().filter(learner=learner):
        try:
            founded |= set(_said_in(record))
        except documents.DocumentUnavailable:
            return 0  # what cannot be read proves nothing
    revoked = set(Revocation.objects.filter(assertion__learner=learner).values_list("assertion_id", flat=True))
    ended = [
        each
        for each, public_id in ((each, str(each.assertion.public_id)) for each in standing)
        if public_id not in founded or each.assertion_id in revoked
    ]
    for each in ended:
        revoke(each, by=by, reason=reason)
    return len(ended)


def revoke(badge: Badge, *, by: Any, reason: str) -> None:
    """Ends a badge: its address answers 410, its signed form stands on the revocation list (OB20-I-06, OB20-I-11)."""
    with transaction.atomic():
        now = timezone.now()
        mine = Badge.objects.filter(pk=badge.pk, revoked_at=None)
        if mine.update(revoked_at=now, revoked_by=by, revocation_reason=reason, changed_at=now):
            audit.record("badge.revoked", badge, by, reason=reason)


def _send(entry: OutboxEntry) -> None:
    record = Record.objects.select_related("learner").filter(public_id=entry.subject_id).first()
    if record is not None:
        look_after(record)


# --- Who may see it ---------------------------------------------------------------------------


def show(badge: Badge, *, by: Any) -> None:
    """Lets anybody who has its address see the badge. Raises `BadgeRefused`."""
    learner = badge.assertion.learner
    if learner.user_id is None or learner.user_id != by.pk:
        raise BadgeRefused(_("Only the learner decides who may see a badge."))
    if learner.withholds_directory:
        raise BadgeRefused(
            _("You asked the office to withhold your directory information, so nothing of you is shown in public.")
        )
    if not badge.is_standing:
        raise BadgeRefused(_("Only a badge that holds can be shown."))
    _set_public(badge, True, by)


def hide(badge: Badge, *, by: Any) -> None:
    """Makes the badge private again, at once. Raises `BadgeRefused`."""
    learner = badge.assertion.learner
    if learner.user_id is None or learner.user_id != by.pk:
        raise BadgeRefused(_("Only the learner decides who may see a badge."))
    _set_public(badge, False, by)


def _set_public(badge: Badge, public: bool, by: Any) -> None:
    with transaction.atomic():
        if Badge.objects.filter(pk=badge.pk, is_public=not public).update(is_public=public):
            audit.record("badge.shown" if public else "badge.hidden", badge, by)
    badge.is_public = public


def examine(report: Report) -> list[Fault]:
    """Recomputes the digests of every badge (REL-18); names what was erased (REL-14)."""
    faults = []
    for badge in Badge.objects.order_by("pk").iterator(200):
        place = f"badge {badge.public_id}"
        if badge.content is None:
            report.erased.append(place)
        elif not badge.is_whole:
            faults.append(Fault(place, "Its bytes are not those that were issued."))
    return faults


def register() -> None:
    """Names the work that follows a release to the outbox."""
    outbox.sender(NOTICE)(_send)
