"""People with a sign-in: their roles, and invitations of staff. The admin's alone (reliability, section 7)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.accounts import inviting
from apps.accounts.models import Invitation, User
from apps.accounts.permissions import STAFF_ROLES, Role
from apps.accounts.site import ForRoles
from apps.institution import audit

LABELS = {str(role): role.label for role in Role}


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the admin decides about somebody; the password is the person's own."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("A change takes effect with the person's next click."),
    )

    class Meta:
        model = User
        fields = ("name", "email", "language", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["roles"] = list(self.instance.groups.values_list("name", flat=True))

    def clean_email(self) -> str:
        """One account for an address, letter case apart."""
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody else has this address."))
        return email


@admin.register(User)
class UserAdmin(ForRoles, SimpleHistoryAdmin, ModelAdmin):
    """Everybody who can sign in. New people are invited, never entered with a password."""

    viewers = (Role.ADMIN,)
    editors = (Role.ADMIN,)
    adders = ()
    asks_again = True
    form = UserForm
    list_display = ("email", "name", "shown_roles", "is_active", "last_login")
    list_filter = ("groups", "is_active", "is_staff")
    list_per_page = 50
    search_fields = ("email", "name")
    search_help_text = _("E-mail or name")
    ordering = ("email",)
    readonly_fields = ("public_id", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "language", "is_active")}),
        (_("What they may do"), {"fields": ("roles",)}),
        (_("More"), {"fields": ("public_id", "last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the roles in one query more, whatever the number of rows."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """The search of the list and of choosers; choosers of advisors show advisors alone."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        if request.GET.get("field_name") == "advisor":
            found = found.filter(groups__name=Role.ADVISOR)
        return found, distinct

    @display(description=_("roles"))
    def shown_roles(self, user: User) -> str:
        """Roles in words."""
        return ", ".join(str(LABELS.get(group.name, group.name)) for group in user.groups.all())

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Keeps the change with the roles, and notes it."""
        with transaction.atomic():
            before = set(obj.groups.values_list("name", flat=True)) if obj.pk else set()
            wanted = set(form.cleaned_data["roles"])
            obj.is_staff = bool(wanted & {str(role) for role in STAFF_ROLES})
            super().save_model(request, obj, form, change)
            obj.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(wanted)])
            if before != wanted:
                audit.record(
                    "roles.changed", obj, request.user, given=sorted(wanted - before), taken=sorted(before - wanted)
                )
            fields = sorted(set(form.changed_data) - {"roles"})
            if fields:
                audit.record("user.changed", obj, request.user, fields=fields)


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom to invite and as what."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[choice for choice in Role.choices if choice[0] not in {Role.LEARNER, Role.EMPLOYER}],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Invitation
        fields = ("email", "roles")


@admin.register(Invitation)
class InvitationAdmin(ForRoles, ModelAdmin):
    """Who was invited and what became of it. Staff are invited here, learners from the list of learners."""

    viewers = (Role.REGISTRAR, Role.ADMIN)
    editors = ()
    adders = (Role.ADMIN,)
    asks_again = True
    form = InvitationForm
    fields = ("email", "roles")
    list_display = ("email", "kind", "shown_state", "created_at", "expires_at", "created_by")
    list_filter = ("kind",)
    list_per_page = 50
    list_select_related = ("created_by",)
    search_fields = ("email", "subject_id")
    actions = ("withdraw_selected", "send_again")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        """The registrar sees invitations of learners, the admin those of staff too."""
        rows: QuerySet[Invitation] = super().get_queryset(request)
        if self._is(request, (Role.ADMIN,)):
            return rows
        return rows.filter(kind=Invitation.Kind.LEARNER)

    @display(
        description=_("state"),
        label={"accepted": "success", "open": "info", "withdrawn": "default", "expired": "warning"},
    )
    def shown_state(self, invitation: Invitation) -> tuple[str, Any]:
        """What became of it."""
        if invitation.accepted_at:
            return "accepted", _("accepted")
        if invitation.withdrawn_at:
            return "withdrawn", _("withdrawn")
        if invitation.expires_at <= timezone.now():
            return "expired", _("expired")
        return "open", _("open")

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Makes the invitation and has the letter sent."""
        made = inviting.invite(
            form.cleaned_data["email"],
            kind=Invitation.Kind.STAFF,
            roles=form.cleaned_data["roles"],
            by=request.user,  # type: ignore[arg-type]
        )
        obj.pk = made.pk

    def log_addition(self, request: HttpRequest, obj: Invitation, message: Any) -> Any:
        """The audit trail has it already."""
        return None

    @action(description=_("Withdraw: the links stop working"))
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Makes the selected links useless."""
        count = sum(inviting.withdraw(each, by=request.user) for each in queryset)  # type: ignore[arg-type]
        messages.success(
            request, ngettext("%(n)d invitation withdrawn.", "%(n)d invitations withdrawn.", count) % {"n": count}
        )

    @action(description=_("Send again: a new link, the old one stops working"))
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Replaces the selected invitations that were not accepted."""
        waiting = list(queryset.filter(accepted_at=None))
        with transaction.atomic():
            for each in waiting:
                inviting.invite(
                    each.email,
                    kind=each.kind,
                    subject_id=each.subject_id,
                    roles=each.roles,
                    by=request.user,  # type: ignore[arg-type]
                )
        messages.success(
            request,
            ngettext("%(n)d letter is on its way.", "%(n)d letters are on their way.", len(waiting))
            % {"n": len(waiting)},
        )
