"""Batches in the admin: a class on its way from drafts to issued records, and each batch with its live progress."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.permissions import Role, has_role
from apps.accounts.site import ForRoles
from apps.issuance import batches, choosing
from apps.issuance.models import Batch, Record
from apps.jobs.running import new_nonce
from apps.learners.models import AcademicSession, Cohort, Program
from apps.network.numbers import whole

STATE_LABELS = {Batch.State.RUNNING: "info", Batch.State.PAUSED: "warning", Batch.State.CANCELLED: "default"}
PAGE_SIZE = 50


class ClassForm(forms.Form):
    """Which class: the choices narrow each other down."""

    cohort = forms.ModelChoiceField(
        Cohort.objects.all(), label=gettext_lazy("Cohort"), required=False, widget=UnfoldAdminSelectWidget()
    )
    program = forms.ModelChoiceField(
        Program.objects.all(), label=gettext_lazy("Program"), required=False, widget=UnfoldAdminSelectWidget()
    )
    term = forms.ModelChoiceField(
        AcademicSession.objects.exclude(type=AcademicSession.Type.GRADING_PERIOD),
        label=gettext_lazy("Term"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )


@admin.register(Batch)
class BatchAdmin(ForRoles, ModelAdmin):
    """Requests to issue many records."""

    editors = (Role.REGISTRAR,)
    list_display = ("title", "shown_state", "created_by", "created_at", "public_id")
    list_filter = ("state",)
    list_select_related = ("created_by",)
    search_fields = ("title", "public_id")
    ordering = ("-created_at",)
    list_per_page = 50
    show_full_result_count = False

    @display(description=gettext_lazy("state"), label=STATE_LABELS)
    def shown_state(self, batch: Batch) -> tuple[str, str]:
        """The state in words, with its colour."""
        return batch.state, batch.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        """The batch's own addresses."""
        wrap = self.admin_site.admin_view
        return [
            path("class/", wrap(self.class_view), name="issuance_batch_class"),
            path("<int:pk>/progress/", wrap(self.progress), name="issuance_batch_progress"),
            path("<int:pk>/step/", wrap(require_POST(self.step)), name="issuance_batch_step"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A batch begins with a class."""
        return HttpResponseRedirect(reverse("admin:issuance_batch_class"))

    # --- a class

    def class_view(self, request: HttpRequest) -> HttpResponse:
        """How far the records of a class are, with the next step for all of them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        choice = choosing.Choice.of(request.POST if request.method == "POST" else request.GET)
        if request.method == "POST" and not choice.is_empty:
            return self._class_step(request, choice)
        counts = {} if choice.is_empty else choice.counts()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Records of a class"),
            "opts": self.opts,
            "form": ClassForm(initial=choice.arguments),
            "choice": choice,
            "counts": counts,
            "problems": [] if choice.is_empty else choosing.problems(choice),
            "labels": _labels(counts),
            "nonce": new_nonce(),
            "is_registrar": has_role(request.user, Role.REGISTRAR),
            "may_approve": has_role(request.user, Role.APPROVER),
            "list_query": _list_query(choice),
        }
        return render(request, "admin/issuance/batch/class.html", context)

    def _class_step(self, request: HttpRequest, choice: choosing.Choice) -> HttpResponse:
        step, nonce = request.POST.get("step", ""), request.POST.get("nonce", "")[:64]
        needed = Role.APPROVER if step == "approve" else Role.REGISTRAR
        if not has_role(request.user, needed):
            raise PermissionDenied
        if step == "issue":
            approved = choice.records().filter(state=Record.State.APPROVED)
            try:
                batch = batches.start(approved, by=request.user, title=choice.title[:255], nonce=nonce or None)
            except batches.BatchRefused as refusal:
                messages.error(request, str(refusal))
                return HttpResponseRedirect(choice.address)
            return HttpResponseRedirect(reverse("admin:issuance_batch_change", args=[batch.pk]))
        if step not in {"draft", "submit", "approve"}:
            messages.error(request, _("The form did not say what to do. Nothing was changed."))
            return HttpResponseRedirect(choice.address)
        job = choosing.start(step, choice, by=request.user, nonce=nonce)  # type: ignore[arg-type]
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    # --- one batch

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one batch."""
        return self._page(request, self._find(request, object_id), "admin/issuance/batch/page.html")

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes while the batch runs."""
        return self._page(request, self._find(request, pk), "admin/issuance/batch/progress.html")

    def step(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Holds, lets go on, cancels, tries the failed ones again."""
        batch = self._find(request, pk)
        if not self.has_change_permission(request, batch):
            raise PermissionDenied
        match request.POST.get("step", ""):
            case "pause":
                batches.pause(batch, by=request.user)
            case "resume":
                batches.resume(batch, by=request.user)
            case "cancel":
                batches.cancel(batch, by=request.user)
                messages.success(request, _("Cancelled. What was issued stays issued."))
            case "retry":
                again = batches.retry_failed(batch, by=request.user)
                messages.success(
                    request, ngettext("%(n)d is tried again.", "%(n)d are tried again.", again) % {"n": again}
                )
        return HttpResponseRedirect(reverse("admin:issuance_batch_change", args=[pk]))

    def _find(self, request: HttpRequest, pk: Any) -> Batch:
        number = whole(pk)
        batch = None if number is None else Batch.objects.filter(pk=number).select_related("created_by").first()
        if batch is None or not self.has_view_permission(request, batch):
            raise Http404
        return batch

    def _page(self, request: HttpRequest, batch: Batch, template: str) -> HttpResponse:
        progress = batches.progress(batch)
        is_running = batch.state == Batch.State.RUNNING and not progress.is_over
        context = {
            **self.admin_site.each_context(request),
            "title": batch.title,
            "opts": self.opts,
            "batch": batch,
            "progress": progress,
            "asked_for": progress.total - progress.already,
            "rate": progress.per_second if is_running else None,
            "remaining": _time_left(progress.seconds_left) if is_running else "",
            "may_step": self.has_change_permission(request, batch),
            "items": Paginator(batches.rows(batch), PAGE_SIZE).get_page(request.GET.get("page")),
        }
        return render(request, template, context)


def _time_left(seconds: int | None) -> str:
    """In words; nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return str(_("less than a minute"))
    return timeuntil(timezone.now() + timedelta(seconds=seconds))


def _list_query(choice: choosing.Choice) -> str:
    names = {
        "cohort": "learner__cohorts__id__exact",
        "program": "learner__program__id__exact",
        "term": "draft__term__id__exact",
    }
    return urlencode({names[name]: value for name, value in choice.arguments.items() if name != "term"})


def _labels(counts: dict[str, int]) -> dict[str, str]:
    """What the buttons say, with how many they mean."""
    if not counts:
        return {}
    without, drafts = counts["without"], counts[Record.State.DRAFT]
    review, approved = counts[Record.State.IN_REVIEW], counts[Record.State.APPROVED]
    return {
        "draft": ngettext("Make %(n)d draft", "Make %(n)d drafts", without) % {"n": without}
        if without
        else _("Refresh the drafts"),
        "submit": ngettext("Send %(n)d draft to review", "Send %(n)d drafts to review", drafts) % {"n": drafts},
        "approve": ngettext("Approve %(n)d record", "Approve %(n)d records", review) % {"n": review},
        "issue": ngettext("Issue %(n)d record", "Issue %(n)d records", approved) % {"n": approved},
    }
