"""E-mail addresses that a learner has shown to be theirs: what is made out to one of them is taken as theirs."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.learners.models import Learner


class OwnAddress(models.Model):
    """An address a learner named; it counts once the link that was mailed to it was followed."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.CASCADE, related_name="own_addresses")
    email = models.EmailField(_("e-mail address"))
    asked_at = models.DateTimeField(default=timezone.now)
    verified_at = models.DateTimeField(_("confirmed"), null=True)

    class Meta:
        ordering = ["email"]
        verbose_name = _("own address")
        verbose_name_plural = _("own addresses")
        constraints = [models.UniqueConstraint(fields=["learner", "email"], name="address_once_a_learner")]

    def __str__(self) -> str:
        return self.email
