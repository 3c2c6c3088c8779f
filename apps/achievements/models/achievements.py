"""What can be earned: achievements with results that are possible, alignments and associations (CLR 1.0, section 2)."""

import uuid
from typing import Any, ClassVar, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.achievements.models.frameworks import FrameworkItem
from apps.institution.models import Organization
from apps.learners.models import MOST_WORDS, Course, ImportRun, searchable

extended_value = RegexValidator(
    r"^(ext:[a-zA-Z0-9._-]+|[A-Za-z-]+)$",
    _("One of the standard's values, or ext: and letters, digits, . _ -"),
)


class AchievementQuerySet(models.QuerySet["Achievement"]):
    """The questions asked of achievements."""

    def current(self) -> Self:
        """The newest version of each achievement."""
        return self.filter(replaced_by__isnull=True, retired_at__isnull=True)

    def matching(self, text: str) -> Self:
        """Those whose name, code or field of study hold every word of the text, letter case and accents apart."""
        found = self
        for word in searchable(text.replace("\x00", " ")).split()[:MOST_WORDS]:  # SEC-32
            found = found.filter(search_text__contains=word)
        return found


class Achievement(models.Model):
    """One version of something that can be earned; a version that an issued record names never changes."""

    class Type(models.TextChoices):
        ACHIEVEMENT = "Achievement", _("Achievement")
        ASSESSMENT = "Assessment", _("Assessment")
        ASSIGNMENT = "Assignment", _("Assignment")
        AWARD = "Award", _("Award")
        BADGE = "Badge", _("Badge")
        CERTIFICATE = "Certificate", _("Certificate")
        CERTIFICATION = "Certification", _("Certification")
        COURSE = "Course", _("Course")
        COMMUNITY_SERVICE = "CommunityService", _("Community service")
        COMPETENCY = "Competency", _("Competency")
        CO_CURRICULAR = "Co-Curricular", _("Co-curricular activity")
        DEGREE = "Degree", _("Degree")
        DIPLOMA = "Diploma", _("Diploma")
        FIELDWORK = "Fieldwork", _("Fieldwork")
        LICENSE = "License", _("License")
        MEMBERSHIP = "Membership", _("Membership")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    achievement_type = models.CharField(
        _("type"), max_length=64, default=Type.ACHIEVEMENT, validators=[extended_value], db_index=True
    )
    name = models.CharField(_("name"), max_length=1024)
    description = models.TextField(_("description"), blank=True)
    human_code = models.CharField(_("code"), max_length=255, blank=True)
    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="achievements", verbose_name=_("issuer"))
    credits_available = models.DecimalField(_("credits"), max_digits=8, decimal_places=3, null=True, blank=True)
    field_of_study = models.CharField(_("field of study"), max_length=1024, blank=True)
    level = models.CharField(_("level"), max_length=255, blank=True)
    specialization = models.CharField(_("specialization"), max_length=1024, blank=True)
    image = models.CharField(_("picture address"), max_length=2048, blank=True)
    criteria_url = models.CharField(_("criteria page"), max_length=2048, blank=True)
    criteria_narrative = models.TextField(_("criteria"), blank=True, help_text=_("Markdown."))
    tags: "models.JSONField[list[str], list[str]]" = models.JSONField(_("tags"), default=list, blank=True)
    identifiers: "models.JSONField[list[Any], list[Any]]" = models.JSONField(
        _("identifiers"), default=list, blank=True, help_text=_('[{"identifier": …, "identifierType": …}, …]')
    )
    extensions: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict, blank=True)
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="achievements")
    competency = models.ForeignKey(FrameworkItem, models.PROTECT, null=True, blank=True, related_name="achievements")
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    replaced_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="replaces"
    )
    source_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, editable=False, related_name="+")
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    search_text = models.TextField(editable=False, default="")
    history = HistoricalRecords(excluded_fields=["search_text"])

    objects: ClassVar[AchievementQuerySet] = AchievementQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("achievement")
        verbose_name_plural = _("achievements")
        constraints = [
            models.UniqueConstraint(
                fields=["course"],
                condition=Q(replaced_by__isnull=True, course__isnull=False, retired_at__isnull=True),
                name="one_current_achievement_of_a_course",
            ),
            models.CheckConstraint(
                condition=Q(credits_available__isnull=True) | Q(credits_available__gte=0),
                name="credits_available_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.human_code} {self.name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves with the text that searches read."""
        self.search_text = searchable(self.human_code, self.name, self.field_of_study)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search_text"}
        super().save(*args, **kwargs)


class ResultDescription(models.Model):
    """A result that is possible for an achievement."""

    class Type(models.TextChoices):
        GRADE_POINT_AVERAGE = "GradePointAverage", _("grade point average")
        LETTER_GRADE = "LetterGrade", _("letter grade")
        PERCENT = "Percent", _("percent")
        PERFORMANCE_LEVEL = "PerformanceLevel", _("performance level")
        PREDICTED_SCORE = "PredictedScore", _("predicted score")
        RESULT = "Result", _("result")
        RAW_SCORE = "RawScore", _("raw score")
        RUBRIC_CRITERION = "RubricCriterion", _("rubric criterion")
        RUBRIC_CRITERION_LEVEL = "RubricCriterionLevel", _("rubric criterion level")
        RUBRIC_SCORE = "RubricScore", _("rubric score")
        SCALED_SCORE = "ScaledScore", _("scaled score")
        STATUS = "Status", _("status")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    achievement = models.ForeignKey(Achievement, models.CASCADE, related_name="result_descriptions")
    name = models.CharField(_("name"), max_length=255)
    result_type = models.CharField(_("type"), max_length=64, validators=[extended_value])
    allowed_values: "models.JSONField[list[str], list[str]]" = models.JSONField(
        _("allowed values"), default=list, blank=True, help_text=_("From worst to best.")
    )
    value_min = models.CharField(_("lowest"), max_length=64, blank=True)
    value_max = models.CharField(_("highest"), max_length=64, blank=True)
    required_value = models.CharField(_("needed to pass"), max_length=255, blank=True)
    required_level = models.ForeignKey(
        "RubricCriterionLevel", models.SET_NULL, null=True, blank=True, related_name="required_by"
    )
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("possible result")
        verbose_name_plural = _("possible results")

    def __str__(self) -> str:
        return self.name


class RubricCriterionLevel(models.Model):
    """A level of a rubric criterion, from low to high."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    result_description = models.ForeignKey(ResultDescription, models.CASCADE, related_name="rubric_criterion_levels")
    name = models.CharField(_("name"), max_length=255)
    level = models.CharField(_("level"), max_length=255, blank=True)
    points = models.CharField(_("points"), max_length=64, blank=True)
    description = models.TextField(_("description"), blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("rubric level")
        verbose_name_plural = _("rubric levels")

    def __str__(self) -> str:
        return self.name


class Alignment(models.Model):
    """Ties an achievement, a possible result, a level or a result to a node of a framework, as of that time (D7)."""

    achievement = models.ForeignKey(Achievement, models.CASCADE, null=True, blank=True, related_name="alignments")
    result_description = models.ForeignKey(
        ResultDescription, models.CASCADE, null=True, blank=True, related_name="alignments"
    )
    level = models.ForeignKey(RubricCriterionLevel, models.CASCADE, null=True, blank=True, related_name="alignments")
    result = models.ForeignKey("achievements.Result", models.CASCADE, null=True, blank=True, related_name="alignments")
    item = models.ForeignKey(
        FrameworkItem,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alignments",
        help_text=_("Linked when the framework is stored here."),
    )
    target_identifier = models.CharField(max_length=255, blank=True, db_index=True)
    target_name = models.CharField(_("name"), max_length=1024)
    target_url = models.CharField(_("address"), max_length=2048)
    target_code = models.CharField(_("code"), max_length=255, blank=True)
    target_description = models.TextField(_("description"), blank=True)
    target_framework = models.TextField(_("framework"), blank=True)
    target_type = models.CharField(_("type"), max_length=64, blank=True, default="CFItem")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("alignment")
        verbose_name_plural = _("alignments")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(achievement__isnull=False, result_description=None, level=None, result=None)
                    | Q(achievement=None, result_description__isnull=False, level=None, result=None)
                    | Q(achievement=None, result_description=None, level__isnull=False, result=None)
                    | Q(achievement=None, result_description=None, level=None, result__isnull=False)
                ),
                name="alignment_of_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_code} {self.target_name}".strip()


class AchievementAssociation(models.Model):
    """This achievement *type* the other one: course isChildOf degree."""

    class Type(models.TextChoices):
        EXACT_MATCH_OF = "exactMatchOf", _("is the same as")
        EXEMPLAR = "exemplar", _("has the example")
        HAS_SKILL_LEVEL = "hasSkillLevel", _("has the skill level")
        IS_CHILD_OF = "isChildOf", _("is a child of")
        IS_PARENT_OF = "isParentOf", _("is a parent of")
        IS_PART_OF = "isPartOf", _("is a part of")
        IS_PEER_OF = "isPeerOf", _("is a peer of")
        IS_RELATED_TO = "isRelatedTo", _("is related to")
        PRECEDES = "precedes", _("precedes")
        REPLACED_BY = "replacedBy", _("is replaced by")

    achievement = models.ForeignKey(Achievement, models.CASCADE, related_name="associations")
    association_type = models.CharField(_("relation"), max_length=16, choices=Type)
    target = models.ForeignKey(Achievement, models.CASCADE, related_name="associated_from")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("association")
        verbose_name_plural = _("associations")
        constraints = [
            models.UniqueConstraint(
                fields=["achievement", "association_type", "target"], name="association_stated_once"
            ),
            models.CheckConstraint(condition=~Q(achievement=F("target")), name="achievement_not_with_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.achievement} {self.get_association_type_display()} {self.target}"
