"""The office's site: who gets in, how one signs in, and what each role may do there (SEC-50, SEC-51).

Rooms register their models on `django.contrib.admin.site`, which is an `OfficeSite`, with classes made of
`ForRoles` and unfold's `ModelAdmin`:

    class CohortAdmin(ForRoles, ModelAdmin):
        viewers = (Role.REGISTRAR, Role.APPROVER, Role.ADMIN)
        editors = (Role.REGISTRAR,)
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import logout
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import InvalidPage
from django.db import DataError, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from apps.accounts.overwriting import NoSilentOverwrites
from apps.accounts.permissions import STAFF_ROLES, Role, has_role
from apps.accounts.signin import require_confirmation
from apps.institution import colours
from apps.institution.branding import current_brand
from apps.network.numbers import whole

OFFICE = (Role.REGISTRAR, Role.APPROVER, Role.ADMIN)
"""Roles that see what the office works with."""


SECRETS = frozenset({"password", "private_encrypted", "token_digest", "session_key", "session_data"})
"""Columns that nobody guesses at through filters."""
MOST_WORDS = 20
"""Words that one search looks for; those after them are left out."""
UNFIT = frozenset({"regex", "iregex", "range"})
"""Look-ups that no page here links: a pattern may be broken or run for ever (I5), a range wants two values."""


KEYS = frozenset({"pk", "object_id", "version_id", "content_type_id"})
"""Parts of addresses that are keys of rows, which are whole numbers."""


def _has_nul(request: HttpRequest) -> bool:
    """Whether a text of the query or the form holds a NUL, which PostgreSQL keeps nowhere (SEC-32)."""
    sent = [request.GET, request.POST] if request.method == "POST" else [request.GET]
    return any("\x00" in text for values in sent for name, texts in values.lists() for text in (name, *texts))


class OfficeSite(UnfoldAdminSite):
    """The admin, entered through the portal's own sign-in; people without a staff role are sent there too."""

    enable_nav_sidebar = True
    home: "Callable[[HttpRequest], dict[str, Any]] | None" = None
    """What the first page shows; set by the room that gathers from all others."""
    find: "Callable[[HttpRequest], HttpResponse] | None" = None
    """Answers the search over everything at `/admin/search/?q=`; set likewise."""

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The home page of the office."""
        gathered = {"title": _("Home"), **(self.home(request) if self.home is not None else {})}
        return super().index(request, {**gathered, **(extra_context or {})})

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff roles get in; the operator's own account (superuser) too."""
        user = request.user
        return bool(user.is_active and (getattr(user, "is_superuser", False) or has_role(user, *STAFF_ROLES)))

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Every page of the office: what no page could look up is refused before the page is asked (SEC-34, SEC-60)."""

        def looked_at(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if any(whole(kwargs[name]) is None for name in KEYS & set(kwargs)):
                raise Http404
            if _has_nul(request):
                raise BadRequest(_("A text in this request holds a NUL character. Nothing was changed."))
            try:
                response = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()  # lists ask the database only now
                return response
            except (OverflowError, DataError) as fault:
                raise BadRequest(_("A number in this request is larger than can be. Nothing was changed.")) from fault

        return super().admin_view(update_wrapper(looked_at, view), cacheable)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in form, at `/`; whoever is signed in but not of the office goes home."""
        if request.user.is_authenticated and not self.has_permission(request):
            return redirect("/")
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None) or target.startswith("/admin/log"):
            target = "/admin/"
        return HttpResponseRedirect("/?" + urlencode({"next": target}))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The search over everything, or, with `s`, the theme's over the menu; a page that does not exist is 404."""
        if self.find is not None and "s" not in request.GET:
            return self.find(request)
        try:
            return super().search(request, extra_context)
        except (InvalidPage, ValueError) as fault:
            raise Http404 from fault

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The menu's button signs out; a plain GET only leads to the page that asks (SEC-55)."""
        if request.method != "POST":
            return redirect("account_logout")
        logout(request)
        return redirect("/")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One's own password is the account's page."""
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Likewise."""
        return redirect("account")


