"""Keys that administrators trust by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.institution import audit
from apps.verification.models import PinnedKey


@admin.register(PinnedKey)
class PinnedKeyAdmin(ForRoles, ModelAdmin):
    """Added once, never deleted; trust can be ended."""

    viewers = (Role.ADMIN,)
    editors = (Role.ADMIN,)
    asks_again = True
    list_display = ("issuer", "fingerprint", "is_trusted", "added_by", "added_at")
    list_filter = ("is_trusted",)
    list_select_related = ("added_by",)
    search_fields = ("issuer", "fingerprint")
    fields = ("issuer", "key", "reason", "is_trusted", "fingerprint", "added_by", "added_at")
    readonly_fields = ("fingerprint", "added_by", "added_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Issuer and key stay what they were when somebody looked at them."""
        return (*self.readonly_fields, "issuer", "key") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: PinnedKey, form: Any, change: bool) -> None:
        """Keeps it and notes who trusted, or no longer trusts, which key (REL-17)."""
        if not change:
            obj.added_by = request.user if request.user.is_authenticated else None
        super().save_model(request, obj, form, change)
        action = "pinned_key.changed" if change else "pinned_key.added"
        audit.record(action, obj, request.user, fingerprint=obj.fingerprint, trusted=obj.is_trusted)
