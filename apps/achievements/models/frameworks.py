"""CASE frameworks: documents, items, associations and rubrics, with their versions."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.learners.models import ImportRun


class Framework(models.Model):
    """A CFDocument; its UUID is its key (D3)."""

    identifier = models.UUIDField(_("identifier"), unique=True)
    uri = models.CharField(_("address"), max_length=2048)
    title = models.TextField(_("title"))
    creator = models.TextField(_("creator"))
    publisher = models.TextField(_("publisher"), blank=True)
    description = models.TextField(_("description"), blank=True)
    language = models.TextField(_("language"), blank=True)
    version = models.TextField(_("version"), blank=True)
    adoption_status = models.TextField(_("adoption status"), blank=True)
    case_version = models.CharField(max_length=8, default="1.0")
    license = models.TextField(_("licence"), blank=True)
    official_source = models.CharField(_("official source"), max_length=2048, blank=True)
    last_changed = models.DateTimeField(_("last changed"))
    document: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text=_("The CFDocument as received, unknown properties too.")
    )
    definitions: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    rest: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text=_("Further properties of the package as received.")
    )
    digest = models.CharField(max_length=64, blank=True)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["title"]
        verbose_name = _("competency framework")
        verbose_name_plural = _("competency frameworks")

    def __str__(self) -> str:
        return self.title


class FrameworkItem(models.Model):
    """A CFItem; gone items are retired, never deleted (D9)."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="items")
    identifier = models.UUIDField(_("identifier"), unique=True)
    uri = models.CharField(_("address"), max_length=2048)
    full_statement = models.TextField(_("statement"))
    abbreviated_statement = models.TextField(_("short statement"), blank=True)
    human_coding_scheme = models.TextField(_("code"), blank=True)
    list_enumeration = models.TextField(blank=True)
    item_type = models.TextField(_("type"), blank=True)
    language = models.TextField(_("language"), blank=True)
    last_changed = models.DateTimeField(null=True)
    status_end_date = models.DateField(null=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    item: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    search_text = models.TextField(editable=False, default="")
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("competency")
        verbose_name_plural = _("competencies")

    def __str__(self) -> str:
        return f"{self.human_coding_scheme} {self.abbreviated_statement or self.full_statement}".strip()[:255]


class FrameworkAssociation(models.Model):
    """A CFAssociation; an end outside the package is kept by identifier and address (D5)."""

    framework = models.ForeignKey(Framework, models.CASCADE, related_name="associations")
    identifier = models.UUIDField(unique=True)
    association_type = models.CharField(max_length=255)
    origin = models.ForeignKey(FrameworkItem, models.PROTECT, null=True, related_name="from_here")
    origin_identifier = models.CharField(max_length=512, db_index=True)
    destination = models.ForeignKey(FrameworkItem, models.PROTECT, null=True, related_name="to_here")
    destination_identifier = models.CharField(max_length=512, db_index=True)
    sequence_number = models.BigIntegerField(null=True)
    association: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    retired_at = models.DateTimeField(null=True)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(origin_identifier=models.F("destination_identifier")),
                name="association_not_with_itself",
            )
        ]


class FrameworkRubric(models.Model):
    """A CFRubric."""

    framework = models.ForeignKey(Framework, models.CASCADE, related_name="rubrics")
    identifier = models.UUIDField(unique=True)
    uri = models.CharField(max_length=2048)
    title = models.TextField(blank=True)
    rubric: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    retired_at = models.DateTimeField(null=True)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class FrameworkRubricCriterion(models.Model):
    """A CFRubricCriterion."""

    rubric = models.ForeignKey(FrameworkRubric, models.CASCADE, related_name="criteria")
    identifier = models.UUIDField(unique=True)
    uri = models.CharField(max_length=2048)
    description = models.TextField(blank=True)
    category = models.TextField(blank=True)
    item = models.ForeignKey(FrameworkItem, models.PROTECT, null=True, related_name="criteria")
    weight = models.FloatField(null=True)
    position = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.description[:255]


class FrameworkRubricLevel(models.Model):
    """A CFRubricCriterionLevel."""

    criterion = models.ForeignKey(FrameworkRubricCriterion, models.CASCADE, related_name="levels")
    identifier = models.UUIDField(unique=True)
    uri = models.CharField(max_length=2048)
    quality = models.TextField(blank=True)
    description = models.TextField(blank=True)
    score = models.FloatField(null=True)
    position = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.quality[:255]
