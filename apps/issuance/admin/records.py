"""Records in the admin: the list with its bulk actions, and the editor of one record."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from apps.accounts.permissions import Role, has_role
from apps.accounts.site import ForRoles
from apps.issuance import batches, review
from apps.issuance.admin import editor
from apps.issuance.models import Record
from apps.learners.models import Learner

STATE_LABELS = {
    Record.State.DRAFT: "default",
    Record.State.IN_REVIEW: "info",
    Record.State.APPROVED: "primary",
    Record.State.ISSUED: "success",
    Record.State.SUPERSEDED: "warning",
    Record.State.REVOKED: "danger",
}


class StaleFilter(admin.SimpleListFilter):
    """Drafts that include something whose source has changed."""

    title = _("sources")
    parameter_name = "stale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The one choice."""
        return [("yes", _("changed since the draft was made"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Only stale drafts when chosen."""
        return queryset.filter(is_stale=True, state=Record.State.DRAFT) if self.value() else queryset


@admin.register(Record)
class RecordAdmin(ForRoles, ModelAdmin):
    """Every record of the institution, from draft to end."""

    editors = (Role.REGISTRAR, Role.APPROVER)
    adders = (Role.REGISTRAR,)
    list_display = ("shown_learner", "shown_title", "shown_state", "items", "shown_source", "created_at", "public_id")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        StaleFilter,
        ("learner__program", AutocompleteSelectFilter),
        ("learner__cohorts", AutocompleteSelectFilter),
        ("draft__term", AutocompleteSelectFilter),
    )
    list_filter_submit = True
    list_per_page = 50
    list_select_related = ("learner", "draft", "snapshot")
    search_fields = ("learner__search_text", "public_id", "code")
    search_help_text = _("Name, student number, record number or the code printed on the PDF")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("submit_selected", "approve_selected", "issue_selected", "discard_selected", "revoke_selected")
    change_form_template = "admin/issuance/record/editor.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Record]:
        """What this user may see (SEC-51), with what the list shows, in one query."""
        return (
            Record.objects.visible_to(request.user)
            .with_staleness()
            .defer("snapshot__content")
            .annotate(item_count=Count("draft__items", filter=Q(draft__items__included=True)))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Record], search_term: str
    ) -> tuple[models.QuerySet[Record], bool]:
        """Names in any script and form, identifiers, record numbers and codes."""
        term = search_term.strip()
        if not term:
            return queryset, False
        named = Q(learner__in=Learner.objects.matching(term).values("pk"))
        return queryset.filter(named | Q(code=term.lower()) | _public_id_is(term)), False

    # --- columns

    @display(description=_("learner"), ordering="learner__sort_name", header=True)
    def shown_learner(self, record: Record) -> list[Any]:
        """Name and student number."""
        return [format_html("<bdi>{}</bdi>", record.learner.name), record.learner.student_id]

    @display(description=_("record"))
    def shown_title(self, record: Record) -> str:
        """The title it has, or will have."""
        if record.snapshot is not None:
            return record.snapshot.title
        draft = getattr(record, "draft", None)
        return draft.title if draft and draft.title else str(_("Official record"))

    @display(description=_("state"), ordering="state", label=STATE_LABELS)
    def shown_state(self, record: Record) -> tuple[str, str]:
        """The state in words, with its colour."""
        return record.state, record.get_state_display()

    @display(description=_("items"), ordering="item_count")
    def items(self, record: Any) -> int:
        """How many earned achievements it includes."""
        return int(record.item_count)

    @display(description=_("sources"), label={"stale": "warning"})
    def shown_source(self, record: Any) -> tuple[str, str] | None:
        """A mark when a source changed after the draft was made."""
        if record.state == Record.State.DRAFT and record.is_stale:
            return "stale", str(_("changed"))
        return None

    # --- pages of one record

    def get_urls(self) -> list[URLPattern]:
        """The editor's own addresses, before those of the admin."""
        wrap = self.admin_site.admin_view
        own = [
            path(address, wrap(view), name=f"issuance_record_{name}") for address, view, name in editor.addresses(self)
        ]
        return own + super().get_urls()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Begins a draft: for whom, and for which term."""
        return editor.begin(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The editor."""
        return editor.page(self, request, object_id)

    # --- bulk actions: each says what happened to how many, and why not to the others

    @action(description=_("Send to review"))
    def submit_selected(self, request: HttpRequest, queryset: models.QuerySet[Record]) -> None:
        """Freezes the chosen drafts for review."""
        self._each(request, queryset, review.submit, _("sent to review"))

    @action(description=_("Approve"))
    def approve_selected(self, request: HttpRequest, queryset: models.QuerySet[Record]) -> None:
        """Approves what is in review."""
        self._each(request, queryset, review.approve, _("approved"))

    @action(description=_("Discard drafts that were never approved"))
    def discard_selected(self, request: HttpRequest, queryset: models.QuerySet[Record]) -> None:
        """Throws drafts away; the audit trail keeps that they were there."""
        self._each(request, queryset, review.discard, _("discarded"))

    @action(description=_("Issue what is approved"))
    def issue_selected(self, request: HttpRequest, queryset: models.QuerySet[Record]) -> HttpResponse | None:
        """Starts a batch and shows its progress."""
        if not has_role(request.user, Role.REGISTRAR):
            messages.error(request, _("Only registrars issue."))
            return None
        chosen = queryset.filter(state__in=[Record.State.APPROVED, Record.State.ISSUED])
        if not chosen.exists():
            messages.error(request, _("None of the chosen records is approved. Send them to review, then approve."))
            return None
        batch = batches.start(chosen, by=request.user, title=str(_("Selection of records")))
        return HttpResponseRedirect(reverse("admin:issuance_batch_change", args=[batch.pk]))

    @action(description=_("Revoke …"))
    def revoke_selected(self, request: HttpRequest, queryset: models.QuerySet[Record]) -> HttpResponse:
        """Asks for the reason first, naming what would be revoked."""
        return editor.ask_to_revoke(self, request, queryset)

    def _each(self, request: HttpRequest, queryset: models.QuerySet[Record], step: Any, done: Any) -> None:
        went = 0
        refusals: dict[str, list[str]] = {}
        for record in queryset.select_related("learner"):
            try:
                step(record, by=request.user, version=record.version)
            except review.StepRefused as refusal:
                refusals.setdefault(str(refusal), []).append(record.learner.name)
            else:
                went += 1
        if went:
            sentence = ngettext("%(count)d record was %(done)s.", "%(count)d records were %(done)s.", went)
            messages.success(request, sentence % {"count": went, "done": done})
        for reason, names in refusals.items():
            shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            messages.error(request, f"{reason} ({len(names)}: {shown})")


def _public_id_is(term: str) -> Q:
    try:
        return Q(public_id=uuid.UUID(term))
    except ValueError:
        return Q(pk__in=[])
