"""The office asks learners for records from elsewhere, and sees what they agreed to show; nothing more."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.exchange import connecting
from apps.exchange.models import IntakeRequest


@admin.register(IntakeRequest)
class IntakeRequestAdmin(ForRoles, ModelAdmin):
    """Requests for records: asked by an admissions officer, answered by the learner alone."""

    viewers = (Role.REGISTRAR,)
    adders = (Role.REGISTRAR,)
    list_display = ("purpose", "learner", "shown_state", "asked_by", "asked_at", "answered_at")
    list_filter = ("state",)
    list_select_related = ("learner", "asked_by")
    list_per_page = 50
    search_fields = ("purpose", "learner__search_text")
    autocomplete_fields = ("learner",)
    actions: ClassVar[list[Any]] = []

    @display(
        description=_("state"),
        label={"asked": "info", "agreed": "success", "declined": "danger", "withdrawn": "warning", "cancelled": ""},
    )
    def shown_state(self, request: IntakeRequest) -> tuple[str, str]:
        """The state as a chip."""
        return str(request.state), str(request.get_state_display())

    def get_fields(self, request: HttpRequest, obj: IntakeRequest | None = None) -> tuple[str, ...]:
        """What is asked; later also what became of it."""
        asked = ("learner", "purpose", "provider_address")
        return asked if obj is None else (*asked, "shown_state", "asked_by", "asked_at", "answered_at", "records")

    def get_readonly_fields(self, request: HttpRequest, obj: IntakeRequest | None = None) -> tuple[str, ...]:
        """What was asked stays as it was asked: the learner answered exactly that."""
        if obj is None:
            return ()
        obj.__dict__["looker"] = request.user  # for `records`, which is given the row alone
        return self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: IntakeRequest, form: Any, change: bool) -> None:
        """Asks; the learner sees it among the connections."""
        made = connecting.ask_for_records(
            obj.learner, purpose=obj.purpose, provider_address=obj.provider_address, by=request.user
        )
        obj.pk, obj.public_id = made.pk, made.public_id

    @display(description=_("Records that the learner shows"))
    def records(self, request: IntakeRequest) -> str:
        """Each with its verdict and a link; every look is noted as a disclosure."""
        items = connecting.records_for(request, by=request.__dict__["looker"])
        if not items:
            return str(_("None: the learner has not agreed, or nothing has come yet."))
        rows = (
            (f"/wallet/connections/records/{item.public_id}/", item.title or "–", item.issuer_name,
             item.get_verdict_display(), item.get_state_display())
            for item in items
        )  # fmt: skip
        listed = format_html_join("", '<li><a href="{}">{}</a> · {} · {}, {}</li>', rows)
        return format_html("<ul>{}</ul>", listed)
