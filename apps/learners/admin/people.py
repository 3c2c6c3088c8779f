"""Learners and what they are sorted by: programs, cohorts, sessions, courses, advisors in charge."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import action, display

from apps.accounts.models import User
from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles, NamedCells
from apps.learners import advising, invitations
from apps.learners.models import (
    AcademicSession,
    AdvisorAssignment,
    Cohort,
    Course,
    Learner,
    LearnerIdentifier,
    Program,
)
from apps.network import limits

SOURCE_FIELDS = ("source", "source_id", "source_line", "import_run", "ended_at")
"""Where a row came from: which import, which line (model, invariant 7)."""


class AssignmentFileForm(forms.Form):
    """A file of assignments."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("Columns: advisor (e-mail), and one of learner (student number), program, cohort."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


def tell_of(request: HttpRequest, outcome: invitations.Invited) -> None:
    """Says how many were invited, and who was not and why."""
    if outcome.count:
        sentence = ngettext("%(n)d letter is on its way.", "%(n)d letters are on their way.", outcome.count)
        messages.success(request, sentence % {"n": outcome.count})
    names = [f"{name}: {reason}" for name, reason in list(outcome.left_out.items())[:10]]
    if names:
        more = len(outcome.left_out) - len(names)
        names += [_("and %(n)d more") % {"n": more}] if more else []
        messages.warning(request, _("Not invited: %(names)s") % {"names": "; ".join(map(str, names))})


class EndedFilter(admin.SimpleListFilter):
    """Still in the student system, or missing from its newest export."""

    title = _("in the student system")
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two choices."""
        return [("no", _("still there")), ("yes", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen rows."""
        if self.value() is None:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "no")


class FromSourceAdmin(ForRoles, ModelAdmin):
    """What came from the student system: looked at, seldom edited here."""

    editors: ClassVar[tuple[Role, ...]] = (Role.REGISTRAR,)
    list_per_page = 50
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """The source of the row is never edited."""
        return [*super().get_readonly_fields(request, obj), *SOURCE_FIELDS]


class IdentifierInline(NamedCells, TabularInline):
    """Further identifiers of a learner."""

    model = LearnerIdentifier
    extra = 0
    fields = ("type", "value", "source")
    readonly_fields = ("source",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the learner."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the learner."""
        return admin.site._registry[Learner].has_change_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the learner."""
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the learner."""
        return self.has_change_permission(request)


@admin.register(Learner)
class LearnerAdmin(SimpleHistoryAdmin, FromSourceAdmin):
    """People with records."""

    editors = (Role.REGISTRAR, Role.ADMIN)
    list_display = ("shown_name", "student_id", "program", "email", "shown_ended")
    list_filter = (
        ("program", AutocompleteSelectFilter),
        ("cohorts", AutocompleteSelectFilter),
        EndedFilter,
    )
    list_filter_submit = True
    list_select_related = ("program",)
    search_fields = ("search_text",)
    search_help_text = _("Name, student number, key or e-mail")
    ordering = ("sort_name", "pk")
    autocomplete_fields = ("program",)
    actions = ("invite_selected",)
    actions_detail = ("invite_one",)
    inlines = (IdentifierInline,)
    fieldsets = (
        (None, {"fields": (("given_name", "additional_name", "family_name"), "student_id", "program")}),
        (
            _("Wants to be called"),
            {"fields": (("preferred_given_name", "preferred_middle_name", "preferred_family_name"), "pronouns")},
        ),
        (_("Contact"), {"fields": (("email", "telephone"), "birth_date", "withholds_directory")}),
        (_("Where this came from"), {"fields": (*SOURCE_FIELDS, "shown_organizations", "shown_user")}),
    )
    readonly_fields = ("shown_organizations", "shown_user")
    gather: "Callable[[HttpRequest, Learner], dict[str, Any]] | None" = None
    """What rooms above show on a learner's page; they set this and `change_form_outer_before_template`."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With what the rooms above know of the learner."""
        learner = context.get("original")
        if self.gather is not None and isinstance(learner, Learner):
            context.update(self.gather(request, learner))
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Learner]:
        """The learners this person may see (SEC-50, SEC-51)."""
        learners: QuerySet[Learner] = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return learners
        return learners.filter(pk__in=Learner.objects.visible_to(request.user).values("pk"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Learner], search_term: str
    ) -> tuple[QuerySet[Learner], bool]:
        """Every word, in any script, letter case and form apart."""
        if not search_term:
            return queryset, False
        return queryset.filter(pk__in=Learner.objects.matching(search_term).values("pk")), False

    @action(description=_("Invite: a letter with a link to their own sign-in"), permissions=["invite"])
    def invite_selected(self, request: HttpRequest, queryset: QuerySet[Learner]) -> None:
        """Invites the selection."""
        tell_of(request, invitations.invite(queryset, by=request.user))  # type: ignore[arg-type]

    @action(description=_("Invite"), url_path="invite", permissions=["invite"])
    def invite_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, then invites this learner."""
        learner = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            tell_of(request, invitations.invite([learner], by=request.user))  # type: ignore[arg-type]
            return redirect("admin:learners_learner_change", object_id)
        context = {**self.admin_site.each_context(request), "title": _("Invite"), "learner": learner}
        return render(request, "admin/learners/learner/invite.html", context)

    def has_invite_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever edits learners invites them."""
        return self.has_change_permission(request)

    @display(description=_("name"), ordering="sort_name")
    def shown_name(self, learner: Learner) -> str:
        """The name as it stands in records."""
        return learner.name

    @display(description=_("in the student system"), label={"ended": "warning", "there": "success"})
    def shown_ended(self, learner: Learner) -> tuple[str, Any]:
        """Whether the newest full export still has the person."""
        return ("ended", _("ended")) if learner.ended_at else ("there", _("still there"))

    @display(description=_("organizations"))
    def shown_organizations(self, learner: Learner) -> str:
        """Where the person belongs."""
        return ", ".join(str(organization) for organization in learner.organizations.all())

    @display(description=_("sign-in"))
    def shown_user(self, learner: Learner) -> str:
        """The account, if the learner has one."""
        return str(learner.user or _("none; invite the learner to make one"))


