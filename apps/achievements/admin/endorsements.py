"""Endorsements in the office: enter one, sign it with the institution's key, receive a file, check again, revoke."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.achievements import endorsement_imports, endorsing
from apps.achievements.endorsing import EndorsementRefused
from apps.achievements.models import Endorsement, Endorser
from apps.network import limits
from apps.standards import markdown

STATE_LABELS = {"holds": "success", "unchecked": "warning", "fails": "danger", "revoked": "default"}
TARGETS = ("achievement", "assertion", "organization")


@admin.register(Endorser)
class EndorserAdmin(ForRoles, SimpleHistoryAdmin, ModelAdmin):
    """Who endorses from outside."""

    editors = (Role.REGISTRAR,)
    list_display = ("name", "kind", "official", "url")
    list_filter = ("kind",)
    search_fields = ("name", "official", "url")
    ordering = ("name",)
    list_per_page = 50
    show_full_result_count = False
    fields = (
        ("name", "kind"),
        ("given_name", "family_name"),
        "official",
        "description",
        "url",
        ("email", "telephone"),
    )


class EndorsementForm(forms.ModelForm):  # type: ignore[type-arg]
    """One endorsement that is entered here."""

    sign = forms.BooleanField(
        label=_("Sign with the institution's key"),
        required=False,
        initial=True,
        help_text=_("Only what the institution itself endorses. Anybody can then check it without asking here."),
    )

    class Meta:
        model = Endorsement
        fields = (*TARGETS, "endorser", "by_organization", "comment", "issued_on")
        labels = {
            "assertion": _("What one learner earned"),
            "organization": _("An issuer"),
            "endorser": _("Somebody outside"),
            "by_organization": _("An organization of ours"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "issued_on" in self.fields:
            self.initial.setdefault("issued_on", timezone.now().replace(microsecond=0))

    def clean(self) -> dict[str, Any]:
        """Exactly one thing, and exactly one who endorses."""
        cleaned = super().clean() or {}
        if sum(bool(cleaned.get(name)) for name in TARGETS) != 1:
            raise forms.ValidationError(
                _("Choose one thing that is endorsed: an achievement, what one learner earned, or an issuer.")
            )
        if bool(cleaned.get("endorser")) == bool(cleaned.get("by_organization")):
            raise forms.ValidationError(_("Choose who endorses: somebody outside, or an organization of ours."))
        organization = cleaned.get("by_organization")
        if organization is None or not organization.is_home:
            cleaned["sign"] = False
        moment = cleaned.get("issued_on")
        if moment is not None and not (moment.year >= 1900 and moment <= timezone.now()):
            self.add_error("issued_on", _("The day of an endorsement does not lie ahead, nor before 1900."))
        if organization is not None and organization == cleaned.get("organization"):
            self.add_error("by_organization", _("Nobody endorses themselves."))
        return cleaned


class UploadForm(forms.Form):
    """A file of endorsements."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("JSON (.json), signed text (.jws, one a line) or a table (.csv), at most 2 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.jsonld,.jws,.txt,.csv"}),
    )

    def clean_file(self) -> "UploadedFile[Any]":
        """Not larger than a file of endorsements may be (SEC-20)."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > endorsement_imports.MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB; split it."))
        return file


class StandingFilter(admin.SimpleListFilter):
    """What stands, or was revoked."""

    title = _("revoked")
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two choices."""
        return [("no", _("standing")), ("yes", _("revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        return queryset if self.value() is None else queryset.filter(revoked_at__isnull=self.value() == "no")


@admin.register(Endorsement)
class EndorsementAdmin(ForRoles, ModelAdmin):
    """Every endorsement; one that was made is looked at, checked again or revoked, never edited."""

    form = EndorsementForm
    editors = (Role.REGISTRAR,)
    list_display = ("shown_target", "issuer_name", "shown_form", "shown_state", "issued_on")
    list_filter = (StandingFilter, "state", "is_signed")
    search_fields = ("issuer_name", "comment", "achievement__name", "achievement__human_code", "organization__name")
    autocomplete_fields = ("achievement", "assertion", "organization", "endorser", "by_organization")
    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False
    actions_list = ("receive_file",)
    actions = ("check_chosen",)
    fieldsets = (
        (_("What is endorsed (one of these)"), {"fields": TARGETS}),
        (_("Who endorses (one of these)"), {"fields": ("endorser", "by_organization", "sign")}),
        (_("What they say"), {"fields": ("comment", "issued_on")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endorsement]:
        """With what the rows show, without the bytes."""
        found: QuerySet[Endorsement] = super().get_queryset(request)
        return found.select_related(
            "achievement", "assertion__achievement", "assertion__learner", "organization"
        ).defer("content", "seen")

    @display(description=_("endorsed"))
    def shown_target(self, endorsement: Endorsement) -> str:
        """What is endorsed."""
        return str(endorsement.target)

    @display(description=_("form"))
    def shown_form(self, endorsement: Endorsement) -> str:
        """How it is vouched for."""
        if endorsement.is_signed:
            return _t("signed by us") if endorsement.is_ours else _t("signed by its endorser")
        return _t("at our address") if endorsement.is_ours else _t("at its endorser's address")

    @display(description=_("state"), label=STATE_LABELS)
    def shown_state(self, endorsement: Endorsement) -> tuple[str, str]:
        """The state in words, with its colour."""
        if endorsement.revoked_at is not None:
            return "revoked", _t("revoked")
        return endorsement.state, endorsement.get_state_display()

    def save_model(self, request: HttpRequest, obj: Endorsement, form: Any, change: bool) -> None:
        """Made, and fixed, by `endorsing`."""
        said = form.cleaned_data
        target = next(said[name] for name in TARGETS if said.get(name))
        made = endorsing.endorse(
            target,
            endorser=said.get("endorser"),
            by_organization=said.get("by_organization"),
            comment=said.get("comment", ""),
            on=said.get("issued_on"),
            sign=said.get("sign", False),
            by=request.user,
        )
        obj.pk, obj.issuer_name = made.pk, made.issuer_name
        obj._state.adding = False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit trail has it already."""
        return None

    @action(description=_("Import endorsements"), url_path="import-endorsements", permissions=["change"])
    def receive_file(self, request: HttpRequest) -> HttpResponse:
        """Leads to the page for a file."""
        return HttpResponseRedirect(reverse("admin:endorsement_upload"))

    @admin.action(description=_("Check again"), permissions=["change"])
    def check_chosen(self, request: HttpRequest, queryset: QuerySet[Endorsement]) -> None:
        """Judges what others signed or host anew, in the background."""
        chosen = queryset.filter(endorser=None, by_organization=None).values_list("pk", flat=True)
        if chosen:
            endorsement_imports.start_check(chosen, user=request.user)
            messages.success(request, _t("They are being checked; the list shows the result in a moment."))
        else:
            messages.info(request, _t("What was endorsed here needs no check; nothing was done."))

    def get_urls(self) -> list[URLPattern]:
        """Upload and revocation."""
        wrap = self.admin_site.admin_view
        return [
            path("upload/", wrap(self.upload), name="endorsement_upload"),
            path("<int:pk>/revoke/", wrap(self.revoke), name="endorsement_revoke"),
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
            file: UploadedFile[Any] = form.cleaned_data["file"]
            run = endorsement_imports.receive(file.chunks(), file_name=file.name or "", user=request.user)
            return HttpResponseRedirect(reverse("admin:learners_importrun_change", args=[run.pk]))
        context = {**self.admin_site.each_context(request), "title": _t("Import endorsements"), "form": form}
        return render(request, "admin/achievements/endorsement/upload.html", {**context, "opts": self.opts})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one endorsement."""
        endorsement = self.get_queryset(request).filter(pk=object_id).first()
        if endorsement is None or not self.has_view_permission(request):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": str(endorsement),
            "opts": self.opts,
            "endorsement": endorsement,
            "form_words": self.shown_form(endorsement),
            "comment": mark_safe(markdown.to_html(endorsement.comment)),  # noqa: S308  sanitised (SEC-31)
            "may_revoke": self.has_change_permission(request) and endorsement.revoked_at is None,
        }
        return render(request, "admin/achievements/endorsement/page.html", context)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks, then revokes."""
        if not self.has_change_permission(request):
            raise Http404
        endorsement = get_object_or_404(self.get_queryset(request), pk=pk)
        page = reverse("admin:achievements_endorsement_change", args=[endorsement.pk])
        if request.method == "POST":
            try:
                endorsing.revoke(endorsement, by=request.user, reason=request.POST.get("reason", ""))
            except EndorsementRefused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _t("Revoked. Issued records that hold it do not change."))
        return HttpResponseRedirect(page)
