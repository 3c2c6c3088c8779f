"""The certificate designer: name, logo, colours, signature line and legend of grades, with a preview as PDF.

Saving makes a new version; records that were issued keep the version they were issued with.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminColorInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.accounts.permissions import Role
from apps.accounts.site import OFFICE, ForRoles
from apps.institution import branding, colours
from apps.institution.models import CertificateDesign, Organization
from apps.institution.pictures import PictureRefused, redrawn
from apps.network import limits
from apps.network.numbers import whole

PICTURES = ("logo", "seal", "signature")
MOST_GRADES = 60


def grades_as_text(grades: list[dict[str, Any]]) -> str:
    """The legend's table as it is typed: a line a grade, parts apart by bars."""
    return "\n".join(
        " | ".join(str(line.get(part, "")) for part in ("grade", "points", "meaning"))
        for line in grades
        if isinstance(line, dict)
    )


def grades_from_text(text: str) -> list[dict[str, str]]:
    """The legend's table from what was typed; raises `ValidationError` naming the line."""
    grades = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split("|", 2)] + ["", ""]
        if not parts[0]:
            raise forms.ValidationError(_("Line %(n)d has no grade before the bar."), params={"n": number})
        grades.append({"grade": parts[0][:32], "points": parts[1][:32], "meaning": parts[2][:255]})
    if len(grades) > MOST_GRADES:
        raise forms.ValidationError(_("At most %(n)d grades fit the legend."), params={"n": MOST_GRADES})
    return grades


