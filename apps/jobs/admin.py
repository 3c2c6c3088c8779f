"""Background work in the admin: a list, and a page that shows one job's progress while it runs."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.jobs import running
from apps.jobs.models import Job
from apps.network.numbers import whole

STATE_LABELS = {
    Job.State.QUEUED: "default",
    Job.State.RUNNING: "info",
    Job.State.PAUSED: "warning",
    Job.State.DONE: "success",
    Job.State.FAILED: "danger",
    Job.State.CANCELLED: "default",
}


def progress_of(job: Job) -> dict[str, Any]:
    """What the progress component shows of a job: counts, rate, time left."""
    shown: dict[str, Any] = {
        "label": job.title,
        "done": job.done,
        "total": job.total,
        "failed": job.failed,
        "state": job.get_state_display(),
        "id": f"job-{job.pk}",
    }
    if job.state == Job.State.RUNNING and job.started_at and job.done:
        seconds = max((timezone.now() - job.started_at).total_seconds(), 0.1)
        rate = job.done / seconds
        shown["rate"] = rate
        if job.total:
            shown["remaining"] = timeuntil(timezone.now() + timedelta(seconds=(job.total - job.done) / rate + 60))
    if not job.is_over:
        shown["poll"] = reverse("admin:jobs_job_progress", args=[job.pk])
    return shown


@admin.register(Job)
class JobAdmin(ForRoles, ModelAdmin):
    """Every job of the office."""

    editors = (Role.REGISTRAR,)
    adders = ()
    list_display = ("title", "shown_state", "done", "failed", "total", "created_by", "created_at")
    list_filter = ("state", "kind")
    list_select_related = ("created_by",)
    search_fields = ("title", "public_id")
    ordering = ("-created_at",)
    list_per_page = 50
    show_full_result_count = False

    @display(description=_("state"), label=STATE_LABELS)
    def shown_state(self, job: Job) -> tuple[str, str]:
        """The state in words, with its colour."""
        return job.state, job.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        """The job's own addresses."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/progress/", wrap(self.progress), name="jobs_job_progress"),
            path("<int:pk>/step/", wrap(require_POST(self.step)), name="jobs_job_step"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one job."""
        return self._page(request, self._find(request, object_id), "admin/jobs/job/page.html")

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes while the job runs."""
        return self._page(request, self._find(request, pk), "admin/jobs/job/progress.html")

    def step(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancels, holds, or lets go on."""
        job = self._find(request, pk)
        steps = {"cancel": running.cancel, "pause": running.pause, "resume": running.resume}
        if (act := steps.get(request.POST.get("step", ""))) is not None and self.has_change_permission(request):
            act(job)
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[pk]))

    def _find(self, request: HttpRequest, pk: Any) -> Job:
        number = whole(pk)
        job = None if number is None else Job.objects.filter(pk=number).select_related("created_by").first()
        if job is None or not self.has_view_permission(request, job):
            raise Http404
        return job

    def _page(self, request: HttpRequest, job: Job, template: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": job.title,
            "opts": self.opts,
            "job": job,
            "progress": progress_of(job),
            "reasons": job.result.get("reasons", {}),
            "may_step": self.has_change_permission(request, job),
        }
        return render(request, template, context)