@admin.register(AcademicSession)
class AcademicSessionAdmin(FromSourceAdmin):
    """School years, semesters, terms."""

    list_display = ("title", "type", "start_date", "end_date", "parent", "school_year")
    list_filter = ("type", "school_year", ("start_date", RangeDateFilter), EndedFilter)
    list_filter_submit = True
    list_select_related = ("parent",)
    search_fields = ("title", "source_id")
    autocomplete_fields = ("parent",)
    fields = ("title", "type", ("start_date", "end_date"), "parent", "school_year", *SOURCE_FIELDS)


@admin.register(Program)
class ProgramAdmin(FromSourceAdmin):
    """Programs of study."""

    list_display = ("title", "code", "organization", "learner_count")
    list_select_related = ("organization",)
    search_fields = ("title", "code")
    fields = ("title", "code", "organization", *SOURCE_FIELDS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Program]:
        """With the number of learners, in the same query."""
        programs: QuerySet[Program] = super().get_queryset(request)
        return programs.annotate(learner_count=Count("learners"))

    @display(description=_("learners"), ordering="learner_count")
    def learner_count(self, program: Any) -> int:
        """How many are in it."""
        return int(program.learner_count)


@admin.register(Course)
class CourseAdmin(FromSourceAdmin):
    """The catalogue as the student system sent it."""

    list_display = ("code", "title", "organization", "credits", "credit_unit", "level")
    list_filter = (("organization", AutocompleteSelectFilter), "level", EndedFilter)
    list_filter_submit = True
    list_select_related = ("organization",)
    search_fields = ("code", "title", "source_id")
    fields = ("code", "title", "organization", ("credits", "credit_unit"), "level", *SOURCE_FIELDS)


@admin.register(Cohort)
class CohortAdmin(ForRoles, ModelAdmin):
    """Named lists of learners."""

    editors = (Role.REGISTRAR,)
    deleters = (Role.REGISTRAR,)
    list_display = ("title", "learner_count", "created_by", "created_at")
    actions = ("invite_learners",)
    list_select_related = ("created_by",)
    list_per_page = 50
    search_fields = ("title",)
    autocomplete_fields = ("learners",)
    fields = ("title", "description", "learners")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        """With the number of learners, in the same query."""
        cohorts: QuerySet[Cohort] = super().get_queryset(request)
        return cohorts.annotate(learner_count=Count("learners"))

    @action(description=_("Invite the learners of the selected cohorts"), permissions=["change"])
    def invite_learners(self, request: HttpRequest, queryset: QuerySet[Cohort]) -> None:
        """Invites whole classes."""
        learners = Learner.objects.visible_to(request.user).filter(cohorts__in=queryset).distinct()
        tell_of(request, invitations.invite(learners, by=request.user))  # type: ignore[arg-type]

    @display(description=_("learners"), ordering="learner_count")
    def learner_count(self, cohort: Any) -> int:
        """How many are on the list."""
        return int(cohort.learner_count)

    def save_model(self, request: HttpRequest, obj: Cohort, form: Any, change: bool) -> None:
        """Remembers who made the list."""
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(AdvisorAssignment)
class AdvisorAssignmentAdmin(ForRoles, ModelAdmin):
    """Who advises whom: one learner, a program, or a cohort at a time."""

    editors = (Role.ADMIN,)
    deleters = (Role.ADMIN,)
    list_display = ("advisor", "learner", "program", "cohort", "created_at")
    actions_list = ("from_file",)
    list_filter = (("program", AutocompleteSelectFilter), ("cohort", AutocompleteSelectFilter))
    list_filter_submit = True
    list_select_related = ("advisor", "learner", "program", "cohort")
    list_per_page = 50
    search_fields = ("advisor__email", "advisor__name", "learner__search_text", "program__title", "cohort__title")
    autocomplete_fields = ("learner", "program", "cohort")
    fields = ("advisor", "learner", "program", "cohort")

    @action(description=_("Assign from a CSV file"), url_path="from-file", permissions=["add"])
    def from_file(self, request: HttpRequest) -> HttpResponse:
        """Takes a file of assignments, whole or not at all."""
        form = AssignmentFileForm(request.POST or None, request.FILES or None)
        outcome = None
        if request.method == "POST":
            limits.count(limits.UPLOAD, str(request.user.pk))  # SEC-59
        if request.method == "POST" and form.is_valid():
            outcome = advising.assign(form.cleaned_data["file"].read(), by=request.user)  # type: ignore[arg-type]
            if not outcome.refused:
                sentence = _("%(made)d assignments made, %(known)d were there already.")
                messages.success(request, sentence % {"made": outcome.made, "known": outcome.known})
                return redirect("admin:learners_advisorassignment_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Assign advisors from a file"),
            "form": form,
            "outcome": outcome,
        }
        return render(request, "admin/learners/advisorassignment/from_file.html", context)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only advisors can be put in charge."""
        if db_field.name == "advisor":
            kwargs["queryset"] = User.objects.filter(groups__name=Role.ADVISOR).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: AdvisorAssignment, form: Any, change: bool) -> None:
        """Remembers who put the advisor in charge."""
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
