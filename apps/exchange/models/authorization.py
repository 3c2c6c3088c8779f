"""Who may do what here for whom: registered clients, consents of learners, and the tokens that came of them.

The tables of django-oauth-toolkit, swapped from the start and without the columns of flows that are not offered.
No token, code or secret stands in them: codes and tokens as SHA-256, secrets by the slow password hash (SEC-43).
"""

import secrets
import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractAccessToken, AbstractApplication, AbstractGrant, AbstractRefreshToken

from apps.issuance.models import Record, RecordQuerySet

USER = settings.AUTH_USER_MODEL
IDLE = timedelta(days=90)
"""How long a refresh token may lie unused (SEC-44)."""
ABSOLUTE = timedelta(days=365)
"""How long tokens may be refreshed after one consent (SEC-44)."""
UNUSED = timedelta(days=90)
"""How long a registration that was never used is kept (SEC-46)."""


def new_client_id() -> str:
    """The id of a client: 128 random bits that need no encoding in a Basic header."""
    return secrets.token_hex(16)


def new_client_secret() -> str:
    """The secret of a client: 256 random bits, characters that need no encoding in a Basic header (SEC-43)."""
    return secrets.token_hex(32)


class ClientQuerySet(models.QuerySet["Client"]):
    """The questions asked of clients."""

    def unused(self) -> Self:
        """Registrations that never led to a token, older than 90 days (SEC-46)."""
        return self.filter(last_used_at=None, created__lt=timezone.now() - UNUSED)


