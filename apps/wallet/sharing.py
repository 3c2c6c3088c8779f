"""Sharing by a link: what is chosen is copied when the link is made; who has the link sees that and nothing else.

A signed record cannot be cut without breaking its signature. So a learner shows a whole record, or some of what it
holds as Open Badges, each signed by itself (PRIV-07). A link ends by its date, by its number of views, or at once when
it is taken back; whoever uses it then is told so in one sentence (SEC-52).
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.achievements.models import Assertion
from apps.institution import audit, disclosures, keys, profiles
from apps.issuance import badges, documents, showing
from apps.issuance.models import Badge, Record
from apps.jobs import outbox
from apps.learners.models import Learner
from apps.standards.verify.sources import Fetched
from apps.verification.codes import own_hosts
from apps.verification.showing import host_of
from apps.wallet import receipts
from apps.wallet.models import Share, ShareItem, ShareView, WalletItem
from apps.wallet.models.items import MEDIA_TYPES
from apps.wallet.models.shares import digest_of

DEFAULT_DAYS = 90
MOST_DAYS = 731
MOST_ITEMS = 100
MOST_VIEWS = 10_000
FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(days=1)
LETTER = "share-link"
Chosen = Record | WalletItem | Badge


class ShareRefused(Exception):
    """There can be no such share; the text tells the learner why."""


class ShareOver(Exception):
    """The link shows nothing any more; the text says why in one sentence (410)."""


class PasscodeWrong(Exception):
    """This is not the passcode."""


class PasscodeLater(Exception):
    """Too many wrong passcodes; `seconds` says when the next try is taken."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Terms:
    """How something is shared. `days` 1 to 731, `most_views` None or 1 to 10,000, an empty `passcode` asks for none."""

    recipient: str
    purpose: str
    days: int = DEFAULT_DAYS
    message: str = ""
    passcode: str = ""
    most_views: int | None = None
    email: str = ""


# --- Making -----------------------------------------------------------------------------------


def badges_for(record: Record, assertions: Sequence[Assertion], *, by: Any) -> list[Badge]:
    """What is chosen of a record, each as a badge with a signature of its own. Raises `ShareRefused`."""
    try:
        return [badges.make(record, each, by=by) for each in assertions]
    except badges.BadgeRefused as refusal:
        raise ShareRefused(str(refusal)) from refusal
    except documents.DocumentUnavailable as fault:
        raise ShareRefused(_("This record cannot be read just now, so nothing of it was shared.")) from fault


def entries_of(record: Record) -> list[Assertion]:
    """What of a record can be shown by itself, in the order of the record: what is ours and not revoked."""
    try:
        ids = [entry.id for entry in showing.view_of(record).entries]
    except documents.DocumentUnavailable:
        return []
    before = profiles.object_address(keys.public_base(), "assertions", "")
    names = [id.removeprefix(before) for id in ids if id.startswith(before)]
    known = Assertion.objects.select_related("achievement__issuer", "learner").filter(
        public_id__in=names, learner=record.learner_id, revocation=None
    )
    by_name = {str(each.public_id): each for each in known}
    return [by_name[name] for name in names if name in by_name]


def prepare(chosen: Sequence[Chosen]) -> list[ShareItem]:
    """What a link with this content would show, not stored. Raises `ShareRefused`."""
    if not chosen:
        raise ShareRefused(_("Choose at least one thing to share."))
    if len(chosen) > MOST_ITEMS:
        raise ShareRefused(_("One link shows at most %(most)d things. Choose fewer.") % {"most": MOST_ITEMS})
    return [_item(position, each) for position, each in enumerate(chosen, start=1)]


def _item(position: int, chosen: Chosen) -> ShareItem:
    item = ShareItem(position=position, title=title_of(chosen))
    if isinstance(chosen, Record):
        if chosen.state not in {Record.State.ISSUED, Record.State.SUPERSEDED}:
            raise ShareRefused(_("A record that was revoked cannot be shared."))
        try:
            content, item.media_type = documents.jws(chosen), MEDIA_TYPES["jws"]
        except documents.DocumentUnavailable as fault:
            raise ShareRefused(_("This record cannot be read just now, so nothing of it was shared.")) from fault
        item.record = chosen
    elif isinstance(chosen, Badge):
        if not chosen.is_standing or not chosen.is_whole or chosen.jws is None:
            raise ShareRefused(_("This badge does not hold any more."))
        content, item.media_type = bytes(chosen.jws), MEDIA_TYPES["jws"]
        item.badge = chosen
    else:
        if chosen.state == WalletItem.State.DELETED:
            raise ShareRefused(_("This was deleted from your wallet."))
        content, item.media_type = chosen.judged
        item.item = chosen
    item.content, item.digest = content, hashlib.sha256(content).hexdigest()
    return item


