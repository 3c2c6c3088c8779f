"""People with records and what the student system says of them.

Every row that came from elsewhere names its source, its key there, and the import and line that made it
(model, invariant 7); a row that a newer full export lacks is *ended*, never deleted (ROST-27).
"""

import re
import unicodedata
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.accounts.permissions import Role, has_role
from apps.institution.models import Organization
from apps.jobs.models import Job

_ACCENTS = re.compile("[\u0300-\u036f]+")


def searchable(*texts: str) -> str:
    """Texts as they are compared and searched: NFC, letter case folded, joined by a blank (SEC-32).

    Accents of Latin, Greek and Cyrillic letters are left out, so that `maria` finds `María`; marks of other scripts
    are letters there and stay.
    """
    text = " ".join(text for text in texts if text)
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text.casefold())))


class ImportRun(models.Model):
    """One file's import: what it would change, what it changed, and whether it was undone."""

    class Kind(models.TextChoices):
        ONEROSTER = "oneroster", _("OneRoster")
        CASE = "case", _("CASE framework")
        ENDORSEMENTS = "endorsements", _("Endorsements")

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        CHECKING = "checking", _("being checked")
        PREVIEWED = "previewed", _("ready to start")
        APPLYING = "applying", _("being applied")
        APPLIED = "applied", _("applied")
        REFUSED = "refused", _("refused")
        UNDONE = "undone", _("undone")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RECEIVED)
    file_name = models.CharField(_("file"), max_length=255)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the file, its name in the store."))
    source = models.CharField(_("source"), max_length=255, blank=True)
    format = models.CharField(_("format"), max_length=32, blank=True)
    options: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    counts: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    changes: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    preview: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    errors: "models.JSONField[list[Any], list[Any]]" = models.JSONField(default=list)
    warnings: "models.JSONField[list[Any], list[Any]]" = models.JSONField(default=list)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source"],
                condition=Q(state="applying"),
                name="one_import_of_a_source_at_a_time",
            ),  # ROST-36
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.created_at:%Y-%m-%d})"


class ImportChange(models.Model):
    """What a row was before an import changed it, so that the import can be undone as a whole."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="before_images")
    model = models.CharField(max_length=64)
    row = models.BigIntegerField()
    before: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["run", "model"])]


class FromSource(models.Model):
    """A row that came from the student system."""

    source = models.CharField(max_length=255, blank=True, editable=False)
    source_id = models.CharField(max_length=255, blank=True, editable=False)
    source_line = models.PositiveIntegerField(null=True, editable=False)
    source_digest = models.CharField(max_length=64, blank=True, editable=False)
    source_modified = models.DateTimeField(null=True, editable=False)
    import_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, editable=False, related_name="+")
    metadata: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict, blank=True, editable=False
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source_id=""), name="%(class)s_source_key"
            ),
        ]


class AcademicSession(FromSource):
    """A school year, semester, term or grading period."""

    class Type(models.TextChoices):
        GRADING_PERIOD = "gradingPeriod", _("grading period")
        SEMESTER = "semester", _("semester")
        SCHOOL_YEAR = "schoolYear", _("school year")
        TERM = "term", _("term")

    title = models.CharField(_("title"), max_length=1024)
    type = models.CharField(_("type"), max_length=64, choices=Type)
    start_date = models.DateField(_("begins"))
    end_date = models.DateField(_("ends"))
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    school_year = models.PositiveSmallIntegerField(_("school year"), help_text=_("The year in which it ends."))

    class Meta(FromSource.Meta):
        ordering = ["-start_date", "title"]
        verbose_name = _("academic session")
        verbose_name_plural = _("academic sessions")

    def __str__(self) -> str:
        return self.title


class Program(FromSource):
    """A program of study."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=255)
    code = models.CharField(_("code"), max_length=64, blank=True)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="programs")

    class Meta(FromSource.Meta):
        ordering = ["title"]
        verbose_name = _("program")
        verbose_name_plural = _("programs")

    def __str__(self) -> str:
        return self.title


MOST_WORDS = 20
"""Words that one search for people looks for; each is a condition to the database."""