class DesignForm(forms.ModelForm):  # type: ignore[type-arg]
    """One version of a design."""

    logo_file = forms.FileField(
        label=_("Logo"), required=False, widget=UnfoldAdminFileFieldWidget, help_text=_("PNG, JPEG or WebP.")
    )
    logo_gone = forms.BooleanField(label=_("No logo"), required=False, widget=UnfoldBooleanSwitchWidget)
    seal_file = forms.FileField(label=_("Seal"), required=False, widget=UnfoldAdminFileFieldWidget)
    seal_gone = forms.BooleanField(label=_("No seal"), required=False, widget=UnfoldBooleanSwitchWidget)
    signature_file = forms.FileField(label=_("Signature"), required=False, widget=UnfoldAdminFileFieldWidget)
    signature_gone = forms.BooleanField(label=_("No signature"), required=False, widget=UnfoldBooleanSwitchWidget)
    grades_text = forms.CharField(
        label=_("Legend of grades"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("One grade a line, best first: A | 4.0 | Excellent"),
    )

    class Meta:
        model = CertificateDesign
        fields = (
            "title",
            "institution_name",
            "institution_place",
            "accent",
            "signatory_name",
            "signatory_office",
            "legend",
            "statement",
            "page",
            "language",
        )
        widgets = {"accent": UnfoldAdminColorInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["grades_text"] = grades_as_text(self.instance.grades or [])
        if self.instance.pk and "title" in self.fields:
            self.fields["title"].disabled = True

    def clean_accent(self) -> str:
        """A colour; one that is hard to read is darkened where text is set in it, not here."""
        accent = str(self.cleaned_data["accent"]).lower()
        if not colours.is_colour(accent):
            raise forms.ValidationError(_("A colour is written #rrggbb, such as #1f3a5f."))
        return accent

    def clean_grades_text(self) -> str:
        """Each line is a grade."""
        self.cleaned_data["grades"] = grades_from_text(self.cleaned_data["grades_text"])
        return str(self.cleaned_data["grades_text"])

    def _picture(self, name: str) -> None:
        upload = self.cleaned_data.get(f"{name}_file")
        if not upload:
            return
        try:
            self.cleaned_data[name] = redrawn(upload.read())
        except PictureRefused as fault:
            self.add_error(f"{name}_file", str(fault))

    def clean(self) -> dict[str, Any]:
        """Pictures are judged by content and drawn anew (SEC-35)."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in PICTURES:
            self._picture(name)
        base = self.instance
        if base.pk and not CertificateDesign.objects.filter(pk=base.pk, is_current=True).exists():
            raise forms.ValidationError(
                _("A newer version was saved meanwhile. Nothing was saved; open the newest and try again.")
            )
        return cleaned

    def applied(self) -> CertificateDesign:
        """The design as the form has it, not stored."""
        design: CertificateDesign = self.instance
        design.grades = self.cleaned_data.get("grades", design.grades)
        for name in PICTURES:
            if self.cleaned_data.get(f"{name}_gone"):
                setattr(design, name, b"")
                setattr(design, f"{name}_type", "")
            elif picture := self.cleaned_data.get(name):
                setattr(design, name, picture.content)
                setattr(design, f"{name}_type", picture.media_type)
        return design


@admin.register(CertificateDesign)
class CertificateDesignAdmin(ForRoles, ModelAdmin):
    """Designs: the list shows the current versions, the history the earlier ones."""

    viewers = OFFICE
    editors = (Role.REGISTRAR,)
    guards_edits = False  # each save is a version of its own, and only of the newest
    form = DesignForm
    change_form_template = "admin/institution/certificatedesign/designer.html"
    list_display = ("title", "institution_name", "shown_accent", "version", "created_at", "created_by")
    list_filter = ("is_current", "page", "language")
    list_select_related = ("created_by",)
    search_fields = ("title", "institution_name")
    fieldsets = (
        (None, {"fields": ("title", "institution_name", "institution_place", "accent", "page", "language")}),
        (
            _("Pictures"),
            {
                "fields": (
                    ("logo_file", "logo_gone"),
                    ("seal_file", "seal_gone"),
                    ("signature_file", "signature_gone"),
                )
            },
        ),
        (_("Signature line"), {"fields": ("signatory_name", "signatory_office")}),
        (_("Legend"), {"fields": ("grades_text", "legend", "statement")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CertificateDesign]:
        """Without the pictures, which lists do not show."""
        rows: QuerySet[CertificateDesign] = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == "institution_certificatedesign_changelist":
            rows = rows.defer("logo", "seal", "signature", "legend", "statement")
            if "is_current__exact" not in request.GET:
                rows = rows.filter(is_current=True)
        return rows

    @display(description=_("accent"))
    def shown_accent(self, design: CertificateDesign) -> str:
        """The colour, shown and named."""
        return format_html(
            '<span class="swatch"><input type="color" value="{0}" aria-label="{0}" disabled> {0}</span>', design.accent
        )

    def has_change_permission(self, request: HttpRequest, obj: CertificateDesign | None = None) -> bool:  # type: ignore[override]
        """Only the newest version can be worked on."""
        return super().has_change_permission(request, obj) and (obj is None or obj.is_current)

    def get_fieldsets(self, request: HttpRequest, obj: CertificateDesign | None = None) -> Any:
        """Whoever only looks sees stored fields."""
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            names = [name for name in DesignForm.Meta.fields if name != "title"]
            return [(None, {"fields": ("title", "version", *names, "grades")})]
        return self.fieldsets

    def save_model(self, request: HttpRequest, obj: CertificateDesign, form: Any, change: bool) -> None:
        """Stores a new version."""
        design = form.applied()
        base = CertificateDesign.objects.filter(pk=obj.pk).first() if change else None
        if base is None:
            design.organization = Organization.objects.filter(is_home=True).first() or Organization.objects.first()
        try:
            branding.save_version(design, replaces=base, by=request.user)
        except branding.DesignChanged:
            messages.error(request, _("Somebody saved another version in this moment. Nothing was saved."))

    def log_change(self, request: HttpRequest, obj: CertificateDesign, message: Any) -> Any:
        """The audit trail has it already."""
        return None

    log_addition = log_change

    def get_urls(self) -> list[URLPattern]:
        """With the address of the preview."""
        own = [
            path(
                "<path:object_id>/preview/",
                self.admin_site.admin_view(self.preview),
                name="institution_certificatedesign_preview",
            )
        ]
        return own + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Tells the page where the preview is."""
        obj = kwargs.get("obj")
        context["preview_url"] = reverse("admin:institution_certificatedesign_preview", args=(obj.pk if obj else 0,))
        return super().render_change_form(request, context, *args, **kwargs)

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A made-up record in the design as it stands in the form; nothing is stored."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        limits.count(limits.UPLOAD, f"preview {request.user.pk}")
        number = whole(object_id)
        base = None if number is None else CertificateDesign.objects.filter(pk=number).first()
        form = DesignForm(request.POST, request.FILES, instance=base)
        if not form.is_valid():
            lines = [
                f"{form.fields[name].label if name in form.fields else ''} {' '.join(map(str, faults))}".strip()
                for name, faults in form.errors.items()
            ]
            return HttpResponse("\n".join(lines), status=422, content_type="text/plain; charset=utf-8")
        try:
            pdf = branding.preview(branding.design_value(form.applied()))
        except branding.PreviewFailed as fault:
            return HttpResponse(str(fault), status=422, content_type="text/plain; charset=utf-8")
        if pdf is None:
            return HttpResponse(
                _("There is no preview just now."), status=503, content_type="text/plain; charset=utf-8"
            )
        response = HttpResponse(pdf, content_type="application/pdf")
        response["Content-Disposition"] = 'inline; filename="preview.pdf"'
        response["Cache-Control"] = "no-store"
        return response
