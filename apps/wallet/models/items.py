"""What a learner gathered: documents of any standard, as they came, with what was found about each."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.learners.models import Learner

MEDIA_TYPES = {
    "jws": "application/jose",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}
"""Of the forms in which a document comes; every other is plain text."""


class WalletItemQuerySet(models.QuerySet["WalletItem"]):
    """The questions asked of what is in wallets."""

    def visible_to(self, user: Any) -> Self:
        """One's own and nobody else's (reliability, section 7; SEC-50), without what was deleted."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.filter(learner__user=user).kept()

    def kept(self) -> Self:
        """What is there: everything but what its owner, or who sent it, took away."""
        return self.exclude(state=WalletItem.State.DELETED)

    def standing(self) -> Self:
        """What counts now: the newest version of each, neither revoked nor expired nor deleted."""
        return self.filter(state=WalletItem.State.STANDING)

    def clr1_records(self) -> Self:
        """Records of CLR 1.0 that came as JSON or as a compact JWS: what the CLR 1.0 API can give on as it came."""
        return self.filter(
            format=WalletItem.CLR1, kind=WalletItem.RECORD, form__in=(WalletItem.Form.JSON, WalletItem.Form.JWS)
        )

    def received_from(self, source: str, sender: str) -> Self:
        """What this sender sent, whoever else did."""
        return self.filter(pk__in=Receipt.objects.filter(source=source, sender=sender).values("item"))

    def newest_first(self) -> Self:
        """By date of issue, undated ones last."""
        return self.order_by(models.F("issued_on").desc(nulls_last=True), "-received_at", "-pk")


class WalletItem(models.Model):
    """One document in a learner's wallet, byte for byte as received, with the verdict on it.

    The same bytes are kept once a learner. A newer version of the same document becomes its successor
    (`replaces`), and the older one stays as history. Of a deleted item nothing is left but the digest, so that a
    connection does not bring it back.
    """

    class State(models.TextChoices):
        STANDING = "standing", _("standing")
        SUPERSEDED = "superseded", _("replaced by a newer version")
        REVOKED = "revoked", _("revoked by its issuer")
        EXPIRED = "expired", _("expired")
        DELETED = "deleted", _("deleted")

    class Verdict(models.TextChoices):
        VALID = "valid", _("genuine")
        INVALID = "invalid", _("not genuine")
        UNDECIDED = "undecided", _("not decided")

    class Form(models.TextChoices):
        JSON = "json", _("JSON")
        JWS = "jws", _("signed text")
        PNG = "png", _("picture (PNG)")
        SVG = "svg", _("picture (SVG)")
        PDF = "pdf", _("PDF")
        ADDRESS = "address", _("address")
        OTHER = "other", _("other")

    CLR1 = "clr-1.0"
    BADGE = "ob-2.0"
    RECORD = "record"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="wallet_items", verbose_name=_("learner"))

    content = models.BinaryField(help_text=_("As received, byte for byte; empty when deleted."))
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of what was received."))
    size = models.PositiveIntegerField()
    form = models.CharField(_("came as"), max_length=8, choices=Form)
    shown_content = models.BinaryField(
        null=True, help_text=_("What stands at its address, where that is not what was received: only this was judged.")
    )

    format = models.CharField(_("standard"), max_length=16, help_text=_("As the verifier names it: clr-1.0, ob-3.0 …"))
    kind = models.CharField(_("kind"), max_length=32, blank=True)
    document_id = models.TextField(_("id"), blank=True)
    version_key = models.CharField(
        max_length=64, blank=True, help_text=_("Digest of id and issuer's id: equal for all versions of one document.")
    )
    title = models.TextField(_("title"), blank=True)
    issuer_id = models.TextField(_("issuer's id"), blank=True)
    issuer_name = models.TextField(_("issuer"), blank=True)
    learner_name = models.TextField(_("made out to"), blank=True)
    issued_on = models.DateTimeField(_("issued"), null=True)
    expires = models.DateTimeField(_("expires"), null=True)

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.STANDING)
    replaces = models.OneToOneField(
        "self", models.SET_NULL, null=True, related_name="replaced_by", verbose_name=_("earlier version")
    )
    verdict = models.CharField(_("verdict"), max_length=9, choices=Verdict)
    report: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text=_("The verification in the form of `manage.py verify --json`.")
    )
    checked_at = models.DateTimeField(_("checked"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    changed_at = models.DateTimeField(
        default=timezone.now, help_text=_("When it was received, replaced, deleted, or its state or verdict changed.")
    )

    objects: ClassVar[WalletItemQuerySet] = WalletItemQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-received_at", "-pk"]
        verbose_name = _("item of a wallet")
        verbose_name_plural = _("items of wallets")
        constraints = [
            models.UniqueConstraint(fields=["learner", "digest"], name="document_once_a_wallet"),
            models.CheckConstraint(condition=~Q(replaces=models.F("pk")), name="item_does_not_replace_itself"),
        ]
        indexes = [
            models.Index(fields=["learner", "state", "-issued_on"], name="wallet_of_a_learner"),
            models.Index(fields=["learner", "version_key"], name="wallet_versions"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.public_id)

    @property
    def judged(self) -> tuple[bytes, str]:
        """The bytes that the verdict is about, and their media type.

        Where another text stands at its address, only that one was judged; an address alone shows nothing by itself.
        """
        if self.shown_content is not None:
            return bytes(self.shown_content), MEDIA_TYPES[self.Form.JSON]
        return bytes(self.content), MEDIA_TYPES.get(self.form, "text/plain")

    @property
    def is_signed(self) -> bool:
        """Whether it came as a signed text."""
        return self.form == self.Form.JWS

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired by this moment, checked since or not."""
        return self.expires is not None and self.expires < now


class Receipt(models.Model):
    """That an item came from somewhere: a client with a token, a connected provider, an upload. One a sender."""

    class Source(models.TextChoices):
        CLIENT = "client", _("an app you connected")
        CONNECTION = "connection", _("a provider you connected")
        UPLOAD = "upload", _("an upload")

    item = models.ForeignKey(WalletItem, models.CASCADE, related_name="receipts")
    source = models.CharField(_("source"), max_length=10, choices=Source)
    sender = models.CharField(
        _("sender"), max_length=255, blank=True, help_text=_("Id of the client or connection; empty for an upload.")
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [models.UniqueConstraint(fields=["item", "source", "sender"], name="receipt_once_a_sender")]
        indexes = [models.Index(fields=["source", "sender", "item"], name="receipts_of_a_sender")]

    def __str__(self) -> str:
        return f"{self.source} {self.sender}".strip()