class LearnerQuerySet(models.QuerySet["Learner"]):
    """The questions asked of learners."""

    def visible_to(self, user: Any) -> Self:
        """The learners this user may see (SEC-50): own, in care, or all for the registrar's office."""
        if has_role(user, Role.REGISTRAR, Role.APPROVER, Role.ADMIN):
            return self
        allowed = Q(pk__in=[])
        if has_role(user, Role.LEARNER):
            allowed |= Q(user=user)
        if has_role(user, Role.ADVISOR):
            allowed |= Q(pk__in=AdvisorAssignment.learners_of(user))
        return self.filter(allowed)

    def matching(self, text: str) -> Self:
        """Learners whose name or identifier holds every word of the text, letter case and form apart.

        Words beyond `MOST_WORDS` are not looked for, and a NUL parts words: nobody's name holds either.
        """
        found = self
        for word in searchable(text.replace("\x00", " ")).split()[:MOST_WORDS]:
            found = found.filter(search_text__contains=word)
        return found


class Learner(FromSource):
    """A person with a record. Names stand as given, in any script, code point for code point."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="learner"
    )
    given_name = models.CharField(_("given name"), max_length=255, blank=True)
    additional_name = models.CharField(_("middle name"), max_length=255, blank=True)
    family_name = models.CharField(_("family name"), max_length=255, blank=True)
    preferred_given_name = models.CharField(_("preferred given name"), max_length=255, blank=True)
    preferred_middle_name = models.CharField(_("preferred middle name"), max_length=255, blank=True)
    preferred_family_name = models.CharField(_("preferred family name"), max_length=255, blank=True)
    pronouns = models.CharField(_("pronouns"), max_length=255, blank=True)
    student_id = models.CharField(_("student number"), max_length=255, blank=True)
    master_identifier = models.CharField(_("master identifier"), max_length=255, blank=True)
    email = models.CharField(_("e-mail"), max_length=255, blank=True)
    telephone = models.CharField(_("telephone"), max_length=255, blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    program = models.ForeignKey(Program, models.PROTECT, null=True, blank=True, related_name="learners")
    organizations = models.ManyToManyField(Organization, blank=True, related_name="learners")
    withholds_directory = models.BooleanField(_("withholds directory information"), default=False)  # PRIV-03
    search_text = models.TextField(editable=False, default="")
    sort_name = models.CharField(max_length=512, editable=False, default="", db_index=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    created_at = models.DateTimeField(default=timezone.now)
    history = HistoricalRecords(excluded_fields=["search_text", "sort_name"])

    objects: ClassVar[LearnerQuerySet] = LearnerQuerySet.as_manager()  # type: ignore[assignment]

    class Meta(FromSource.Meta):
        ordering = ["sort_name", "pk"]
        verbose_name = _("learner")
        verbose_name_plural = _("learners")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The full legal name, in the order given, middle, family."""
        return " ".join(part for part in (self.given_name, self.additional_name, self.family_name) if part)

    @property
    def chosen_names(self) -> tuple[str, str, str]:
        """Given, middle and family name that the person chose, each the legal one where none was chosen."""
        given = self.preferred_given_name or self.given_name
        middle = self.preferred_middle_name or ("" if self.preferred_given_name else self.additional_name)
        return given, middle, self.preferred_family_name or self.family_name

    @property
    def shown_name(self) -> str:
        """The name the person wants to be called by (ROST-38); records carry `name`."""
        given = self.preferred_given_name or self.given_name
        return " ".join(part for part in (given, self.preferred_family_name or self.family_name) if part)

    def set_search_fields(self) -> None:
        """Derives what lists sort and search by; called before each write, bulk ones too."""
        self.sort_name = searchable(self.family_name, self.given_name, self.additional_name)[:512]
        self.search_text = searchable(
            self.given_name,
            self.additional_name,
            self.family_name,
            self.preferred_given_name,
            self.preferred_family_name,
            self.student_id,
            self.source_id,
            self.email,
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves with fresh search fields."""
        self.set_search_fields()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search_text", "sort_name"}
        super().save(*args, **kwargs)


class LearnerIdentifier(models.Model):
    """Another identifier of a learner."""

    learner = models.ForeignKey(Learner, models.CASCADE, related_name="identifiers")
    type = models.CharField(_("type"), max_length=64)
    value = models.CharField(_("value"), max_length=255)
    source = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["type", "value"]
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        constraints = [models.UniqueConstraint(fields=["source", "type", "value"], name="identifier_of_one_learner")]

    def __str__(self) -> str:
        return f"{self.type}: {self.value}"


class RosterPerson(FromSource):
    """Somebody else of the student system: a teacher, a parent. Has no record here."""

    given_name = models.CharField(max_length=255)
    family_name = models.CharField(max_length=255)
    additional_name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=64, blank=True)

    class Meta(FromSource.Meta):
        ordering = ["family_name", "given_name"]
        verbose_name = _("other person")
        verbose_name_plural = _("other people")

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"


class Course(FromSource):
    """A course of the catalogue."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=1024)
    code = models.CharField(_("code"), max_length=255, blank=True)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="courses")
    school_year = models.ForeignKey(AcademicSession, models.PROTECT, null=True, related_name="+")
    subjects: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    subject_codes: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    grades: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    level = models.CharField(_("level"), max_length=255, blank=True)
    credits = models.DecimalField(_("credits"), max_digits=8, decimal_places=3, null=True, blank=True)
    credit_unit = models.CharField(_("credit unit"), max_length=64, blank=True)

    class Meta(FromSource.Meta):
        ordering = ["code", "title"]
        verbose_name = _("course")
        verbose_name_plural = _("courses")

    def __str__(self) -> str:
        return f"{self.code} {self.title}".strip()


