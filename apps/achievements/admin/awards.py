"""Awarding one achievement to many: whom, a preview with every refused line, the job, and taking it back as a whole."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.achievements import granting
from apps.achievements.models import Achievement, Award
from apps.institution import files
from apps.jobs.admin import progress_of
from apps.jobs.models import Job
from apps.jobs.running import new_nonce
from apps.learners.models import Cohort, Learner, Program
from apps.network.limits import ORDINARY_BODY
from apps.network.numbers import whole
from apps.network.spreadsheets import csv_lines

SHOWN = 50
SALT = "achievements.award"
STATE_LABELS = {"undone": "default", "done": "success", "failed": "danger", "running": "info"}


class AwardForm(forms.Form):
    """What, when, and to whom: a file, or learners whom every choice names."""

    achievement = forms.ModelChoiceField(Achievement.objects.none(), label=_("Achievement"))
    awarded_on = forms.DateField(
        label=_("Awarded on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    cohort = forms.ModelChoiceField(Cohort.objects.all(), label=_("Cohort"), required=False)
    program = forms.ModelChoiceField(Program.objects.all(), label=_("Program"), required=False)
    words = forms.CharField(
        label=_("Name or number holds"),
        required=False,
        max_length=200,
        help_text=_("Narrows the cohort or program down, or stands for itself."),
    )
    file = forms.FileField(
        label=_("Or a CSV file"),
        required=False,
        help_text=_(
            "Columns: identifier (student number), and where needed date, honours, result. UTF-8, up to 100,000 lines."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Achievement.objects.current().filter(course=None).order_by("name", "pk")
        self.fields["achievement"].queryset = offered  # type: ignore[attr-defined]

    def clean_awarded_on(self) -> Any:
        """A year that a record may carry (SEC-33)."""
        day = self.cleaned_data["awarded_on"]
        if not 1900 <= day.year <= 2200:
            raise forms.ValidationError(_("The year must be between 1900 and 2200."))
        return day

    def clean_file(self) -> "UploadedFile[Any] | None":
        """Not larger than a form may be (SEC-20)."""
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > ORDINARY_BODY:
            raise forms.ValidationError(_("The file is larger than 5 MB; split it."))
        return file

    def clean(self) -> dict[str, Any]:
        """Exactly one way to say whom."""
        cleaned = super().clean() or {}
        chosen = any(cleaned.get(name) for name in ("cohort", "program", "words"))
        if "file" in cleaned and bool(cleaned.get("file")) == chosen:
            raise forms.ValidationError(_("Choose a cohort, a program or words of a name, or else give a file."))
        return cleaned


class UndoneFilter(admin.SimpleListFilter):
    """Awards that stand, or were undone."""

    title = _("state")
    parameter_name = "undone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two choices."""
        return [("no", _("standing")), ("yes", _("undone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        return queryset if self.value() is None else queryset.filter(undone_at__isnull=self.value() == "no")


@admin.register(Award)
class AwardAdmin(ForRoles, ModelAdmin):
    """History of awards, and the way to a new one."""

    editors = (Role.REGISTRAR,)
    list_display = (
        "achievement",
        "description",
        "awarded_on",
        "learner_count",
        "shown_state",
        "created_by",
        "created_at",
    )
    list_filter = (UndoneFilter,)
    list_select_related = ("achievement", "created_by", "job")
    search_fields = ("achievement__name", "achievement__human_code", "description")
    search_help_text = _("Achievement, or to whom")
    ordering = ("-created_at",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Award]:
        """With the number of learners, in the same query; the rows themselves stay where they are."""
        awards: QuerySet[Award] = super().get_queryset(request)
        return awards.defer("rows").annotate(learner_count=Count("assertions"))

    @display(description=_("learners"), ordering="learner_count")
    def learner_count(self, award: Any) -> int:
        """How many got it so far."""
        return int(award.learner_count)

    @display(description=_("state"), label=STATE_LABELS)
    def shown_state(self, award: Award) -> tuple[str, Any]:
        """Undone, under way, done, or failed."""
        return _state(award)

    def get_urls(self) -> list[URLPattern]:
        """The pages of an award."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/undo/", wrap(require_POST(self.undo)), name="achievements_award_undo"),
            *super().get_urls(),
        ]

    # --- a new one

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Asks what, when and to whom; then shows what would happen; then starts it."""
        if not self.has_add_permission(request):
            raise Http404
        if request.method == "POST" and "asked" in request.POST:
            return self._go_on(request)
        initial = {"awarded_on": timezone.localdate(), "achievement": whole(request.GET.get("achievement"))}
        form = AwardForm(request.POST, request.FILES) if request.method == "POST" else AwardForm(initial=initial)
        if request.method == "POST" and form.is_valid():
            chosen = form.cleaned_data
            file: UploadedFile[Any] | None = chosen["file"]
            said = {
                "achievement": chosen["achievement"].pk,
                "awarded_on": chosen["awarded_on"].isoformat(),
                "cohort": chosen["cohort"].pk if chosen["cohort"] else None,
                "program": chosen["program"].pk if chosen["program"] else None,
                "words": chosen["words"],
                "file": files.put(file.read()) if file else "",
                "description": _description(chosen),
                "by": request.user.pk,
            }
            try:
                return self._preview(request, said, self._look(said))
            except granting.AwardRefused as refusal:
                form.add_error("file", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Award to many"),
            "opts": self.opts,
            "form": form,
        }
        return render(request, "admin/achievements/award/new.html", context)

    def _look(self, said: dict[str, Any]) -> granting.Preview:
        """The preview of what was asked for, made anew from the database."""
        achievement = Achievement.objects.current().filter(pk=said["achievement"]).first()
        if achievement is None:
            raise granting.AwardRefused(_t("This achievement has a newer version in the meantime. Begin again."))
        awarded_on = forms.DateField().clean(said["awarded_on"])
        if said["file"]:
            try:
                content = files.get(said["file"])
            except files.FileMissing:
                raise granting.AwardRefused(_t("The file is kept for a day only. Choose it again.")) from None
            return granting.preview(achievement, awarded_on=awarded_on, csv_file=content)
        learners = Learner.objects.filter(merged_into=None, ended_at=None)
        if said["cohort"]:
            learners = learners.filter(cohorts=said["cohort"])
        if said["program"]:
            learners = learners.filter(program=said["program"])
        if said["words"]:
            learners = learners.matching(said["words"])
        return granting.preview(achievement, awarded_on=awarded_on, learners=learners)

    def _preview(self, request: HttpRequest, said: dict[str, Any], found: granting.Preview) -> HttpResponse:
        shown = [each.learner for each in found.given[:SHOWN]] + found.already[:SHOWN]
        people = Learner.objects.in_bulk(shown)
        count = len(found.given)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Award to many"),
            "opts": self.opts,
            "found": found,
            "count": count,
            "given": [(people[each.learner], each) for each in found.given[:SHOWN]],
            "already": [people[pk] for pk in found.already[:SHOWN]],
            "refused": found.refused[:SHOWN],
            "description": said["description"],
            "asked": signing.dumps({**said, "count": count}, salt=SALT, compress=True),
            "nonce": request.POST.get("nonce") or new_nonce(),
            "start_label": ngettext("Award it to %(n)d learner", "Award it to %(n)d learners", count) % {"n": count},
        }
        return render(request, "admin/achievements/award/preview.html", context)

    def _go_on(self, request: HttpRequest) -> HttpResponse:
        """From the preview: starts what was shown, or gives the refused lines as a file."""
        try:
            said = signing.loads(request.POST["asked"], salt=SALT, max_age=86_400)
        except signing.BadSignature:
            said = {}
        again = HttpResponseRedirect(reverse("admin:achievements_award_add"))
        if said.get("by") != request.user.pk:
            messages.error(request, _t("This preview is no longer good. Nothing was awarded; begin again."))
            return again
        nonce = request.POST.get("nonce", "")[:64]
        known = Job.objects.filter(nonce=nonce, kind=granting.KIND).first() if nonce else None
        if known is not None:  # REL-10: the same form sent twice is one award
            stored = Award.objects.get(public_id=known.arguments["award"])
            return HttpResponseRedirect(reverse("admin:achievements_award_change", args=[stored.pk]))
        try:
            found = self._look(said)
            if request.POST.get("step") == "refused":
                return _refused_lines(found)
            if len(found.given) != said["count"]:
                messages.warning(
                    request, _t("The learners changed since the preview. Nothing was awarded; look again.")
                )
                return self._preview(request, said, found)
            stored = granting.award(found, by=request.user, description=said["description"], nonce=nonce or None)
        except granting.AwardRefused as refusal:
            messages.error(request, str(refusal))
            return again
        return HttpResponseRedirect(reverse("admin:achievements_award_change", args=[stored.pk]))

    # --- one award

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What was awarded to whom, how far it is, and the way back."""
        award = self._find(request, object_id)
        given = award.assertions.select_related("learner").order_by("learner__sort_name", "pk")
        state, words = _state(award)
        may = self.has_change_permission(request)
        count = award.assertions.filter(withdrawn_at=None).count()
        context = {
            **self.admin_site.each_context(request),
            "title": str(award.achievement),
            "opts": self.opts,
            "award": award,
            "state": state,
            "state_words": words,
            "job": award.job,
            "progress": progress_of(award.job) if award.job is not None else None,
            "may_step": may and award.undone_at is None,
            "may_undo": may and award.undone_at is None,
            "undo_title": ngettext(
                "Take %(name)s back from %(n)d learner?", "Take %(name)s back from %(n)d learners?", count
            )
            % {"name": award.achievement, "n": count},
            "undo_consequences": [
                ngettext(
                    "%(n)d earned achievement is withdrawn and no longer goes into records.",
                    "%(n)d earned achievements are withdrawn and no longer go into records.",
                    count,
                )
                % {"n": count},
                _t("Drafts that hold it are marked as out of date."),
                _t("Nothing issued changes: while an issued record holds it, the award cannot be undone as a whole."),
                _t("The award stays in the history, marked as undone."),
            ],
            "given": Paginator(given, SHOWN).get_page(request.GET.get("page")),
        }
        return render(request, "admin/achievements/award/page.html", context)

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Takes the award back."""
        award = self._find(request, pk)
        if not self.has_change_permission(request, award):
            raise Http404
        try:
            gone = granting.undo(award, by=request.user)
        except granting.AwardRefused as refusal:
            messages.error(request, str(refusal))
        else:
            sentence = ngettext("Taken back from %(n)d learner.", "Taken back from %(n)d learners.", gone)
            messages.success(request, sentence % {"n": gone})
        return HttpResponseRedirect(reverse("admin:achievements_award_change", args=[pk]))

    def _find(self, request: HttpRequest, pk: Any) -> Award:
        number = whole(pk)
        found = Award.objects.none() if number is None else Award.objects.filter(pk=number)
        award = found.select_related("achievement", "created_by", "undone_by", "job").first()
        if award is None or not self.has_view_permission(request, award):
            raise Http404
        return award


def _state(award: Award) -> tuple[str, Any]:
    if award.undone_at is not None:
        return "undone", _("undone")
    if award.job is None or award.job.state == Job.State.DONE:
        return "done", _("awarded")
    if award.job.state == Job.State.FAILED:
        return "failed", _("failed")
    return "running", award.job.get_state_display()


def _description(chosen: dict[str, Any]) -> str:
    """To whom, in words."""
    if chosen["file"]:
        return str(_t("File %(name)s") % {"name": chosen["file"].name})[:1024]
    parts = [str(chosen[name]) for name in ("cohort", "program") if chosen[name]]
    parts += [f"“{chosen['words']}”"] if chosen["words"] else []
    return " · ".join(parts)[:1024]


def _refused_lines(found: granting.Preview) -> HttpResponse:
    """The lines that cannot be awarded, as a spreadsheet (SEC-30)."""
    header = [_t("line"), _t("column"), _t("value"), _t("reason")]
    rows = ([each.line, each.column, each.value, each.reason] for each in found.refused)
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="refused-lines.csv"'
    response["Cache-Control"] = "no-store"
    return response  # type: ignore[return-value]