class ForRoles(NoSilentOverwrites):
    """For `ModelAdmin`s: who sees, edits, adds and deletes, by role. The operator's account may what editors may."""

    viewers: ClassVar[tuple[Role, ...]] = OFFICE
    editors: ClassVar[tuple[Role, ...]] = ()
    adders: ClassVar[tuple[Role, ...] | None] = None
    """As editors, unless given."""
    deleters: ClassVar[tuple[Role, ...]] = ()
    asks_again = False
    """Whether changes need a sign-in or confirmation of the last ten minutes (SEC-53)."""

    def _is(self, request: HttpRequest, roles: tuple[Role, ...]) -> bool:
        if getattr(request.user, "is_superuser", False):
            return bool(roles)
        return has_role(request.user, *roles)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it is in the menus."""
        return self._is(request, (*self.viewers, *self.editors))

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether it can be looked at."""
        return self._is(request, (*self.viewers, *self.editors))

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether it can be edited."""
        return self._is(request, self.editors)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Whether one can be made."""
        return self._is(request, self.editors if self.adders is None else self.adders)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether it can be deleted: never, unless the class says so."""
        return self._is(request, self.deleters)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Filters in the address never reach into secrets, of the model's own neither (SEC-51)."""
        parts = set(lookup.split("__"))
        if (SECRETS | UNFIT) & parts:
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]

    def get_search_results(
        self, request: HttpRequest, queryset: "models.QuerySet[Any]", search_term: str
    ) -> "tuple[models.QuerySet[Any], bool]":
        """The search of a list, for a bounded number of words: each is one condition more to the database."""
        words = " ".join(search_term.split()[:MOST_WORDS])
        return super().get_search_results(request, queryset, words)  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Asks again where it must, before the form is shown to somebody who could change it."""
        may = self.has_change_permission(request) if object_id else self.has_add_permission(request)
        if self.asks_again and may:
            require_confirmation(request)
        return super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """An earlier state can be looked at; it is never put back behind the rules of the form."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        return super().history_form_view(request, *args, **kwargs)  # type: ignore[misc]


class NamedCells:
    """For tabular inlines: each cell's field carries its column's name, which is nowhere beside it (WCAG 1.3.1)."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The field, named."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and field.label:
            widget = getattr(field.widget, "widget", field.widget)  # a related field's widget has another inside
            widget.attrs.setdefault("aria-label", str(field.label))
        return field


# --- The frame: menu, name and colours, asked for by the theme's settings ---------------------------


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The office's menu from `OFFICE_MENU` of the settings: what exists and what this person may see, no more."""
    groups = []
    for title, entries in settings.OFFICE_MENU:
        items = [item for entry in entries if (item := _menu_item(request, *entry))]
        if items:
            groups.append({"title": title, "separator": True, "collapsible": False, "items": items})
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    return [{"items": [home]}, *groups]


def _menu_item(request: HttpRequest, target: str, title: Any, icon: str) -> dict[str, Any] | None:
    """An entry for a model ("app.Model") or a named address ("admin:name"); None if there is none for this person."""
    if ":" in target:
        try:
            return {"title": title, "icon": icon, "link": reverse(target)}
        except NoReverseMatch:
            return None
    try:
        model = apps.get_model(target)
    except LookupError:
        return None
    shown = admin.site._registry.get(model)
    if shown is None or not shown.has_view_permission(request):
        return None
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return {"title": title, "icon": icon, "link": address}


def site_name(request: HttpRequest) -> str:
    """The institution's name in the head of the office."""
    return current_brand().name


def site_icon(request: HttpRequest) -> str:
    """The institution's logo, or the portal's sign."""
    return current_brand().logo or static("portal/icon.svg")


def favicon(request: HttpRequest) -> str:
    """The portal's sign."""
    return static("portal/icon.svg")


def accent_shades(request: HttpRequest) -> dict[str, str]:
    """The institution's accent in the shades that the theme uses."""
    return colours.shades(current_brand().accent)


def office_sheet(request: HttpRequest) -> str:
    """What the office needs beyond the theme."""
    return static("portal/office.css")