class CourseSection(FromSource):
    """One class of a course, in one or several sessions."""

    title = models.CharField(_("title"), max_length=1024)
    code = models.CharField(_("code"), max_length=255, blank=True)
    type = models.CharField(_("type"), max_length=64, blank=True)
    location = models.CharField(_("location"), max_length=1024, blank=True)
    course = models.ForeignKey(Course, models.PROTECT, related_name="sections")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="sections")
    sessions = models.ManyToManyField(AcademicSession, related_name="sections")
    subjects: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    grades: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    periods: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)

    class Meta(FromSource.Meta):
        ordering = ["code", "title"]
        verbose_name = _("class")
        verbose_name_plural = _("classes")

    def __str__(self) -> str:
        return self.title


class Enrollment(FromSource):
    """Somebody in a class: a learner, or another person."""

    section = models.ForeignKey(CourseSection, models.PROTECT, related_name="enrollments")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    learner = models.ForeignKey(Learner, models.PROTECT, null=True, related_name="enrollments")
    person = models.ForeignKey(RosterPerson, models.PROTECT, null=True, related_name="enrollments")
    role = models.CharField(max_length=64)
    primary = models.BooleanField(null=True)
    begin_date = models.DateField(null=True)
    end_date = models.DateField(null=True)

    class Meta(FromSource.Meta):
        ordering = ["pk"]
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        constraints = [
            *FromSource.Meta.constraints,
            models.CheckConstraint(
                condition=Q(learner__isnull=False, person__isnull=True) | Q(learner__isnull=True, person__isnull=False),
                name="enrollment_of_one",
            ),
        ]


class LineItemCategory(FromSource):
    """A kind of graded work; its title decides whether results are of record."""

    title = models.CharField(max_length=1024)
    weight = models.DecimalField(max_digits=12, decimal_places=4, null=True)

    class Meta(FromSource.Meta):
        ordering = ["title"]
        verbose_name = _("kind of graded work")
        verbose_name_plural = _("kinds of graded work")

    def __str__(self) -> str:
        return self.title


class GradeScale(FromSource):
    """Grades and what they are worth, best first as sent."""

    title = models.CharField(_("title"), max_length=1024)
    type = models.CharField(_("type"), max_length=255, blank=True)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="grade_scales")
    course = models.ForeignKey(Course, models.PROTECT, null=True, related_name="grade_scales")
    section = models.ForeignKey(CourseSection, models.PROTECT, null=True, related_name="grade_scales")
    values: "models.JSONField[list[list[str]], list[list[str]]]" = models.JSONField(
        _("values"), default=list, help_text=_('[["A", "4.0"], …] in the order given')
    )

    class Meta(FromSource.Meta):
        ordering = ["title"]
        verbose_name = _("grade scale")
        verbose_name_plural = _("grade scales")

    def __str__(self) -> str:
        return self.title


class LineItem(FromSource):
    """A thing that was graded in a class."""

    title = models.CharField(max_length=1024)
    description = models.TextField(blank=True)
    section = models.ForeignKey(CourseSection, models.PROTECT, related_name="line_items")
    category = models.ForeignKey(LineItemCategory, models.PROTECT, related_name="line_items")
    session = models.ForeignKey(AcademicSession, models.PROTECT, related_name="+")
    grade_scale = models.ForeignKey(GradeScale, models.PROTECT, null=True, related_name="+")
    assign_date = models.DateTimeField(null=True)
    due_date = models.DateTimeField(null=True)
    value_min = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    value_max = models.DecimalField(max_digits=12, decimal_places=4, null=True)

    class Meta(FromSource.Meta):
        ordering = ["pk"]
        verbose_name = _("piece of graded work")
        verbose_name_plural = _("pieces of graded work")

    def __str__(self) -> str:
        return self.title


