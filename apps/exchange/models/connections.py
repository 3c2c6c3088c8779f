"""What this portal holds of other providers: its registration there, and each learner's connection."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import Role, has_role
from apps.institution import keys
from apps.learners.models import Learner


class Provider(models.Model):
    """Another system that learners here have connected, and this portal's registration there (section 7.2, step 3).

    One row for a base address and the endpoints it names: were they to change, the secret would not follow them.
    """

    class Protocol(models.TextChoices):
        CLR1 = "clr1", _("learner records")
        BADGES = "badgeconnect", _("badges")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    protocol = models.CharField(_("protocol"), max_length=16, choices=Protocol, default=Protocol.CLR1)
    base = models.CharField(_("address"), max_length=2048)
    endpoints_digest = models.CharField(max_length=64)
    name = models.CharField(_("name"), max_length=255)
    authorization_url = models.CharField(max_length=2048)
    registration_url = models.CharField(max_length=2048)
    token_url = models.CharField(max_length=2048)
    revocation_url = models.CharField(max_length=2048, blank=True)
    issuer = models.CharField(max_length=2048, blank=True)
    sends_issuer = models.BooleanField(default=False)
    terms_url = models.CharField(max_length=2048, blank=True)
    privacy_url = models.CharField(max_length=2048, blank=True)
    way_back = models.CharField(max_length=64, unique=True, help_text=_("Last part of the redirect address (SEC-47)."))
    client_id = models.TextField(blank=True)
    client_secret_sealed = models.BinaryField(null=True)
    registered_scope = models.TextField(blank=True)
    secret_expires_at = models.DateTimeField(null=True)
    management_url = models.CharField(max_length=2048, blank=True)
    management_token_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_departure_at = models.DateTimeField(null=True, help_text=_("When somebody was last sent there for consent."))

    SEALED: ClassVar[tuple[str, ...]] = ("client_secret_sealed", "management_token_sealed")

    class Meta:
        ordering = ["name"]
        verbose_name = _("connected provider")
        verbose_name_plural = _("connected providers")
        constraints = [
            models.UniqueConstraint(fields=["protocol", "base", "endpoints_digest"], name="one_registration_a_provider")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_badges(self) -> bool:
        """Whether it is a host of badges, not of records."""
        return self.protocol == self.Protocol.BADGES

    @property
    def host(self) -> str:
        """Its host, as people read it."""
        return self.base.split("://", 1)[-1].split("/", 1)[0]

    @property
    def redirect_path(self) -> str:
        """The way back from consent, a path of this provider's own."""
        return f"/wallet/connections/return/{self.way_back}/"

    @property
    def redirect_uri(self) -> str:
        """The same as registered there."""
        return f"{settings.BASE_URL}{self.redirect_path}"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Questions about connections."""

    def of(self, user: Any) -> Self:
        """Those of the learner who is signed in; an office sees none of them here (intake has its own door)."""
        if not has_role(user, Role.LEARNER):
            return self.none()
        return self.filter(learner__user=user)

    def due(self, now: datetime) -> Self:
        """Those whose records should be looked at again."""
        return self.filter(
            Q(busy_until__isnull=True) | Q(busy_until__lt=now),
            state__in=[Connection.State.CONNECTED, Connection.State.DOWN],
            next_look_at__lte=now,
        )


class Connection(models.Model):
    """What a learner allowed this portal to do at a provider, and how that stands."""

    class State(models.TextChoices):
        CONNECTED = "connected", _("connected")
        CONSENT = "consent", _("needs consent again")
        DOWN = "down", _("provider down")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="connections")
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="connections")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CONNECTED)
    reason = models.TextField(blank=True, help_text=_("Why it is not simply connected, in words."))
    scope = models.TextField(blank=True)
    access_sealed = models.BinaryField(null=True)
    refresh_sealed = models.BinaryField(null=True)
    access_ends_at = models.DateTimeField(null=True)
    seen_until = models.DateTimeField(null=True, help_text=_("The provider's records were all read up to here."))
    reading_since = models.DateTimeField(null=True, help_text=_("When the reading that is under way began."))
    resume = models.TextField(blank=True, help_text=_("The page at which the reading that is under way goes on."))
    looked_at = models.DateTimeField(_("last looked at"), null=True)
    next_look_at = models.DateTimeField(default=timezone.now)
    failures = models.PositiveSmallIntegerField(default=0)
    busy_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    sends_new_since = models.DateTimeField(
        null=True, help_text=_("Since when badges earned here are sent there by themselves, if the learner wants it.")
    )
    created_at = models.DateTimeField(_("connected on"), default=timezone.now)

    SEALED: ClassVar[tuple[str, ...]] = ("access_sealed", "refresh_sealed")
    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [models.UniqueConstraint(fields=["provider", "learner"], name="one_connection_a_provider")]
        indexes = [models.Index(fields=["next_look_at"], name="connection_due")]

    def __str__(self) -> str:
        return str(self.provider)

    @property
    def scopes(self) -> frozenset[str]:
        """What the learner agreed to."""
        return frozenset(self.scope.split())


class SendingQuerySet(models.QuerySet["Sending"]):
    """Questions about what was sent."""

    def due(self, now: datetime) -> Self:
        """What is to be sent, or tried again, by now."""
        return self.filter(state=Sending.State.QUEUED, due_at__lte=now)


class Sending(models.Model):
    """That one badge goes to one connected host: what became of it, and when it is tried again (BC-C-12, C-14)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("not taken")
        FAILED = "failed", _("could not be sent")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="sendings")
    object_type = models.CharField(max_length=64)
    object_id = models.UUIDField()
    title = models.TextField(_("badge"), blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    reason = models.TextField(blank=True, help_text=_("Why it was not sent, in words."))
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = SendingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        constraints = [
            models.UniqueConstraint(fields=["connection", "object_type", "object_id"], name="badge_once_a_connection")
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="sending_due")]

    def __str__(self) -> str:
        return self.title


