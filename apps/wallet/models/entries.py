"""What can be found in a wallet: one entry for each achievement, and the skills that it stands for."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.issuance.models import Record
from apps.learners.models import MOST_WORDS, Learner, searchable
from apps.wallet.models.items import WalletItem


class WalletEntryQuerySet(models.QuerySet["WalletEntry"]):
    """The questions asked of entries."""

    def shown(self) -> Self:
        """Those of what is there; of a document with several versions, those of the newest."""
        gone = (WalletItem.State.DELETED, WalletItem.State.SUPERSEDED)
        item = Q(item__isnull=False) & ~Q(item__state__in=gone)
        return self.filter(item | Q(record__state__in=(Record.State.ISSUED, Record.State.REVOKED)))

    def matching(self, text: str) -> Self:
        """Those whose texts hold every word, letter case and accents apart (SEC-32)."""
        found = self
        for word in searchable(text.replace("\x00", " ")).split()[:MOST_WORDS]:
            found = found.filter(search_text__contains=word)
        return found


class WalletEntry(models.Model):
    """One achievement, of an item or of a record issued here; an index alone, made anew from what it is about."""

    learner = models.ForeignKey(Learner, models.CASCADE, related_name="wallet_entries", verbose_name=_("learner"))
    item = models.ForeignKey(WalletItem, models.CASCADE, null=True, related_name="entries", verbose_name=_("item"))
    record = models.ForeignKey(
        Record, models.CASCADE, null=True, related_name="wallet_entries", verbose_name=_("record")
    )
    position = models.PositiveIntegerField(help_text=_("Its place in the document, from 0."))
    anchor = models.CharField(max_length=64, blank=True, help_text=_("Where it stands on the page of the document."))
    name = models.TextField(_("title"), blank=True)
    kind = models.CharField(_("type"), max_length=64, blank=True)
    code = models.CharField(_("code"), max_length=255, blank=True)
    result = models.CharField(_("result"), max_length=64, blank=True)
    issuer_name = models.TextField(_("issuer"), blank=True)
    issued_on = models.DateTimeField(_("date"), null=True)
    search_text = models.TextField(editable=False, default="")

    objects: ClassVar[WalletEntryQuerySet] = WalletEntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = [models.F("issued_on").desc(nulls_last=True), "-pk"]
        verbose_name = _("entry of a wallet")
        verbose_name_plural = _("entries of wallets")
        constraints = [
            models.UniqueConstraint(fields=["item", "position"], name="entry_once_an_item"),
            models.UniqueConstraint(fields=["record", "position"], name="entry_once_a_record"),
            models.CheckConstraint(
                condition=Q(item__isnull=False, record__isnull=True) | Q(item__isnull=True, record__isnull=False),
                name="entry_of_exactly_one_document",
            ),
        ]
        indexes = [models.Index(fields=["learner", "-issued_on"], name="entries_by_time")]

    def __str__(self) -> str:
        return self.name or str(self.pk)


class WalletSkill(models.Model):
    """A statement of a framework that an entry stands for; `key` is equal wherever the same statement is named."""

    entry = models.ForeignKey(WalletEntry, models.CASCADE, related_name="skills")
    key = models.CharField(max_length=64, db_index=True)
    name = models.TextField(_("name"))
    code = models.CharField(_("code"), max_length=255, blank=True)
    framework = models.TextField(_("framework"), blank=True)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("skill of an entry")
        verbose_name_plural = _("skills of entries")
        constraints = [models.UniqueConstraint(fields=["entry", "key"], name="skill_once_an_entry")]

    def __str__(self) -> str:
        return self.name
