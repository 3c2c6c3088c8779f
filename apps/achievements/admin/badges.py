"""The badge designer: shape, colour, sign or letters, a band, or an uploaded picture; drawn beside the form as it is.

Badges that were issued keep the picture that they were issued with.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminColorInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.accounts.permissions import Role
from apps.accounts.site import OFFICE, ForRoles
from apps.achievements import designing, emblems
from apps.achievements.models import Achievement, BadgeDesign
from apps.institution import branding, colours, files
from apps.institution.pictures import PictureRefused, redrawn
from apps.network import limits
from apps.network.numbers import whole

SCRIPT_FREE = "default-src 'none'; img-src data:; sandbox"


class BadgeDesignForm(forms.ModelForm):  # type: ignore[type-arg]
    """The choices that a badge is drawn from."""

    shape = forms.ChoiceField(label=_("Shape"), choices=list(emblems.SHAPES.items()), widget=UnfoldAdminSelectWidget)
    icon = forms.ChoiceField(
        label=_("Sign"), choices=sorted(emblems.ICONS.items()), required=False, widget=UnfoldAdminSelectWidget
    )
    own_colour = forms.BooleanField(
        label=_("A colour of its own"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Otherwise the institution's."),
    )
    picture_file = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("In the place of the drawing: a PNG, JPEG or WebP, best square."),
    )
    picture_gone = forms.BooleanField(label=_("No picture"), required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = BadgeDesign
        fields = ("achievement", "shape", "colour", "icon", "letters", "band")
        widgets = {"colour": UnfoldAdminColorInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "achievement" in self.fields:
            self.fields["achievement"].disabled = True
        self.initial["own_colour"] = bool(self.instance.colour)
        if not self.initial.get("colour"):
            self.initial["colour"] = branding.current_brand().accent

    def _outlined(self, name: str) -> str:
        text = str(self.cleaned_data.get(name) or "").strip()
        if not emblems.can_draw(text):
            raise forms.ValidationError(
                _("Badges can show Latin, Greek and Cyrillic letters and digits. Choose a sign, or other letters.")
            )
        return text

    def clean_letters(self) -> str:
        """Letters that have an outline."""
        return self._outlined("letters")

    def clean_band(self) -> str:
        """The same on the band."""
        return self._outlined("band")

    def clean(self) -> dict[str, Any]:
        """An uploaded picture is judged by content and drawn anew (SEC-35); the colour counts where it is chosen."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("own_colour"):
            cleaned["colour"] = ""
        if not cleaned.get("icon"):
            cleaned["icon"] = emblems.Emblem().icon
        if upload := cleaned.get("picture_file"):
            try:
                cleaned["picture"] = emblems.squared(redrawn(upload.read()).content)
            except PictureRefused as fault:
                self.add_error("picture_file", str(fault))
        return cleaned

    def emblem(self) -> emblems.Emblem:
        """What is drawn from the form as it stands; nothing is stored."""
        said = self.cleaned_data
        picture = said.get("picture", b"")
        if not picture and self.instance.picture_digest and not said.get("picture_gone"):
            picture = files.get(self.instance.picture_digest)
        colour = said.get("colour") or branding.current_brand().accent
        return emblems.Emblem(
            shape=said["shape"],
            colour=colour if colours.is_colour(colour) else emblems.Emblem().colour,
            icon="" if said.get("letters") else said["icon"],
            letters=said.get("letters", ""),
            band=said.get("band", ""),
            picture=picture,
        )


@admin.register(BadgeDesign)
class BadgeDesignAdmin(ForRoles, ModelAdmin):
    """Designs of badges; achievements without one have the usual look of their kind."""

    viewers = OFFICE
    editors = (Role.REGISTRAR,)
    deleters = (Role.REGISTRAR,)
    form = BadgeDesignForm
    change_form_template = "admin/achievements/badgedesign/designer.html"
    list_display = ("shown_picture", "achievement", "kind", "changed_at", "changed_by")
    list_display_links = ("shown_picture", "achievement")
    list_filter = ("shape",)
    list_select_related = ("achievement", "changed_by")
    search_fields = ("achievement__name", "achievement__human_code", "band")
    autocomplete_fields = ("achievement",)
    fieldsets = (
        (None, {"fields": ("achievement", ("shape", "icon"), ("letters", "band"), ("own_colour", "colour"))}),
        (_("Or a picture"), {"fields": (("picture_file", "picture_gone"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BadgeDesign]:
        """With what the list shows."""
        rows: QuerySet[BadgeDesign] = super().get_queryset(request)
        return rows.select_related("achievement")

    @display(description=_("badge"))
    def shown_picture(self, design: BadgeDesign) -> SafeString:
        """The badge, small."""
        return format_html('<img src="{}" alt="" width="48" height="48">', picture_address(design.achievement))

    @display(description=_("type"))
    def kind(self, design: BadgeDesign) -> str:
        """What kind of achievement it is for."""
        kind = design.achievement.achievement_type
        return str(dict(Achievement.Type.choices).get(kind, kind))

    def get_fieldsets(self, request: HttpRequest, obj: BadgeDesign | None = None) -> Any:
        """Whoever only looks sees stored fields."""
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            return [(None, {"fields": ("achievement", "shape", "colour", "icon", "letters", "band")})]
        return self.fieldsets

    def save_model(self, request: HttpRequest, obj: BadgeDesign, form: Any, change: bool) -> None:
        """Stores the design; a new picture is in the file store before the row that names it (REL-22)."""
        if form.cleaned_data.get("picture_gone"):
            obj.picture_digest = ""
        elif picture := form.cleaned_data.get("picture"):
            obj.picture_digest = files.put(picture)
        designing.save(obj, by=request.user)

    def get_urls(self) -> list[URLPattern]:
        """With the address of the preview."""
        preview = self.admin_site.admin_view(self.preview)
        own = [path("<path:object_id>/preview/", preview, name="achievements_badgedesign_preview")]
        return own + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Tells the page where the preview is, and what to show before anything is changed."""
        obj = kwargs.get("obj")
        context["preview_url"] = reverse("admin:achievements_badgedesign_preview", args=(obj.pk if obj else 0,))
        context["picture_url"] = picture_address(obj.achievement) if obj else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The badge as the form stands, as SVG; nothing is stored."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        limits.count(limits.API, f"badge preview {request.user.pk}")
        base = BadgeDesign.objects.filter(pk=whole(object_id) or 0).first()
        form = BadgeDesignForm(request.POST, request.FILES, instance=base)
        form.fields["achievement"].required = False
        form.is_valid()
        faults = {name: texts for name, texts in form.errors.items() if name in form.fields and name != "achievement"}
        if faults:
            lines = [f"{form.fields[name].label}: {' '.join(map(str, texts))}" for name, texts in faults.items()]
            return HttpResponse("\n".join(lines), status=422, content_type="text/plain; charset=utf-8")
        response = HttpResponse(emblems.svg(form.emblem()), content_type="image/svg+xml")
        response["Content-Security-Policy"] = SCRIPT_FREE
        response["Cache-Control"] = "no-store"
        return response


def picture_address(achievement: Achievement) -> str:
    """Where the badge of an achievement is drawn (contract, *Addresses*)."""
    return f"/ims/ob/v2p0/images/{achievement.public_id}.svg"