class IntakeRequest(models.Model):
    """An office asks a learner for records from elsewhere; it sees nothing unless the learner agrees."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        AGREED = "agreed", _("agreed")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn by the learner")
        CANCELLED = "cancelled", _("cancelled by the office")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="intake_requests", verbose_name=_("learner"))
    purpose = models.CharField(_("what for"), max_length=255)
    provider_address = models.CharField(_("provider, if it is known"), max_length=2048, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    connection = models.ForeignKey(Connection, models.SET_NULL, null=True, related_name="intake_requests")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked on"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered on"), null=True)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name = _("request for records")
        verbose_name_plural = _("requests for records")

    def __str__(self) -> str:
        return self.purpose


# --- Secrets (SEC-47: encrypted at rest) ---------------------------------------------------------


def keep_secret(row: "Provider | Connection", field: str, secret: str) -> None:
    """Puts a secret into a sealed field of a row, bound to both; empty: there is none. Does not save."""
    sealed = keys.seal(secret.encode(), purpose=field, subject=row.public_id) if secret else None
    setattr(row, field, sealed)


def open_secret(row: "Provider | Connection", field: str) -> str:
    """The secret in a sealed field; empty where there is none. Raises ``keys.KekUnavailable``."""
    sealed = getattr(row, field)
    return keys.unseal(bytes(sealed), purpose=field, subject=row.public_id).decode() if sealed else ""


def seal_again() -> None:
    """Encrypts every secret of these tables anew, when the key-encryption key is renewed."""
    for table in (Provider, Connection):
        for row in table._default_manager.select_for_update().order_by("pk"):
            for field in row.SEALED:
                keep_secret(row, field, open_secret(row, field))
            row.save(update_fields=list(row.SEALED))


if seal_again not in keys.ON_REWRAP:
    keys.ON_REWRAP.append(seal_again)
