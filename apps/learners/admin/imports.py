"""Imports: drop a file, see what it would change, start it, watch it, undo it (ROST-35)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.jobs.admin import progress_of
from apps.jobs.models import Job
from apps.learners.importing import jobs
from apps.learners.importing.kinds import KINDS
from apps.learners.models import ImportRun
from apps.network import limits
from apps.network.limits import IMPORT_BODY
from apps.network.numbers import whole
from apps.network.spreadsheets import csv_lines

STATE_LABELS = {
    ImportRun.State.RECEIVED: "default",
    ImportRun.State.CHECKING: "info",
    ImportRun.State.PREVIEWED: "warning",
    ImportRun.State.APPLYING: "info",
    ImportRun.State.APPLIED: "success",
    ImportRun.State.REFUSED: "danger",
    ImportRun.State.UNDONE: "default",
}
ISSUES_SHOWN = 50
STILL_AT_WORK = {Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED}


class UploadForm(forms.Form):
    """One bundle."""

    bundle = forms.FileField(
        label=_("OneRoster file"),
        help_text=_("A zip of CSV files as OneRoster 1.1 or 1.2, at most 100 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    source = forms.CharField(
        label=_("Name of the student system"),
        required=False,
        max_length=255,
        help_text=_("Only where the file itself does not name it."),
    )

    def clean_bundle(self) -> "UploadedFile[Any]":
        """Not larger than an import may be (SEC-20)."""
        bundle: UploadedFile[Any] = self.cleaned_data["bundle"]
        if (bundle.size or 0) > IMPORT_BODY:
            raise forms.ValidationError(_("The file is larger than 100 MB."))
        return bundle


@admin.register(ImportRun)
class ImportRunAdmin(ForRoles, ModelAdmin):
    """History of imports, and the way in for a new one."""

    editors = (Role.REGISTRAR,)
    adders = ()
    list_display = ("file_name", "shown_state", "kind", "source", "shown_changes", "created_by", "created_at")
    list_filter = ("state", "kind", "source")
    list_select_related = ("created_by",)
    search_fields = ("file_name", "source", "digest")
    ordering = ("-created_at",)
    list_per_page = 50
    show_full_result_count = False
    actions_list = ("import_file",)

    @display(description=_("state"), label=STATE_LABELS)
    def shown_state(self, run: ImportRun) -> tuple[str, str]:
        """The state in words, with its colour."""
        return run.state, run.get_state_display()

    @display(description=_("changes"))
    def shown_changes(self, run: ImportRun) -> str:
        """How much it added, changed and ended, or how many faults it had."""
        if run.state == ImportRun.State.REFUSED:
            count = run.options.get("errors_total") or len(run.errors)
            return ngettext("%(n)d fault", "%(n)d faults", count) % {"n": count}
        sums = _sums(run.changes)
        return _t("%(added)s new, %(changed)s changed, %(ended)s ended") % {
            name: intcomma(sums[name]) for name in ("added", "changed", "ended")
        }

    @action(description=_("Import student data"), url_path="import-student-data", permissions=["change"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Leads to the page for a new file."""
        return HttpResponseRedirect(reverse("admin:learners_importrun_upload"))

    def get_urls(self) -> list[URLPattern]:
        """The pages of an import."""
        wrap = self.admin_site.admin_view
        return [
            path("upload/", wrap(self.upload), name="learners_importrun_upload"),
            path("<int:pk>/part/", wrap(self.part), name="learners_importrun_part"),
            path("<int:pk>/step/", wrap(require_POST(self.step)), name="learners_importrun_step"),
            path("<int:pk>/faults.csv", wrap(self.faults), name="learners_importrun_faults"),
            *super().get_urls(),
        ]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Takes a file and starts the preview."""
        if not self.has_change_permission(request):
            raise Http404
        if request.method == "POST":
            limits.count(limits.UPLOAD, str(request.user.pk))  # SEC-59
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            bundle: UploadedFile[Any] = form.cleaned_data["bundle"]
            run = jobs.receive(
                bundle.chunks(),
                file_name=bundle.name or "",
                source=form.cleaned_data["source"],
                user=request.user,
            )
            return HttpResponseRedirect(reverse("admin:learners_importrun_change", args=[run.pk]))
        context = {**self.admin_site.each_context(request), "title": _("Import student data"), "form": form}
        return render(request, "admin/learners/importrun/upload.html", {**context, "opts": self.opts})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one import."""
        return self._page(request, self._find(request, object_id), "admin/learners/importrun/page.html")

    def part(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes while work goes on."""
        return self._page(request, self._find(request, pk), "admin/learners/importrun/part.html")

    def step(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Starts, looks again, or undoes."""
        run = self._find(request, pk)
        if not self.has_change_permission(request) or run.kind not in KINDS:
            raise Http404
        work = KINDS[run.kind]
        wanted = request.POST.get("step", "")
        if run.job is not None and run.job.state in STILL_AT_WORK:
            messages.info(request, _("Work on this import is going on already."))
        elif wanted == "start" and run.state == ImportRun.State.PREVIEWED:
            work.start(run, user=request.user)
        elif wanted in {"again", "allow"} and run.state not in {
            ImportRun.State.APPLIED,
            ImportRun.State.UNDONE,
        }:
            work.look_at(run, user=request.user, allow=wanted == "allow")
        elif wanted == "undo" and run.state == ImportRun.State.APPLIED:
            if reasons := work.reasons_against(run):
                messages.error(request, " ".join(reasons))
            else:
                work.undo(run, user=request.user)
        else:
            messages.info(request, _("This import has gone on in the meantime; nothing was done."))
        return HttpResponseRedirect(reverse("admin:learners_importrun_change", args=[pk]))

    def faults(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The faults and warnings as a spreadsheet (SEC-30)."""
        run = self._find(request, pk)
        header = [_t("kind"), _t("code"), _t("file"), _t("row"), _t("column"), _t("value"), _t("what to do")]
        response = StreamingHttpResponse(csv_lines(header, _fault_rows(run)), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{str(run.public_id)[:8]}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def _find(self, request: HttpRequest, pk: Any) -> ImportRun:
        number = whole(pk)
        found = ImportRun.objects.none() if number is None else ImportRun.objects.filter(pk=number)
        run = found.select_related("created_by", "undone_by", "job").first()
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        return run

    def _page(self, request: HttpRequest, run: ImportRun, template: str) -> HttpResponse:
        working = run.job is not None and run.job.state in STILL_AT_WORK
        work = KINDS.get(run.kind)
        may = self.has_change_permission(request, run) and work is not None and not working
        applied = run.state == ImportRun.State.APPLIED
        context = {
            **self.admin_site.each_context(request),
            "title": run.file_name,
            "opts": self.opts,
            "run": run,
            "job": run.job,
            "working": working,
            "progress": progress_of(run.job) if run.job is not None and working else None,
            "tables": _tables(run),
            "sums": _sums(run.changes),
            "errors": run.errors[:ISSUES_SHOWN],
            "errors_total": run.options.get("errors_total") or len(run.errors),
            "warnings": run.warnings[:ISSUES_SHOWN],
            "warnings_total": run.options.get("warnings_total") or len(run.warnings),
            "missing": run.preview.get("missing", []),
            "changed": run.preview.get("changed", {}),
            "may": may,
            "may_start": may and run.state == ImportRun.State.PREVIEWED,
            "may_look_again": may and run.state in {ImportRun.State.RECEIVED, ImportRun.State.CHECKING},
            "may_allow": may and run.state == ImportRun.State.REFUSED and run.options.get("may_allow", False),
            "allow_words": work.allow_words if work else "",
            "source_words": work.source_words if work else "",
            "undo_reasons": work.reasons_against(run) if work and may and applied else [],
            "undo_consequences": _undo_sentences(run, work.consequences(run)) if work and may and applied else [],
        }
        return render(request, template, context)


def _sums(changes: dict[str, Any]) -> dict[str, int]:
    names = ("added", "changed", "unchanged", "ended")
    per_table = [change for change in changes.values() if isinstance(change, dict)]
    if not per_table:  # a framework's changes are not told by table
        return {**{name: int(changes.get(name, 0)) for name in names}, "ended": int(changes.get("retired", 0))}
    return {name: sum(change.get(name, 0) for change in per_table) for name in names}


def _tables(run: ImportRun) -> list[dict[str, Any]]:
    """One line a table: rows, what becomes of them, how many were refused."""
    refused: dict[str, int] = {}
    for issue in run.errors:
        table = str(issue.get("file", "")).removesuffix(".csv")
        refused[table] = refused.get(table, 0) + 1
    if run.kind == ImportRun.Kind.CASE:
        sums = _sums(run.changes)
        return [{"name": _t("Competencies"), "rows": run.counts.get("items"), "refused": len(run.errors), **sums}]
    names = [name for name in run.counts if name != "students"] or sorted(refused)
    return [
        {
            "name": name,
            "rows": run.counts.get(name),
            "refused": refused.get(name, 0),
            **_changes_of(run, name),
        }
        for name in names
    ]


def _changes_of(run: ImportRun, table: str) -> dict[str, int]:
    found = run.changes.get(table)
    return found if isinstance(found, dict) else {}


def _fault_rows(run: ImportRun) -> Iterator[Iterable[Any]]:
    for kind, issues in ((_t("fault"), run.errors), (_t("warning"), run.warnings)):
        for issue in issues:
            names = ("code", "file", "row", "column", "value", "message")
            yield [kind, *(issue.get(name, issue.get("path" if name == "file" else name, "")) for name in names)]


def _undo_sentences(run: ImportRun, consequences: Mapping[Any, int]) -> list[str]:
    found = [
        _t("%(count)s × %(what)s will be removed.") % {"count": intcomma(count), "what": what}
        for what, count in consequences.items()
    ]
    changed = run.before_images.exclude(model__contains=":").count()
    if changed:
        found.append(
            ngettext("%(n)s row gets back what it was before.", "%(n)s rows get back what they were before.", changed)
            % {"n": intcomma(changed)}
        )
    found.append(_t("The file and this entry stay; issued records do not change."))
    return found
