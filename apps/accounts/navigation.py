"""What stands in the head of every page for whom, and where somebody is at home."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import STAFF_ROLES, Role, roles_of


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation: an address of the contract, its word and sign, who sees it (empty: all)."""

    path: str
    label: str | Promise
    icon: str
    roles: frozenset[str] = frozenset()


PLACES = (
    Place("/admin/", _("Office"), "building-2", frozenset(STAFF_ROLES)),
    Place("/advising/", _("Advising"), "users-round", frozenset({Role.ADVISOR})),
    Place("/records/", _("My records"), "scroll-text", frozenset({Role.LEARNER})),
    Place("/wallet/", _("Wallet"), "wallet", frozenset({Role.LEARNER})),
    Place("/verify/", _("Check a record"), "badge-check"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A place as one page shows it."""

    path: str
    label: str | Promise
    icon: str
    is_here: bool
    is_exact: bool


def places_of(user: Any) -> list[Place]:
    """The places of somebody with these roles, as far as the portal has them."""
    roles = roles_of(user)
    return [place for place in PLACES if (not place.roles or place.roles & roles) and _exists(place.path)]


def home_of(user: Any) -> str:
    """The address of one's role: office before advising before one's own records."""
    own = [place.path for place in places_of(user) if place.roles]
    return own[0] if own else "/account/"


def navigation(request: HttpRequest) -> dict[str, Any]:
    """For the template engine: `navigation`, the entries of the head, and `language_url`."""
    return {"navigation": SimpleLazyObject(lambda: _entries(request)), "language_url": _language_url()}


def _entries(request: HttpRequest) -> list[Entry]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    here = request.path
    return [
        Entry(place.path, place.label, place.icon, here.startswith(place.path), here == place.path)
        for place in places_of(user)
    ]


def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _language_url() -> str:
    try:
        return reverse("set_language")
    except NoReverseMatch:
        return ""
