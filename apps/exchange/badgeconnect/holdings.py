"""What one access token may read over Badge Connect: asked of the database with scope, owner and choice (SEC-45).

Two things are there for a client: badges that this institution issued for the records that the learner chose, and
badges in the learner's wallet. Where the learner chose single records, of the wallet only what this client sent.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet, Value

from apps.exchange.doors import learner_of, sender_of
from apps.exchange.models import AccessToken
from apps.issuance.badges import badges_of
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import Badge
from apps.learners.models import Learner
from apps.standards.baking import png, svg
from apps.standards.errors import StandardsError
from apps.standards.ob2 import connect
from apps.wallet.models import Receipt, WalletItem, WalletItemQuerySet

ISSUED, KEPT = 0, 1
SOURCE = Receipt.Source.CLIENT
FORMAT = WalletItem.BADGE


class Held(NamedTuple):
    """One badge on a page: where it lies, when it last changed, its digest and what it is called in the log."""

    origin: int
    pk: int
    changed_at: datetime
    digest: str
    public_id: str

    @property
    def disclosed_as(self) -> tuple[str, str]:
        """Type and id for the disclosure log."""
        return ("issuance.badge" if self.origin == ISSUED else "wallet.walletitem", str(self.public_id))


class Page(NamedTuple):
    """A page of badges, last change first, and how many there are in all."""

    rows: list[Held]
    total: int


def page(token: AccessToken, *, limit: int, offset: int, since: datetime | None) -> Page:
    """Badges of the token's learner, by their last change and a key that never changes, counted together (B8)."""
    learner = learner_of(token)
    if learner is None:
        return Page([], 0)
    issued, kept = issued_badges(token, learner), wallet_badges(learner)
    if not token.consent.all_records:
        kept = kept.received_from(SOURCE, sender_of(token))
    kept = kept.exclude(digest__in=issued.order_by().values("jws_digest"))  # B8: sent back to us, still one badge
    if since is not None:
        issued, kept = issued.filter(changed_at__gt=since), kept.filter(changed_at__gt=since)
    together = _columns(issued, ISSUED, "jws_digest").union(_columns(kept, KEPT, "digest"), all=True)
    ordered = together.order_by("-changed_at", "origin", "-pk")
    rows = [
        Held(origin, pk, changed_at, digest, str(public_id))
        for origin, pk, changed_at, digest, public_id in ordered[offset : offset + limit]
    ]
    return Page(rows, issued.count() + kept.count())


def _columns(rows: QuerySet[Any], origin: int, digest: str) -> QuerySet[Any, Any]:
    named = rows.order_by().annotate(origin=Value(origin), held_digest=F(digest))
    return named.values_list("origin", "pk", "changed_at", "held_digest", "public_id")


def issued_badges(token: AccessToken, learner: Learner) -> QuerySet[Badge]:
    """The institution's standing badges of the records that this consent covers."""
    return badges_of(learner).filter(record__in=token.consent.records().order_by())


def wallet_badges(learner: Learner) -> WalletItemQuerySet:
    """The badges in a wallet that can be given on: the newest of each, genuine or not decided, expired ones too."""
    carried = Q(form__in=(WalletItem.Form.JSON, WalletItem.Form.JWS, WalletItem.Form.PNG, WalletItem.Form.SVG))
    own = WalletItem.objects.filter(carried | Q(shown_content__isnull=False), learner=learner)
    own = own.filter(format=FORMAT, kind="badge")
    judged = Q(state=WalletItem.State.STANDING) & ~Q(verdict=WalletItem.Verdict.INVALID)
    return own.filter(judged | Q(state=WalletItem.State.EXPIRED))


def contents(rows: Iterable[Held]) -> tuple[list[bytes], list[bytes]]:
    """The badges of a page as they are given: plain ones (JSON) and signed ones (compact JWS), in the page's order.

    Raises `DocumentDamaged` when stored bytes are not those that were stored (REL-16).
    """
    rows = list(rows)
    issued = {each.pk: each for each in Badge.objects.filter(pk__in=[row.pk for row in rows if row.origin == ISSUED])}
    kept = {each.pk: each for each in WalletItem.objects.filter(pk__in=[row.pk for row in rows if row.origin == KEPT])}
    plain: list[bytes] = []
    signed: list[bytes] = []
    for row in rows:
        if row.origin == ISSUED and row.pk in issued:
            signed.append(text_of_badge(issued[row.pk]))
        elif row.pk in kept and row.origin == KEPT and (text := text_of_item(kept[row.pk])) is not None:
            (plain if text.startswith(b"{") else signed).append(text)
    return plain, signed


def text_of_badge(badge: Badge) -> bytes:
    """A badge of the institution as it is given: signed, so that it counts wherever its page is private."""
    if not badge.is_whole or badge.jws is None:
        raise DocumentDamaged(f"The stored bytes of badge {badge.pk} are not those that were issued.")
    return bytes(badge.jws)


def text_of_item(item: WalletItem) -> bytes | None:
    """A badge of the wallet as it is given: what stands at its address, or the signed text; taken out of a picture.

    None where there is nothing that could be given on.
    """
    content = bytes(item.shown_content or item.content)
    try:
        if not item.shown_content and item.form == WalletItem.Form.PNG:
            content = png.extract(content).encode()
        elif not item.shown_content and item.form == WalletItem.Form.SVG:
            content = svg.extract(content).encode()
    except StandardsError:
        return None
    content = content.strip()
    if content.startswith(b"{"):
        return content if connect.is_unsigned(content) else None
    return content if content.count(b".") == 2 and not content.startswith(b"http") else None
