"""Open Badges that were issued: one for what a learner earned, as a record says it; bytes that never change."""

import hashlib
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.achievements.models import Assertion
from apps.institution.models import SigningKey
from apps.issuance.models.records import Record
from apps.learners.models import Learner


class BadgeQuerySet(models.QuerySet["Badge"]):
    """The questions asked of badges."""

    def standing(self) -> Self:
        """Badges that were neither revoked nor replaced, and still have their bytes."""
        return self.filter(revoked_at=None, replaced_at=None).exclude(content=None)

    def public(self) -> Self:
        """Badges that their learners show to everybody, whatever became of them since; never those of somebody who
        withholds directory information (PRIV-03)."""
        return self.filter(is_public=True, assertion__learner__withholds_directory=False)

    def visible_to(self, user: Any) -> Self:
        """Badges about learners whom this user may see (SEC-50)."""
        return self.filter(assertion__learner__in=Learner.objects.visible_to(user))


class Badge(models.Model):
    """One Open Badge for one assertion, hosted and signed; the database refuses to change either (REL-14).

    Beside the bytes stands what became of them: shown or not, replaced, revoked.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    assertion = models.ForeignKey(Assertion, models.PROTECT, related_name="badges")
    record = models.ForeignKey(
        Record, models.PROTECT, related_name="badges", help_text=_("The record whose words it repeats.")
    )
    learner_id = models.UUIDField(help_text=_("Public id of the learner, for erasure."))
    content = models.BinaryField(null=True, help_text=_("The hosted assertion, as JSON."))
    digest = models.CharField(max_length=64)
    jws = models.BinaryField(null=True, help_text=_("The signed assertion, as a compact JWS."))
    jws_digest = models.CharField(max_length=64)
    said_digest = models.CharField(max_length=64, help_text=_("Of what it says; the same again makes no new badge."))
    svg_digest = models.CharField(max_length=64, blank=True, help_text=_("The picture, in the file store."))
    png_digest = models.CharField(max_length=64, help_text=_("The picture as PNG, in the file store."))
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="badges")
    issued_on = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    replaced_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revocation_reason = models.TextField(blank=True)
    is_public = models.BooleanField(_("public"), default=False, help_text=_("Anybody with its address may read it."))
    changed_at = models.DateTimeField(default=timezone.now, help_text=_("When it was made, replaced or revoked."))

    objects: ClassVar[BadgeQuerySet] = BadgeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["pk"]
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        constraints = [
            models.UniqueConstraint(
                fields=["assertion"],
                condition=Q(revoked_at__isnull=True, replaced_at__isnull=True),
                name="one_standing_badge",
            )
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def is_standing(self) -> bool:
        """Whether it was neither revoked nor replaced."""
        return self.revoked_at is None and self.replaced_at is None

    @property
    def is_whole(self) -> bool:
        """Whether both forms are the bytes that were issued (REL-16); an erased one is not."""
        if self.content is None or self.jws is None:
            return False
        hosted, signed = (hashlib.sha256(bytes(form)).hexdigest() for form in (self.content, self.jws))
        return hosted == self.digest and signed == self.jws_digest