def title_of(chosen: Chosen) -> str:
    """What a thing is called in lists of what is shared."""
    if isinstance(chosen, Record):
        return (chosen.snapshot.title if chosen.snapshot else "") or _("Comprehensive learner record")
    if isinstance(chosen, Badge):
        return chosen.assertion.achievement.name
    return chosen.title or _("Untitled")


def share(learner: Learner, chosen: Sequence[Chosen], terms: Terms, *, by: Any, nonce: str | None = None) -> Share:
    """Makes a link; the same nonce gives the same one (REL-10). Raises `ShareRefused`.

    The content is copied now. A receipt of the consent is stored with it and signed in the background (PRIV-02).
    """
    if learner.user_id is None or learner.user_id != by.pk:
        raise ShareRefused(_("Only the learner shares records."))
    if nonce and (known := Share.objects.filter(nonce=nonce, learner=learner).first()):
        return known
    if any(_learner_of(each) != learner.pk for each in chosen):
        raise ShareRefused(_("Only what is your own can be shared."))
    if not terms.recipient.strip() or not terms.purpose.strip():
        raise ShareRefused(_("Say for whom the link is, and what for."))
    if not 1 <= terms.days <= MOST_DAYS:
        raise ShareRefused(_("A link lasts from one day to two years."))
    if terms.most_views is not None and not 1 <= terms.most_views <= MOST_VIEWS:
        raise ShareRefused(_("A link is looked at between once and ten thousand times."))
    items = prepare(chosen)
    made = drafted(learner, terms)
    made.nonce = nonce
    made.passcode = make_password(terms.passcode) if terms.passcode else ""
    made.token_digest = digest_of(made.token)
    made.receipt = receipts.receipt_of(made, items, by=by)
    try:
        with transaction.atomic():
            made.save()
            for each in items:
                each.share = made
            ShareItem.objects.bulk_create(items)
            audit.record("share.made", made, by, items=[each.digest for each in items], receipt=receipts.digest(made))
            if terms.email:
                outbox.put(LETTER, made.public_id, learner.public_id)
            receipts.ask_for_signature(made)
    except IntegrityError:
        if nonce and (known := Share.objects.filter(nonce=nonce, learner=learner).first()):
            return known
        raise
    return made


def drafted(learner: Learner, terms: Terms) -> Share:
    """A link as it would be, not stored: for a look at it before, and to make it."""
    now = timezone.now()
    return Share(
        learner=learner,
        shared_by=learner.name,
        recipient=terms.recipient.strip()[:255],
        purpose=terms.purpose.strip()[:255],
        message=terms.message.strip(),
        email=terms.email,
        most_views=terms.most_views,
        created_at=now,
        expires_at=now + timedelta(days=terms.days),
    )


def _learner_of(chosen: Chosen) -> int:
    return chosen.assertion.learner_id if isinstance(chosen, Badge) else chosen.learner_id


def withdraw(share: Share, *, by: Any) -> bool:
    """Takes a link back, at once; whether it still stood."""
    with transaction.atomic():
        now = timezone.now()
        changed = Share.objects.filter(pk=share.pk, withdrawn_at=None).update(withdrawn_at=now)
        if changed:
            audit.record("share.withdrawn", share, by)
            share.withdrawn_at = now
    return bool(changed)


# --- Using a link -----------------------------------------------------------------------------


def find(token: str) -> Share | None:
    """The share of a link's token, open or not; None when no link ever had it."""
    return Share.objects.select_related("learner").filter(token_digest=digest_of(token)).first()


def check_open(share: Share, *, is_looking: bool = False) -> None:
    """Raises `ShareOver` when the link shows nothing any more; `is_looking`: the last allowed view goes on."""
    state = share.state
    if state == Share.State.WITHDRAWN:
        raise ShareOver(_("The person who shared this has taken it back."))
    if state == Share.State.EXPIRED:
        raise ShareOver(_("This link has expired; ask the person who gave it to you for a new one."))
    if state == Share.State.USED_UP and not is_looking:
        raise ShareOver(_("This link was used as often as it may be; ask the person who gave it to you for a new one."))


def try_passcode(share: Share, text: str, *, now: datetime | None = None) -> None:
    """Tries a passcode. Raises `PasscodeWrong`, or `PasscodeLater` without trying (SEC-52, F34).

    Each try is counted before anything is compared, so that tries at once are counted as tries one after the other;
    after five wrong ones each further one waits twice as long as the one before.
    """
    while True:
        moment = now or timezone.now()
        fresh = Share.objects.only("tries", "next_try_at", "passcode").get(pk=share.pk)
        if fresh.next_try_at is not None and fresh.next_try_at > moment:
            raise PasscodeLater(max(1, round((fresh.next_try_at - moment).total_seconds())))
        tries = fresh.tries + 1
        over = tries - FREE_TRIES
        wait = min(FIRST_WAIT * 2 ** min(over, 20), LONGEST_WAIT) if over >= 0 else None
        mine = Share.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=moment), pk=share.pk, tries=fresh.tries)
        if mine.update(tries=tries, next_try_at=moment + wait if wait else None):
            break
    if len(text) > 256 or not check_password(text, fresh.passcode):
        raise PasscodeWrong
    Share.objects.filter(pk=share.pk).update(tries=0, next_try_at=None)


