"""What third parties say of an achievement, of an issuer, or of what one learner earned (CLR 1.0, Endorsement).

An endorsement is bytes from its first moment: as its endorser signed it, or as it was made here. It never changes; it
can only be revoked.
"""

import hashlib
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.achievements.models.achievements import Achievement
from apps.achievements.models.assertions import Assertion
from apps.institution.models import Organization, SigningKey
from apps.learners.models import ImportRun


class Endorser(models.Model):
    """Somebody outside of the institution who endorses: an organisation or a person, as they told the office."""

    class Kind(models.TextChoices):
        ORGANIZATION = "organization", _("organisation")
        PERSON = "person", _("person")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.ORGANIZATION)
    name = models.CharField(_("name"), max_length=1024)
    given_name = models.CharField(_("given name"), max_length=255, blank=True)
    family_name = models.CharField(_("family name"), max_length=255, blank=True)
    official = models.CharField(_("authorized official"), max_length=255, blank=True)
    description = models.TextField(_("description"), blank=True)
    url = models.URLField(_("web address"), blank=True)
    email = models.EmailField(_("e-mail"), blank=True, help_text=_("Published with the endorsement."))
    telephone = models.CharField(_("telephone"), max_length=64, blank=True, help_text=_("Published likewise."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("endorser")
        verbose_name_plural = _("endorsers")

    def __str__(self) -> str:
        return self.name


class EndorsementQuerySet(models.QuerySet["Endorsement"]):
    """The questions asked of endorsements."""

    def standing(self) -> Self:
        """Those that go into records and stand at the thing endorsed: they hold, and were not revoked."""
        return self.filter(state=Endorsement.State.HOLDS, revoked_at=None).order_by("pk")


class Endorsement(models.Model):
    """One endorsement of exactly one thing: the exact bytes, and what became of it."""

    class State(models.TextChoices):
        HOLDS = "holds", _("holds")
        UNCHECKED = "unchecked", _("could not be checked")
        FAILS = "fails", _("does not hold")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    achievement = models.ForeignKey(
        Achievement, models.PROTECT, null=True, blank=True, related_name="endorsements", verbose_name=_("achievement")
    )
    assertion = models.ForeignKey(
        Assertion, models.PROTECT, null=True, blank=True, related_name="endorsements", verbose_name=_("earned by one")
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="endorsements", verbose_name=_("issuer")
    )
    endorser = models.ForeignKey(
        Endorser, models.PROTECT, null=True, blank=True, related_name="endorsements", verbose_name=_("endorser")
    )
    by_organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("endorsed by")
    )
    issuer_name = models.CharField(_("endorsed by"), max_length=1024)
    comment = models.TextField(_("comment"), blank=True, help_text=_("Markdown. Anybody who sees the record reads it."))
    issued_on = models.DateTimeField(_("endorsed on"))
    is_signed = models.BooleanField(_("signed"), default=False)
    document_id = models.CharField(max_length=512, unique=True, help_text=_("The id that stands in it."))
    content = models.BinaryField(help_text=_("JSON, or the compact JWS exactly as it was received or made."))
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    key = models.ForeignKey(SigningKey, models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.HOLDS)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    checked_at = models.DateTimeField(null=True)
    seen: "models.JSONField[list[Any], list[Any]]" = models.JSONField(
        default=list, help_text=_("What its endorser's addresses answered when it was last checked.")
    )
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revocation_reason = models.TextField(_("reason"), blank=True)

    objects: ClassVar[EndorsementQuerySet] = EndorsementQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("endorsement")
        verbose_name_plural = _("endorsements")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(achievement__isnull=False, assertion=None, organization=None)
                    | Q(achievement=None, assertion__isnull=False, organization=None)
                    | Q(achievement=None, assertion=None, organization__isnull=False)
                ),
                name="endorsement_of_one",
            ),
            models.CheckConstraint(
                condition=Q(endorser=None) | Q(by_organization=None), name="endorsement_by_one_endorser"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | ~Q(revocation_reason=""), name="revoked_endorsement_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issuer_name}: {self.target}"

    @property
    def target(self) -> Achievement | Assertion | Organization:
        """What is endorsed."""
        found = self.achievement or self.assertion or self.organization
        assert found is not None
        return found

    @property
    def is_ours(self) -> bool:
        """Whether it was made here, and so stands at an address of ours; the others stand where their endorser says."""
        return self.endorser_id is not None or self.by_organization_id is not None

    @property
    def is_whole(self) -> bool:
        """Whether the stored bytes are those that were stored first (REL-16)."""
        return hashlib.sha256(bytes(self.content)).hexdigest() == self.digest and len(self.content) == self.size
