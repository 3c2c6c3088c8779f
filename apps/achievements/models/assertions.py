"""What has been earned: assertions with results, evidence and artifacts (CLR 1.0, section 2)."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.achievements.models.achievements import Achievement, ResultDescription, RubricCriterionLevel
from apps.institution.models import Organization
from apps.jobs.models import Job
from apps.learners.models import AcademicSession, CourseSection, Enrollment, ImportRun, Learner


class Award(models.Model):
    """One act that gave an achievement to many learners; it can be undone as a whole."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    achievement = models.ForeignKey(Achievement, models.PROTECT, related_name="awards")
    description = models.CharField(_("to whom"), max_length=1024, blank=True)
    awarded_on = models.DateField(_("awarded on"))
    rows: "models.JSONField[list[Any], list[Any]]" = models.JSONField(
        default=list, help_text=_("Learner, date, honours, result of each; ids only.")
    )
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("award")
        verbose_name_plural = _("awards")

    def __str__(self) -> str:
        return f"{self.achievement} ({self.awarded_on})"


class AssertionQuerySet(models.QuerySet["Assertion"]):
    """The questions asked of assertions."""

    def visible_to(self, user: Any) -> Self:
        """Assertions about learners whom this user may see (SEC-50)."""
        return self.filter(learner__in=Learner.objects.visible_to(user))

    def standing(self) -> Self:
        """Assertions that were not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


class Assertion(models.Model):
    """This learner has this achievement."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    learner = models.ForeignKey(Learner, models.PROTECT, related_name="assertions")
    achievement = models.ForeignKey(Achievement, models.PROTECT, related_name="assertions")
    assessor = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assessed by"),
        help_text=_("The standard's `source`: who assessed, for instance the department."),
    )
    issued_on = models.DateField(_("awarded on"), null=True, blank=True)
    activity_start_date = models.DateField(_("from"), null=True, blank=True)
    activity_end_date = models.DateField(_("to"), null=True, blank=True)
    expires = models.DateTimeField(_("expires"), null=True, blank=True)
    credits_attempted = models.DecimalField(
        _("credits attempted"), max_digits=8, decimal_places=3, null=True, blank=True
    )
    credits_earned = models.DecimalField(_("credits earned"), max_digits=8, decimal_places=3, null=True, blank=True)
    term = models.CharField(_("term"), max_length=1024, blank=True)
    session = models.ForeignKey(AcademicSession, models.PROTECT, null=True, blank=True, related_name="+")
    section = models.ForeignKey(CourseSection, models.PROTECT, null=True, blank=True, related_name="assertions")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(_("role"), max_length=255, blank=True)
    license_number = models.CharField(_("license number"), max_length=255, blank=True)
    narrative = models.TextField(_("narrative"), blank=True, help_text=_("Markdown."))
    image = models.CharField(max_length=2048, blank=True)
    extensions: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict, blank=True)
    award = models.ForeignKey(Award, models.PROTECT, null=True, blank=True, editable=False, related_name="assertions")
    source = models.CharField(max_length=255, blank=True, editable=False)
    source_id = models.CharField(max_length=512, blank=True, editable=False)
    source_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, editable=False, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text=_("Grows with each edit (REL-25)."))
    problem = models.CharField(
        _("problem"), max_length=500, blank=True, editable=False, help_text=_("What keeps it out of records.")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    history = HistoricalRecords()

    objects: ClassVar[AssertionQuerySet] = AssertionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["pk"]
        verbose_name = _("earned achievement")
        verbose_name_plural = _("earned achievements")
        indexes = [models.Index(fields=["learner", "achievement"])]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source_id=""), name="assertion_source_key"
            ),
            models.CheckConstraint(
                condition=Q(activity_start_date=None)
                | Q(activity_end_date=None)
                | Q(activity_end_date__gte=models.F("activity_start_date")),
                name="assertion_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.learner}: {self.achievement}"


class Result(models.Model):
    """A grade, score, level or status; `result_description` belongs to the same achievement."""

    class Status(models.TextChoices):
        COMPLETED = "Completed", _("completed")
        ENROLLED = "Enrolled", _("enrolled")
        FAILED = "Failed", _("failed")
        IN_PROGRESS = "InProgress", _("in progress")
        ON_HOLD = "OnHold", _("on hold")
        WITHDREW = "Withdrew", _("withdrew")

    assertion = models.ForeignKey(Assertion, models.CASCADE, related_name="results")
    result_description = models.ForeignKey(ResultDescription, models.PROTECT, related_name="results")
    value = models.CharField(_("value"), max_length=255, blank=True)
    achieved_level = models.ForeignKey(RubricCriterionLevel, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(_("status"), max_length=16, choices=Status, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("result")
        verbose_name_plural = _("results")

    def __str__(self) -> str:
        return f"{self.result_description}: {self.value or self.achieved_level or self.status}"


class Evidence(models.Model):
    """What shows that it was earned."""

    assertion = models.ForeignKey(Assertion, models.CASCADE, related_name="evidence")
    name = models.CharField(_("name"), max_length=255)
    url = models.CharField(_("address"), max_length=2048, blank=True)
    description = models.TextField(_("description"), blank=True)
    narrative = models.TextField(_("narrative"), blank=True, help_text=_("Markdown."))
    genre = models.CharField(_("genre"), max_length=255, blank=True)
    audience = models.CharField(_("audience"), max_length=255, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")

    def __str__(self) -> str:
        return self.name


class Artifact(models.Model):
    """A file or page that is part of the evidence; a file is stored by its digest (SEC-35)."""

    evidence = models.ForeignKey(Evidence, models.CASCADE, related_name="artifacts")
    name = models.CharField(_("name"), max_length=255, blank=True)
    description = models.TextField(_("description"), blank=True)
    url = models.CharField(_("address"), max_length=2048, blank=True)
    file_digest = models.CharField(max_length=64, blank=True, editable=False)
    media_type = models.CharField(max_length=127, blank=True, editable=False)
    size = models.PositiveBigIntegerField(null=True, editable=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("artifact")
        verbose_name_plural = _("artifacts")

    def __str__(self) -> str:
        return self.name or self.url