class Client(AbstractApplication):
    """A program that registered itself (RFC 7591); what it says of itself was checked by nobody but its host's name."""

    user = None
    post_logout_redirect_uris = None
    allowed_origins = None
    algorithm = None
    skip_authorization = None
    cimd_expires_at = None

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client_id = models.CharField(_("client id"), max_length=64, unique=True, default=new_client_id, editable=False)
    name = models.CharField(_("name"), max_length=2048, help_text=_("What it calls itself."))
    host = models.CharField(_("host"), max_length=260, help_text=_("The one host of all its addresses (SEC-46)."))
    client_uri = models.CharField(_("page"), max_length=2048)
    logo_uri = models.CharField(_("logo"), max_length=2048)
    tos_uri = models.CharField(_("terms"), max_length=2048)
    policy_uri = models.CharField(_("privacy policy"), max_length=2048)
    software_id = models.CharField(_("software"), max_length=2048)
    software_version = models.CharField(_("version of the software"), max_length=2048)
    scope = models.TextField(_("scopes"), help_text=_("What it may ask for, separated by blanks."))
    may_refresh = models.BooleanField(_("may refresh"), default=False)
    registration_token_digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the token of RFC 7592.")
    )
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text=_("Grows when it says something new of itself that learners must see.")
    )
    logo_digest = models.CharField(max_length=64, blank=True, editable=False, help_text=_("Of the picture drawn anew."))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects: ClassVar[Any] = ClientQuerySet.as_manager()

    class Meta(AbstractApplication.Meta):
        ordering = ["-created"]
        verbose_name = _("connected system")
        verbose_name_plural = _("connected systems")

    def __str__(self) -> str:
        return str(self.host)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether this very text was registered (SEC-41): no normal form, no port or loopback exception."""
        return uri in self.redirect_uris.split()

    def get_allowed_schemes(self) -> list[str]:
        """https, and http for a host that the operator excepted (SEC-10)."""
        return sorted({"https", *(urlsplit(uri).scheme for uri in self.redirect_uris.split())})

    def origin_allowed(self, origin: str) -> bool:
        """No: the OAuth endpoints answer no other origin (SEC-57)."""
        return False

    @property
    def scopes(self) -> list[str]:
        """What it may ask for."""
        return list(self.scope.split())


class ConsentQuerySet(models.QuerySet["ClientConsent"]):
    """The questions asked of consents."""

    def active(self) -> Self:
        """Consents that hold: not withdrawn, the client is still registered, the person may still sign in."""
        return self.filter(withdrawn_at=None, client__isnull=False, user__is_active=True)


class ClientConsent(models.Model):
    """What one learner let one client do, and with which records (SEC-48, PRIV-02); never changed but to end it."""

    class Ended(models.TextChoices):
        WITHDRAWN = "withdrawn", _("withdrawn by the learner")
        RETURNED = "returned", _("given back by the app")
        PASSWORD = "password", _("ended with a change of password")
        REMOVED = "removed", _("the app was removed")
        MISUSED = "misused", _("ended for safety: a code or token was used twice")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(USER, models.CASCADE, related_name="consents", verbose_name=_("person"))
    client = models.ForeignKey(Client, models.SET_NULL, null=True, related_name="consents", verbose_name=_("client"))
    client_name = models.CharField(_("name as it was shown"), max_length=2048)
    client_host = models.CharField(_("host as it was shown"), max_length=260)
    client_version = models.PositiveIntegerField(default=1)
    scope = models.TextField(_("scopes"))
    all_records = models.BooleanField(_("all records"), default=False, help_text=_("Those issued later too."))
    chosen_records = models.ManyToManyField(Record, blank=True, related_name="+", verbose_name=_("records"))
    receipt: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    granted_at = models.DateTimeField(_("given"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    withdrawn_at = models.DateTimeField(_("ended"), null=True)
    ended_how = models.CharField(_("how it ended"), max_length=10, choices=Ended, blank=True)

    objects: ClassVar[ConsentQuerySet] = ConsentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-granted_at"]
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["user", "client"])]

    def __str__(self) -> str:
        return self.client_host

    @property
    def is_active(self) -> bool:
        """Whether it holds now; loads client and person when they are not at hand."""
        return self.withdrawn_at is None and self.client is not None and self.user.is_active

    @property
    def scopes(self) -> list[str]:
        """What was allowed."""
        return self.scope.split()

    def records(self) -> RecordQuerySet:
        """The records that it covers: issued ones of this person, superseded and revoked ones included.

        With `all_records` those issued later too, else exactly the chosen ones (SEC-45: the query itself asks).
        """
        own = Record.objects.published().filter(learner__user=self.user_id)
        if self.all_records:
            return own
        return own.filter(pk__in=self.chosen_records.through.objects.filter(clientconsent=self).values("record"))

    def covers(self, record: Record) -> bool:
        """Whether this record is among them."""
        return self.records().filter(pk=record.pk).exists()


class Grant(AbstractGrant):
    """An authorization code, kept as its digest, used once under a lock (SEC-40)."""

    nonce = None
    claims = None
    resource = None

    user = models.ForeignKey(USER, models.CASCADE, related_name="+")
    consent = models.ForeignKey(ClientConsent, models.CASCADE, related_name="+")
    family = models.UUIDField(default=uuid.uuid4, editable=False, help_text=_("Of the tokens that come of it."))
    used_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Grant"]] = models.Manager()

    class Meta(AbstractGrant.Meta):
        pass


class AccessToken(AbstractAccessToken):
    """A bearer token of at most an hour; the row has its SHA-256 alone."""

    source_refresh_token = None
    id_token = None
    resource = None

    user = models.ForeignKey(USER, models.CASCADE, related_name="+")
    consent = models.ForeignKey(ClientConsent, models.CASCADE, related_name="+")
    family = models.UUIDField(default=uuid.uuid4, editable=False, db_index=True)

    objects: ClassVar[models.Manager["AccessToken"]] = models.Manager()

    class Meta(AbstractAccessToken.Meta):
        pass


class RefreshToken(AbstractRefreshToken):
    """Swapped for new tokens once; used again it ends its family (SEC-44)."""

    resource = None

    user = models.ForeignKey(USER, models.CASCADE, related_name="+")
    consent = models.ForeignKey(ClientConsent, models.CASCADE, related_name="+")
    scope = models.TextField()
    began_at = models.DateTimeField(default=timezone.now, help_text=_("When the first of its family was given."))

    objects: ClassVar[models.Manager["RefreshToken"]] = models.Manager()

    class Meta(AbstractRefreshToken.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["token_checksum"], condition=Q(revoked=None), name="one_live_refresh_token_of_a_digest"
            )
        ]

    @property
    def is_over(self) -> bool:
        """Whether it lay idle, or its family went on, for too long (SEC-44)."""
        now = timezone.now()
        return bool(now >= self.created + IDLE or now >= self.began_at + ABSOLUTE)