class CourseResult(FromSource):
    """What a learner got for a line item."""

    line_item = models.ForeignKey(LineItem, models.PROTECT, related_name="results")
    learner = models.ForeignKey(Learner, models.PROTECT, related_name="course_results")
    score_status = models.CharField(max_length=64)
    score = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    text_score = models.CharField(max_length=255, blank=True)
    score_date = models.DateField(null=True)
    comment = models.TextField(blank=True)
    in_progress = models.BooleanField(null=True)
    incomplete = models.BooleanField(null=True)
    late = models.BooleanField(null=True)
    missing = models.BooleanField(null=True)

    class Meta(FromSource.Meta):
        ordering = ["pk"]
        verbose_name = _("result")
        verbose_name_plural = _("results")


class LearningObjective(FromSource):
    """A competency that a line item aims at or a result speaks of (OneRoster 1.2)."""

    line_item = models.ForeignKey(LineItem, models.CASCADE, null=True, related_name="objectives")
    result = models.ForeignKey(CourseResult, models.CASCADE, null=True, related_name="objectives")
    objective_source = models.CharField(max_length=64)
    objective_id = models.CharField(max_length=255, db_index=True)
    score = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    text_score = models.CharField(max_length=255, blank=True)

    class Meta(FromSource.Meta):
        ordering = ["pk"]
        verbose_name = _("objective")
        verbose_name_plural = _("objectives")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id", "line_item"],
                condition=Q(line_item__isnull=False),
                name="line_item_objective_source_key",
            ),
            models.UniqueConstraint(
                fields=["source", "source_id", "result"],
                condition=Q(result__isnull=False),
                name="result_objective_source_key",
            ),
            models.CheckConstraint(
                condition=Q(line_item__isnull=False, result__isnull=True)
                | Q(line_item__isnull=True, result__isnull=False),
                name="objective_of_one",
            ),
        ]


class SourceRow(FromSource):
    """A row of a table that the portal checks and keeps but does not use."""

    table = models.CharField(max_length=64)
    data: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("row kept as sent")
        verbose_name_plural = _("rows kept as sent")
        constraints = [
            models.UniqueConstraint(fields=["source", "table", "source_id"], name="sourcerow_source_key"),
        ]


class Cohort(models.Model):
    """A named list of learners: a graduating class, a programme's year, a caseload."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=255, unique=True)
    description = models.TextField(_("description"), blank=True)
    learners = models.ManyToManyField(Learner, blank=True, related_name="cohorts")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["title"]
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")

    def __str__(self) -> str:
        return self.title


class AdvisorAssignment(models.Model):
    """Puts one learner, a program or a cohort into an advisor's care."""

    advisor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="advising")
    learner = models.ForeignKey(Learner, models.CASCADE, null=True, blank=True, related_name="advisors")
    program = models.ForeignKey(Program, models.CASCADE, null=True, blank=True, related_name="advisors")
    cohort = models.ForeignKey(Cohort, models.CASCADE, null=True, blank=True, related_name="advisors")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["advisor", "pk"]
        verbose_name = _("advisor assignment")
        verbose_name_plural = _("advisor assignments")
        constraints = [
            models.CheckConstraint(
                condition=Q(learner__isnull=False, program__isnull=True, cohort__isnull=True)
                | Q(learner__isnull=True, program__isnull=False, cohort__isnull=True)
                | Q(learner__isnull=True, program__isnull=True, cohort__isnull=False),
                name="assignment_of_one",
            ),
            models.UniqueConstraint(
                fields=["advisor", "learner"], condition=Q(learner__isnull=False), name="learner_in_care_once"
            ),
            models.UniqueConstraint(
                fields=["advisor", "program"], condition=Q(program__isnull=False), name="program_in_care_once"
            ),
            models.UniqueConstraint(
                fields=["advisor", "cohort"], condition=Q(cohort__isnull=False), name="cohort_in_care_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.advisor}: {self.learner or self.program or self.cohort}"

    @classmethod
    def learners_of(cls, advisor: Any) -> models.QuerySet[Learner, Any]:
        """Primary keys of the learners in this advisor's care, as a subquery."""
        mine = cls.objects.filter(advisor=advisor)
        return Learner.objects.filter(
            Q(pk__in=mine.filter(learner__isnull=False).values("learner"))
            | Q(program__in=mine.filter(program__isnull=False).values("program"))
            | Q(cohorts__in=mine.filter(cohort__isnull=False).values("cohort"))
        ).values("pk")
