"""What the administrators of this verifier decided: keys that they trust by hand."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.standards import dids
from apps.standards.errors import KeyFault
from apps.standards.proofs.jws import PublicKey


class PinnedKeyQuerySet(models.QuerySet["PinnedKey"]):
    """Keys trusted by hand."""

    def trusted_for(self, issuer: str) -> list[PublicKey]:
        """The keys that count for an issuer now."""
        return [one.public_key() for one in self.filter(issuer=issuer, is_trusted=True).order_by("pk")]


class PinnedKey(models.Model):
    """A public key that an administrator trusts for an issuer whose own keys cannot be looked up.

    It counts only where the issuer cannot say itself which keys are its own (CLR 2.0 digest, 6.3, rule 5). Issuer and
    key never change once they are kept; trust is ended by taking the mark away.
    """

    issuer = models.CharField(
        _("issuer"),
        max_length=1000,
        help_text=_("The id of the issuer as credentials name it, such as urn:uuid:… or https://…"),
    )
    key = models.TextField(
        _("public key"), max_length=8000, help_text=_("As PEM, as JWK, as Multikey (z6Mk…), or as did:key or did:jwk.")
    )
    fingerprint = models.CharField(_("fingerprint (SHA-256)"), max_length=64, editable=False)
    reason = models.CharField(
        _("reason"), max_length=500, help_text=_("How you know that this key is the issuer's; others will ask.")
    )
    is_trusted = models.BooleanField(_("trusted"), default=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("added by"), null=True, editable=False, on_delete=models.SET_NULL
    )
    added_at = models.DateTimeField(_("added at"), default=timezone.now, editable=False)

    objects = PinnedKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("trusted key")
        verbose_name_plural = _("trusted keys")
        ordering = ("issuer", "pk")
        constraints = [
            models.UniqueConstraint(fields=("issuer", "fingerprint"), name="pinned_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.fingerprint[:12]}"

    def clean(self) -> None:
        """Reads the key, so that what is kept is one. Raises ``ValidationError``."""
        self.issuer = self.issuer.strip()
        try:
            self.fingerprint = dids.fingerprint(self.public_key())
        except KeyFault as fault:
            raise ValidationError({"key": fault.sentence}) from None
        same = PinnedKey.objects.filter(issuer=self.issuer, fingerprint=self.fingerprint).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError(_("This key is already there for this issuer."))

    def public_key(self) -> PublicKey:
        """The key itself. Raises ``KeyFault`` for what is none."""
        return dids.key_from_text(self.key)
