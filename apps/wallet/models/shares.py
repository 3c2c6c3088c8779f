"""What a learner shows to others by a link: content fixed when it was made, how long, to whom, and who looked."""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.issuance.models import Badge, Record
from apps.learners.models import Learner
from apps.wallet.models.items import WalletItem


def digest_of(token: str) -> str:
    """What is stored of a link's token (SEC-43)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class ShareQuerySet(models.QuerySet["Share"]):
    """The questions asked of shares."""

    def visible_to(self, user: Any) -> Self:
        """One's own and nobody else's (reliability, section 7; SEC-50)."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.filter(learner__user=user)

    def open(self, now: datetime) -> Self:
        """Those whose link still shows something."""
        within = Q(most_views__isnull=True) | Q(views__lt=F("most_views"))
        return self.filter(within, withdrawn_at=None, expires_at__gt=now)


class Share(models.Model):
    """One link with chosen content. Nothing of it changes but how often it was used, and that it was taken back."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        WITHDRAWN = "withdrawn", _("taken back")
        EXPIRED = "expired", _("expired")
        USED_UP = "used-up", _("seen as often as you allowed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="shares", verbose_name=_("learner"))
    token_digest = models.CharField(max_length=64, unique=True, help_text=_("SHA-256 of the token in the link."))
    nonce = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  of the form; none: made otherwise
    shared_by = models.TextField(_("shared by"), help_text=_("The learner's name as it was then."))
    recipient = models.CharField(_("for whom"), max_length=255)
    purpose = models.CharField(_("what for"), max_length=255)
    message = models.TextField(_("note"), blank=True)
    email = models.EmailField(_("sent to"), blank=True)
    passcode = models.CharField(max_length=255, blank=True, help_text=_("A slow hash of it (SEC-43)."))
    tries = models.PositiveIntegerField(default=0, help_text=_("Wrong passcodes in a row."))
    next_try_at = models.DateTimeField(null=True)
    most_views = models.PositiveIntegerField(_("views allowed"), null=True)
    views = models.PositiveIntegerField(_("views"), default=0)
    receipt: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    receipt_signature = models.TextField(blank=True, help_text=_("Compact JWS of the institution over its digest."))
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("until"))
    withdrawn_at = models.DateTimeField(_("taken back"), null=True)

    objects: ClassVar[ShareQuerySet] = ShareQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="share_ends_after_it_began"),
            models.CheckConstraint(
                condition=Q(most_views__isnull=True) | Q(views__lte=F("most_views")), name="share_seen_within_limit"
            ),
        ]

    def __str__(self) -> str:
        return self.recipient

    @property
    def token(self) -> str:
        """The secret of the link: 256 bits that only this portal's secret key gives (docs/decisions/0060)."""
        key = hashlib.sha256(b"wallet.sharing\n" + settings.SECRET_KEY.encode()).digest()
        secret = hmac.new(key, self.public_id.bytes, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(secret).decode().rstrip("=")

    @property
    def link(self) -> str:
        """The address to hand on; absolute from the settings only (SEC-58)."""
        return f"{settings.BASE_URL}/r/{self.token}/"

    @property
    def state(self) -> "Share.State":
        """What the link does now."""
        if self.withdrawn_at is not None:
            return self.State.WITHDRAWN
        if self.expires_at <= timezone.now():
            return self.State.EXPIRED
        if self.most_views is not None and self.views >= self.most_views:
            return self.State.USED_UP
        return self.State.OPEN


class ShareItem(models.Model):
    """One thing that a share shows: the very bytes of the moment it was made, and where they came from."""

    share = models.ForeignKey(Share, models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    record = models.ForeignKey(Record, models.PROTECT, null=True, related_name="+")
    item = models.ForeignKey(WalletItem, models.CASCADE, null=True, related_name="+")
    badge = models.ForeignKey(Badge, models.PROTECT, null=True, related_name="+")
    title = models.TextField(_("title"), blank=True)
    content = models.BinaryField(null=True, help_text=_("What is shown and given out; gone when it was erased."))
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the content."))
    media_type = models.CharField(max_length=64)

    class Meta:
        ordering = ["position"]
        verbose_name = _("shared item")
        verbose_name_plural = _("shared items")
        constraints = [
            models.UniqueConstraint(fields=["share", "position"], name="one_item_a_place"),
            models.CheckConstraint(
                condition=(
                    Q(record__isnull=False, item__isnull=True, badge__isnull=True)
                    | Q(record__isnull=True, item__isnull=False, badge__isnull=True)
                    | Q(record__isnull=True, item__isnull=True, badge__isnull=False)
                ),
                name="share_shows_exactly_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.pk)

    @property
    def origin(self) -> Record | WalletItem | Badge:
        """What it is a copy of."""
        found = self.record or self.item or self.badge
        assert found is not None
        return found


class ShareView(models.Model):
    """That somebody used a link: when, how, and on what kind of device, no closer than that."""

    class How(models.TextChoices):
        PAGE = "page", _("looked at the page")
        FILE = "file", _("downloaded")
        CHECK = "check", _("checked by a verifier")

    share = models.ForeignKey(Share, models.CASCADE, related_name="looks")
    at = models.DateTimeField(default=timezone.now)
    how = models.CharField(max_length=8, choices=How)
    device = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("view")
        verbose_name_plural = _("views")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.how}"


class DataExport(models.Model):
    """A file with everything of one learner, made when they asked; its time is short."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="exports")
    digest = models.CharField(max_length=64, blank=True, help_text=_("Of the file in the store; empty until made."))
    size = models.PositiveBigIntegerField(default=0)
    failed = models.BooleanField(default=False)
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name = _("copy of one's data")
        verbose_name_plural = _("copies of one's data")

    def __str__(self) -> str:
        return str(self.public_id)
