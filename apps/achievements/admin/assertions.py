"""What learners have earned, in the office: search, edit with results and evidence, withdraw; nothing is deleted.

Two people on the same page never overwrite each other silently (REL-25): the form carries the version that was looked
at, and whoever saves second sees both states, field by field, and chooses.
"""

import unicodedata
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import action, display

from apps.accounts.overwriting import differences
from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles, NamedCells
from apps.achievements import granting
from apps.achievements.admin.achievements import (
    AlignmentsField,
    PartsField,
    alignment_lines,
    as_line,
    parts_of,
    set_alignments,
)
from apps.achievements.models import (
    Achievement,
    Artifact,
    Assertion,
    Evidence,
    Result,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.institution import audit
from apps.learners.models import MOST_WORDS, Learner


class AssertionForm(forms.ModelForm):  # type: ignore[type-arg]
    """One earned achievement, as of the version that was looked at."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput(), required=False)
    conflict: list[dict[str, Any]] | None = None
    """Field by field, what stands and what was entered, when somebody else saved first."""

    class Meta:
        model = Assertion
        fields = (
            "learner",
            "achievement",
            "issued_on",
            "expires",
            "activity_start_date",
            "activity_end_date",
            "session",
            "term",
            "credits_attempted",
            "credits_earned",
            "narrative",
            "role",
            "license_number",
            "assessor",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_version"] = self.instance.version if self.instance.pk else 0

    def clean(self) -> dict[str, Any]:
        """Refuses a save over a state that was not seen (REL-25); the row stays locked until the save is done."""
        cleaned = super().clean() or {}
        if self.instance.pk is None:
            return cleaned
        stored = Assertion.objects.select_for_update().get(pk=self.instance.pk)
        if cleaned.get("seen_version") != stored.version:
            self.conflict = differences(self, stored)
            entered: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
            entered[self.add_prefix("seen_version")] = str(stored.version)
            self.data = entered
            self.add_error(
                None,
                _t(
                    "Somebody else saved this in the meantime; nothing of yours was stored. Below is what stands now"
                    " and what you entered. Save again to put yours in its place, or open the page anew to keep theirs."
                ),
            )
        return cleaned


class WithAssertion:
    """For inlines: may what the page of the earned achievement may."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the earned achievement."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the earned achievement."""
        return admin.site._registry[Assertion].has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the earned achievement."""
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the earned achievement."""
        return self.has_change_permission(request, obj)


class ResultForm(forms.ModelForm):  # type: ignore[type-arg]
    """A result that the achievement allows."""

    class Meta:
        model = Result
        fields = ("result_description", "value", "achieved_level", "status")

    def clean(self) -> dict[str, Any]:
        """Says something, and only what the possible result allows."""
        cleaned = super().clean() or {}
        description: ResultDescription | None = cleaned.get("result_description")
        value, level = cleaned.get("value"), cleaned.get("achieved_level")
        if description is None:
            return cleaned
        if not (value or level or cleaned.get("status")):
            raise forms.ValidationError(_("Enter a value, a level or a status."))
        if value and description.allowed_values and value not in description.allowed_values:
            allowed = ", ".join(description.allowed_values)
            self.add_error("value", _t("The achievement allows %(values)s.") % {"values": allowed})
        if level is not None and level.result_description_id != description.pk:
            self.add_error("achieved_level", _t("This level belongs to another possible result."))
        return cleaned


class ResultFormWithAlignments(ResultForm):
    """With what the result is aligned to."""

    alignment_lines = AlignmentsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["alignment_lines"].widget.attrs |= {"rows": 1, "aria-label": _("Alignments")}
        if self.instance.pk:
            self.initial["alignment_lines"] = alignment_lines(self.instance.alignments)


class EvidenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """One piece of evidence with its artifacts."""

    artifact_lines = PartsField(3, label=_("Artifacts"), help_text=_("One a line: name | address | description."))

    class Meta:
        model = Evidence
        fields = ("name", "url", "genre", "audience", "description", "narrative")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            linked = (each for each in self.instance.artifacts.all() if not each.file_digest)
            self.initial["artifact_lines"] = [as_line(each.name, each.url, each.description) for each in linked]

    def clean_artifact_lines(self) -> list[str]:
        """Each has a web address; files are attached in the editor of a record."""
        lines: list[str] = self.cleaned_data["artifact_lines"]
        for number, line in enumerate(lines, start=1):
            name, address, _description = parts_of(line, 3)
            if not address.startswith(("https://", "http://", "urn:")) or len(address) > 2048 or len(name) > 255:
                raise forms.ValidationError(_("Line %(n)d: the second part is the address."), params={"n": number})
        return lines


def set_artifacts(evidence: Evidence, lines: list[str]) -> None:
    """Makes the linked artifacts what the lines say; attached files stay."""
    known = {as_line(each.name, each.url, each.description): each for each in evidence.artifacts.filter(file_digest="")}
    for position, line in enumerate(lines):
        name, address, description = parts_of(line, 3)
        artifact = known.pop(as_line(name, address, description), None) or Artifact(evidence=evidence)
        artifact.name, artifact.url, artifact.position = name, address, position
        artifact.description = artifact.description if artifact.pk else description
        artifact.save()
    for gone in known.values():
        gone.delete()


class ResultInline(NamedCells, WithAssertion, TabularInline):
    """Grades, scores, levels, status."""

    model = Result
    form = ResultFormWithAlignments
    extra = 0
    fields = ("result_description", "value", "achieved_level", "status", "alignment_lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Result]:
        """With what the rows show."""
        found: QuerySet[Result] = super().get_queryset(request)
        return found.select_related("result_description", "achieved_level").prefetch_related("alignments")

    def get_formset(self, request: HttpRequest, obj: Assertion | None = None, **kwargs: Any) -> Any:
        """Offers what the achievement allows, read once for all rows."""
        formset = super().get_formset(request, obj, **kwargs)
        descriptions = ResultDescription.objects.filter(achievement=obj.achievement_id if obj else None)
        levels = RubricCriterionLevel.objects.filter(result_description__in=descriptions)
        formset.form.base_fields["result_description"].queryset = descriptions
        formset.form.base_fields["achieved_level"].queryset = levels
        for name, rows in (("result_description", descriptions), ("achieved_level", levels)):
            choices = [("", "–"), *((row.pk, str(row)) for row in rows)]
            formset.form.base_fields[name].widget.choices = choices
            formset.form.base_fields[name].choices = choices
        return formset


class EvidenceInline(WithAssertion, StackedInline):
    """What shows it."""

    model = Evidence
    form = EvidenceForm
    extra = 0
    fields = (("name", "url"), ("genre", "audience"), "description", "narrative", "artifact_lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        """With the artifacts."""
        found: QuerySet[Evidence] = super().get_queryset(request)
        return found.prefetch_related("artifacts")


class StandingFilter(admin.SimpleListFilter):
    """What stands, unless what was withdrawn is asked for."""

    title = _("withdrawn")
    parameter_name = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Beside what stands."""
        return [("yes", _("withdrawn")), ("all", _("both"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        if self.value() == "all":
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() != "yes")


class ProblemFilter(admin.SimpleListFilter):
    """What no record can hold as it is."""

    title = _("problems")
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The one choice."""
        return [("yes", _("kept out of records"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only those with a problem."""
        return queryset.exclude(problem="") if self.value() else queryset


class TypeFilter(admin.SimpleListFilter):
    """By type of achievement."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The standard's types."""
        return list(Achievement.Type.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen type."""
        return queryset.filter(achievement__achievement_type=self.value()) if self.value() else queryset


@admin.register(Assertion)
class AssertionAdmin(SimpleHistoryAdmin, ForRoles, ModelAdmin):
    """Who earned what."""

    editors = (Role.REGISTRAR,)
    form = AssertionForm
    list_display = (
        "shown_learner",
        "shown_achievement",
        "shown_results",
        "term",
        "issued_on",
        "credits_earned",
        "problem",
    )
    list_filter = (
        TypeFilter,
        ("session", AutocompleteSelectFilter),
        ("achievement", AutocompleteSelectFilter),
        ("issued_on", RangeDateFilter),
        ProblemFilter,
        StandingFilter,
    )
    list_filter_submit = True
    list_select_related = ("learner", "achievement")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("learner__search_text", "achievement__name", "achievement__human_code")
    search_help_text = _("Learner (name or number) or achievement (name or code)")
    ordering = ("-pk",)
    autocomplete_fields = ("learner", "achievement", "session", "assessor")
    actions_detail = ("withdraw",)
    guards_edits = False  # by the version, which grows with each edit through any door
    inlines = (ResultInline, EvidenceInline)
    fieldsets = (
        (None, {"fields": (("learner", "achievement"), "issued_on", "expires", "seen_version")}),
        (
            _("When and how much"),
            {
                "fields": (
                    ("activity_start_date", "activity_end_date"),
                    ("session", "term"),
                    ("credits_attempted", "credits_earned"),
                )
            },
        ),
        (_("What is said of it"), {"fields": ("narrative", ("role", "license_number"), "assessor")}),
        (_("Where this came from"), {"fields": ("shown_source", "problem", "withdrawn_at")}),
    )
    readonly_fields = ("shown_source", "problem", "withdrawn_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assertion]:
        """What this person may see (SEC-51)."""
        found: QuerySet[Assertion] = super().get_queryset(request)
        if not getattr(request.user, "is_superuser", False):
            found = found.filter(learner__in=Learner.objects.visible_to(request.user).values("pk"))
        return found.prefetch_related("results__achieved_level", "results__result_description")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Assertion], search_term: str
    ) -> tuple[QuerySet[Assertion], bool]:
        """Each word in the learner's name or numbers, or in the achievement's name or code."""
        for word in unicodedata.normalize("NFC", search_term).split()[:MOST_WORDS]:  # SEC-32
            people = Learner.objects.matching(word).values("pk")
            earned = Achievement.objects.matching(word).values("pk")
            queryset = queryset.filter(Q(learner__in=people) | Q(achievement__in=earned))
        return queryset, False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Whose it is and what it is never change; withdraw it and make another."""
        fixed = ["learner", "achievement"] if obj is not None else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """Results and evidence follow once it is known what was earned."""
        return self.inlines if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What was withdrawn is only looked at."""
        if isinstance(obj, Assertion) and obj.withdrawn_at is not None:
            return False
        return super().has_change_permission(request, obj)

    # --- columns

    @display(description=_("learner"), ordering="learner__sort_name", header=True)
    def shown_learner(self, assertion: Assertion) -> list[str]:
        """Name and number."""
        return [assertion.learner.name, assertion.learner.student_id]

    @display(description=_("achievement"), ordering="achievement__name", header=True)
    def shown_achievement(self, assertion: Assertion) -> list[str]:
        """Name and code."""
        return [assertion.achievement.name, assertion.achievement.human_code]

    @display(description=_("results"))
    def shown_results(self, assertion: Assertion) -> str:
        """Values, levels and status."""
        said = (
            result.value or result.achieved_level or result.get_status_display() for result in assertion.results.all()
        )
        return " · ".join(str(each) for each in said)

    @display(description=_("came from"))
    def shown_source(self, assertion: Assertion) -> str:
        """An award, the student system, or somebody's hand."""
        if assertion.award_id is not None:
            return _t("an award to many, %(day)s") % {"day": assertion.created_at.date().isoformat()}
        if assertion.source:
            return f"{assertion.source} · {assertion.source_id}"
        return _t("entered here by %(who)s") % {"who": assertion.created_by or "–"}

    # --- saving (REL-25)

    def save_model(self, request: HttpRequest, obj: Assertion, form: Any, change: bool) -> None:
        """Remembers who made it."""
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The rows, and what stands below them a line each."""
        super().save_formset(request, form, formset, change)
        for part in formset.forms:
            cleaned = getattr(part, "cleaned_data", {})
            if not part.instance.pk or not part.has_changed() or cleaned.get("DELETE"):
                continue
            if "alignment_lines" in cleaned:
                set_alignments(part.instance, cleaned["alignment_lines"])
            if "artifact_lines" in cleaned:
                set_artifacts(part.instance, cleaned["artifact_lines"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Results and evidence count as edits of what they belong to: one version further for all of it."""
        super().save_related(request, form, formsets, change)
        changed = list(form.changed_data)
        changed += [formset.model._meta.model_name for formset in formsets if formset.has_changed()]
        if change and changed:
            Assertion.objects.filter(pk=form.instance.pk).update(version=F("version") + 1, changed_at=timezone.now())
        if changed or not change:
            audit.record(
                "assertion.changed" if change else "assertion.made", form.instance, request.user, fields=changed
            )

    def response_add(self, request: HttpRequest, obj: Assertion, post_url_continue: str | None = None) -> HttpResponse:
        """Goes on to results and evidence."""
        messages.success(request, _t("Stored. Add results and evidence below where there are any."))
        return HttpResponseRedirect(reverse("admin:achievements_assertion_change", args=[obj.pk]))

    # --- withdrawing

    @action(description=_("Withdraw …"), url_path="withdraw", permissions=["change"])
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, saying what follows; then withdraws."""
        assertion = get_object_or_404(self.get_queryset(request).select_related("learner", "achievement"), pk=object_id)
        page = reverse("admin:achievements_assertion_change", args=[assertion.pk])
        if assertion.withdrawn_at is not None:
            messages.info(request, _t("It was withdrawn before; nothing was changed."))
            return HttpResponseRedirect(page)
        if request.method == "POST":
            granting.withdraw(assertion, by=request.user)
            messages.success(request, _t("Withdrawn. It stays in the history and no longer goes into records."))
            return HttpResponseRedirect(page)
        issued = sum(count([assertion.pk]) for count in granting.ISSUED_OF)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Withdraw"),
            "opts": self.opts,
            "assertion": assertion,
            "page": page,
            "issued": ngettext(
                "%(n)d issued record holds it and does not change. Correct or revoke that record where it is wrong.",
                "%(n)d issued records hold it and do not change. Correct or revoke them where they are wrong.",
                issued,
            )
            % {"n": issued}
            if issued
            else _t("No issued record holds it."),
        }
        return render(request, "admin/achievements/assertion/withdraw.html", context)
