"""Organizations, policy and signing keys: the admin's, and looked at by the office."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.permissions import Role
from apps.accounts.site import OFFICE, ForRoles
from apps.institution import audit
from apps.institution.models import Organization, Policy, SigningKey


@admin.register(Organization)
class OrganizationAdmin(ForRoles, SimpleHistoryAdmin, ModelAdmin):
    """The home institution, its schools and departments, and others."""

    viewers = OFFICE
    editors = (Role.ADMIN,)
    asks_again = True
    list_display = ("name", "kind", "parent", "shown_home", "issues_in_own_name")
    list_filter = ("kind", "is_home", "issues_in_own_name")
    list_select_related = ("parent",)
    search_fields = ("name", "public_id", "source_id")
    autocomplete_fields = ("parent",)
    readonly_fields = ("public_id", "is_home", "source", "source_id", "created_at")
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("name", "kind", "parent", "is_home", "issues_in_own_name", "official")}),
        (_("How to reach it"), {"fields": ("url", "email", "telephone")}),
        (
            _("Address"),
            {"fields": ("street_address", "address_locality", "address_region", "postal_code", "address_country")},
        ),
        (_("More"), {"fields": ("description", "identifiers", "public_id", "source", "source_id", "created_at")}),
    )

    @display(description=_("home"), boolean=True)
    def shown_home(self, organization: Organization) -> bool:
        """Whether it is the publisher of the records."""
        return organization.is_home

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Keeps the change and notes that it was made."""
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            audit.record("organization.changed", obj, request.user, fields=sorted(form.changed_data))


@admin.register(Policy)
class PolicyAdmin(ForRoles, SimpleHistoryAdmin, ModelAdmin):
    """What the institution decided; one page."""

    viewers = (Role.ADMIN,)
    editors = (Role.ADMIN,)
    adders = ()
    asks_again = True
    readonly_fields = ("singleton",)
    fieldsets = (
        (_("Review"), {"fields": ("second_person_approves",)}),
        (_("Grades"), {"fields": ("repeat_rule", "final_categories", "comments_as_narrative")}),
        (_("Imports"), {"fields": ("metadata_names", "import_demographics")}),
        (_("Records"), {"fields": ("names_on_records", "include_birth_date", "time_zone")}),
        (_("Accounts"), {"fields": ("invitation_days",)}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one policy: its page instead of a list."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        policy = Policy.current()
        return HttpResponseRedirect(reverse("admin:institution_policy_change", args=(policy.pk,)))

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Keeps the change and notes which fields it was."""
        super().save_model(request, obj, form, change)
        if form.changed_data:
            audit.record("policy.changed", obj, request.user, fields=sorted(form.changed_data))


@admin.register(SigningKey)
class SigningKeyAdmin(ForRoles, ModelAdmin):
    """The public part of the institution's keys. They are made, rotated and retired on the command line (SEC-61)."""

    viewers = (Role.ADMIN,)
    list_display = ("public_id", "algorithm", "shown_state", "organization", "activated_at", "retired_at")
    list_filter = ("state", "algorithm")
    list_select_related = ("organization",)
    search_fields = ("public_id", "thumbprint")
    fields = (
        "public_id",
        "organization",
        "algorithm",
        "state",
        "public_pem",
        "thumbprint",
        "base_url",
        "created_at",
        "activated_at",
        "retired_at",
        "compromised_since",
    )

    @display(
        description=_("state"),
        label={
            SigningKey.State.ACTIVE: "success",
            SigningKey.State.NEXT: "info",
            SigningKey.State.RETIRED: "warning",
            SigningKey.State.COMPROMISED: "danger",
        },
    )
    def shown_state(self, key: SigningKey) -> tuple[str, str]:
        """State as word and colour."""
        return key.state, key.get_state_display()
