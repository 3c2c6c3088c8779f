"""How the badge of an achievement looks, where somebody chose it."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.achievements.models.achievements import Achievement


class BadgeDesign(models.Model):
    """The choices that the badge of an achievement is drawn from; without a row it has the usual look of its kind."""

    achievement = models.OneToOneField(
        Achievement, models.CASCADE, related_name="badge_design", verbose_name=_("achievement")
    )
    shape = models.CharField(_("shape"), max_length=16, default="hexagon")
    colour = models.CharField(
        _("colour"),
        max_length=7,
        blank=True,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("A colour is written #rrggbb, such as #1f3a5f."))],
        help_text=_("Empty: the institution's. One too light to read on is darkened."),
    )
    icon = models.CharField(_("sign"), max_length=32, blank=True, default="award")
    letters = models.CharField(_("letters"), max_length=4, blank=True, help_text=_("In the place of a sign."))
    band = models.CharField(_("band"), max_length=18, blank=True, help_text=_("Words on a band below: a code, a year."))
    picture_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("An uploaded picture, in the file store.")
    )
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["achievement__name", "pk"]
        verbose_name = _("badge design")
        verbose_name_plural = _("badge designs")
        constraints = [
            models.CheckConstraint(
                condition=~Q(icon="") | ~Q(letters="") | ~Q(picture_digest=""), name="badge_design_shows_something"
            )
        ]

    def __str__(self) -> str:
        return str(self.achievement)