def look(share: Share, *, how: str, device: str, items: Sequence[ShareItem], counts: bool = True) -> None:
    """Counts a view and notes the disclosure of these items (PRIV-01). Raises `ShareOver`, then nothing was shown.

    Counted by one statement that asks for all that must hold, so that of two at once only as many see it as may.
    """
    now = timezone.now()
    with transaction.atomic():
        if counts:
            if not Share.objects.open(now).filter(pk=share.pk).update(views=F("views") + 1):
                share.refresh_from_db()
                check_open(share)
                raise ShareOver(_("This link shows nothing any more."))
        elif not Share.objects.filter(pk=share.pk, withdrawn_at=None, expires_at__gt=now).exists():
            share.refresh_from_db()
            check_open(share, is_looking=True)
        ShareView.objects.create(share=share, how=how, device=device)
        for each in items:
            origin = each.origin
            disclosures.note(
                share.learner.public_id,
                origin,
                origin.public_id,
                recipient=share.recipient,
                purpose=share.purpose,
                basis=f"34 CFR 99.30, share {share.public_id}",
            )


def items_of(share: Share) -> list[ShareItem]:
    """What the link shows, in order: bytes as they were copied, without what was deleted or erased since."""
    found = share.items.select_related("record__learner", "record__snapshot", "item", "badge__assertion__achievement")
    return [each for each in found if not is_gone(each)]


def is_gone(item: ShareItem) -> bool:
    """Whether what it was copied from was deleted or erased, or the copy is not whole (REL-16)."""
    if item.content is None or hashlib.sha256(bytes(item.content)).hexdigest() != item.digest:
        return True
    if item.badge is not None:
        return item.badge.jws is None
    return item.item is not None and item.item.state == WalletItem.State.DELETED


def pdf_of(item: ShareItem) -> bytes | None:
    """The PDF of a shared record with exactly the shared bytes inside; None where there is none to give.

    Raises `documents.DocumentUnavailable`.
    """
    if item.record is None:
        return bytes(item.content or b"") if item.media_type == "application/pdf" else None
    if documents.document_of(item.record).digest != item.digest:
        return None
    return documents.pdf(item.record)


# --- Who looks --------------------------------------------------------------------------------

_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|facebot|whatsapp|telegram|slack|discord|skype|linkedin"
    r"|embedly|pinterest|vkshare|mastodon|bluesky|signal|teams|outlook|validator|headless-link|mailchecker|safelinks",
    re.IGNORECASE,
)
_BROWSERS = ("Edg", "Firefox", "Chrome", "Safari")


def is_robot(user_agent: str, purpose: str = "") -> bool:
    """Whether this is a program that fetches links for a preview, or a browser that fetches ahead: not a viewer."""
    return bool(_ROBOTS.search(user_agent)) or "prefetch" in purpose.lower() or "preview" in purpose.lower()


def device_of(user_agent: str) -> str:
    """The kind of device, no closer than the learner needs to recognise a view."""
    if "Mozilla" not in user_agent:
        return "program"
    kind = "computer"
    if re.search(r"iPad|Tablet", user_agent):
        kind = "tablet"
    elif re.search(r"Mobi|iPhone|Android", user_agent):
        kind = "phone"
    browser = next((name for name in _BROWSERS if name in user_agent), "")
    return f"{kind}, {'Edge' if browser == 'Edg' else browser}".strip(", ")


# --- For the verifier -------------------------------------------------------------------------

_ADDRESS = re.compile(r"/r/([A-Za-z0-9_-]{43})/?")


def served(url: str) -> Fetched | None:
    """What the verifier finds at the address of one of our links; None for other addresses (SEC-09).

    A link to one thing gives its bytes, and the view is counted and noted like any other. One with a passcode, or
    with several things, has to be opened by a person: 403.
    """
    try:
        found = _ADDRESS.fullmatch(urlsplit(url).path)
    except ValueError:
        return None
    if found is None or host_of(url) not in own_hosts():
        return None
    shared = find(found[1])
    if shared is None:
        return Fetched(404, "text/plain", b"", url)
    items = items_of(shared)
    if shared.passcode or len(items) != 1:
        return Fetched(403 if shared.state == Share.State.OPEN else 410, "text/plain", b"", url)
    try:
        look(shared, how=ShareView.How.CHECK, device="verifier", items=items)
    except ShareOver:
        return Fetched(410, "text/plain", b"", url)
    return Fetched(200, items[0].media_type, bytes(items[0].content or b""), url)


def new_nonce() -> str:
    """For the form that makes a link, so that pressing twice makes one."""
    return secrets.token_urlsafe(24)
