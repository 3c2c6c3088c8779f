"""What was done and who was shown what: to look at, to filter, to take along; nobody changes it here."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.decorators import action, display

from apps.accounts.permissions import Role
from apps.accounts.site import OFFICE, ForRoles
from apps.institution.models import AuditEntry, Disclosure
from apps.network.spreadsheets import csv_lines


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """A CSV download that is written while it is read from the database (SEC-30)."""
    lines: Iterator[str] = csv_lines(header, rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


class ReadOnly(ForRoles, ModelAdmin):
    """A table that pages show and never change."""

    viewers: ClassVar[tuple[Role, ...]] = OFFICE
    list_per_page = 100
    show_full_result_count = False
    list_filter_submit = True
    actions_list = ("download",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything."""
        return [field.name for field in self.model._meta.fields]

    def filtered(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the list as it is filtered in the address."""
        rows: QuerySet[Any] = self.get_changelist_instance(request).get_queryset(request)
        return rows


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """The audit trail; whether it is whole says `manage.py audit verify`."""

    list_display = ("seq", "at", "shown_actor", "action", "object_type", "object_id", "shown_details")
    list_filter = (
        ("at", RangeDateTimeFilter),
        "action",
        "object_type",
        ("actor", AutocompleteSelectFilter),
    )
    list_select_related = ("actor",)
    search_fields = ("object_id", "digest")
    search_help_text = _("Number of the record, learner or other thing; or a digest")
    ordering = ("-seq",)

    @display(description=_("who"), ordering="actor")
    def shown_actor(self, entry: AuditEntry) -> str:
        """The person, or the portal itself."""
        return str(entry.actor or _("the portal"))

    @display(description=_("details"))
    def shown_details(self, entry: AuditEntry) -> str:
        """Details in one line."""
        return ", ".join(f"{name}: {value}" for name, value in entry.details.items())

    @action(description=_("Download as CSV"), url_path="download", permissions=["view"])
    def download(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list shows, as filtered."""
        rows = (
            (
                entry.seq,
                entry.at.isoformat(),
                str(entry.actor.public_id) if entry.actor else "",
                entry.action,
                entry.object_type,
                entry.object_id,
                self.shown_details(entry),
                entry.previous,
                entry.digest,
            )
            for entry in self.filtered(request).iterator(chunk_size=2000)
        )
        header = ("seq", "at", "actor", "action", "object type", "object", "details", "previous", "digest")
        return csv_response("audit-trail", header, rows)


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnly):
    """Who was shown what of whom (PRIV-01)."""

    viewers = (Role.REGISTRAR, Role.ADMIN)
    list_display = ("at", "learner_id", "object_type", "object_id", "recipient", "purpose", "basis")
    list_filter = (("at", RangeDateTimeFilter), "object_type", "basis")
    search_fields = ("learner_id", "object_id", "recipient")
    search_help_text = _("Number of the learner or record, or the recipient")

    @action(description=_("Download as CSV"), url_path="download", permissions=["view"])
    def download(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list shows, as filtered."""
        header = ("at", "learner", "object type", "object", "recipient", "purpose", "basis")
        rows = (
            (d.at.isoformat(), d.learner_id, d.object_type, d.object_id, d.recipient or "", d.purpose, d.basis)
            for d in self.filtered(request).iterator(chunk_size=2000)
        )
        return csv_response("disclosures", header, rows)
