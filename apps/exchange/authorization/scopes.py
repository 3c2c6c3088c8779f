"""The scopes that are offered, under the exact addresses of the standards, and what each means in plain words.

Sources: CLR 1.0 (digest 7.1) and Badge Connect (digest B7). No scope implies another.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_CLR = "https://purl.imsglobal.org/spec/clr/v1p0/scope/"
_BADGE_CONNECT = "https://purl.imsglobal.org/spec/ob/v2p1/scope/"

CLR_READONLY = _CLR + "readonly"
CLR_REPLACE = _CLR + "replace"
CLR_DELETE = _CLR + "delete"
ASSERTION_READONLY = _BADGE_CONNECT + "assertion.readonly"
ASSERTION_CREATE = _BADGE_CONNECT + "assertion.create"
PROFILE_READONLY = _BADGE_CONNECT + "profile.readonly"
PROFILE_UPDATE = _BADGE_CONNECT + "profile.update"
OFFLINE_ACCESS = "offline_access"

CLR_SCOPES = (CLR_READONLY, CLR_REPLACE, CLR_DELETE)
BADGE_CONNECT_SCOPES = (ASSERTION_READONLY, ASSERTION_CREATE, PROFILE_READONLY, PROFILE_UPDATE)
READING = frozenset({CLR_READONLY, ASSERTION_READONLY})
"""Scopes that read records, so that the learner must choose which."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a scope allows, as the learner reads it; `icon` is a name of lucide."""

    sentence: Promise | str
    icon: str


MEANINGS: dict[str, Meaning] = {
    CLR_READONLY: Meaning(_("Read the learner records that you choose."), "scroll-text"),
    CLR_REPLACE: Meaning(_("Put learner records into your wallet, and replace those it put there."), "file-plus"),
    CLR_DELETE: Meaning(_("Remove learner records from your wallet that it put there."), "file-minus"),
    ASSERTION_READONLY: Meaning(_("Read the badges of the records that you choose."), "badge-check"),
    ASSERTION_CREATE: Meaning(_("Put badges into your wallet."), "badge-plus"),
    PROFILE_READONLY: Meaning(_("Read your name and all your e-mail addresses and numbers known here."), "user-round"),
    PROFILE_UPDATE: Meaning(_("Suggest further addresses of yours; none counts before you confirm it."), "user-pen"),
    OFFLINE_ACCESS: Meaning(_("Do this also later, while you are away, until you end it."), "clock"),
}
OFFERED: tuple[str, ...] = tuple(MEANINGS)
"""Every scope of this portal, in the order in which they are shown."""


def known(names: Iterable[str]) -> list[str]:
    """Those of the names that are offered, each once, in the order in which they are shown."""
    asked = set(names)
    return [scope for scope in OFFERED if scope in asked]


def audiences(names: Iterable[str]) -> list[str]:
    """Which interfaces a token of these scopes is for: `clr`, `badgeconnect` (SEC-45)."""
    asked = set(names)
    named = {"clr": CLR_SCOPES, "badgeconnect": BADGE_CONNECT_SCOPES}
    return [audience for audience, scopes in named.items() if asked & set(scopes)]
