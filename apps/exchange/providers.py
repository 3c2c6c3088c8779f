"""A provider that a learner named, whatever its protocol: how it is described, read page by page, and sent to.

What CLR 1.0 and Badge Connect have in common as clients (CLR1-C-01 to C-06, BC-C-01 to C-12); each protocol's own
module says how a provider is found and what its answers carry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from django.utils.translation import gettext as _

from apps.exchange import authorizing
from apps.exchange.speaking import (
    ConsentEnded,
    ProviderFault,
    ProviderWrong,
    Speaker,
    ask,
    host,
    http_date,
    is_ours,
    later,
    origin,
    target,
    what_it_said,
)
from apps.network.fetching import Fetched
from apps.standards.errors import AnswerTooLarge, FetchRefused, RefusedByPolicy
from apps.standards.verify.sources import Fetcher

PAGE_SIZE = 50
PAGES_AT_ONCE = 20
"""So many pages are read in one go; the rest waits for the next, so that no host is asked without end (SEC-13)."""
LONGEST_NAME = 120


class NoProvider(ProviderFault):
    """At the address that a person gave there is no provider of this kind; the text says what to do."""

    code = "no_provider"


# --- How it describes itself ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it describes itself. ``base`` is that of its API; ``chosen_host`` is what was typed."""

    base: str
    chosen_host: str
    name: str
    authorization_url: str
    registration_url: str
    token_url: str
    terms_url: str
    privacy_url: str
    scopes: tuple[str, ...]
    metadata: authorizing.Metadata = field(default_factory=authorizing.Metadata)

    @property
    def other_hosts(self) -> tuple[str, ...]:
        """Hosts that would get secrets or the learner's password and that the person did not name (SEC-47)."""
        used = (self.base, self.authorization_url, self.registration_url, self.token_url)
        return tuple(dict.fromkeys(host(url) for url in used if host(url) != self.chosen_host))


def typed_address(text: str) -> tuple[str, str]:
    """Origin and path of an address that a person typed, with or without a scheme. Raises ``NoProvider``."""
    typed = text.strip()
    if "://" not in typed:
        typed = f"https://{typed}"
    try:
        top = origin(typed)
    except RefusedByPolicy:
        raise NoProvider(
            _("This is not an address that can be connected. Give the provider's public address, as https://….")
        ) from None
    return top, re.sub(r"/{2,}", "/", urlsplit(typed).path).rstrip("/")


def must_be_endpoints(authorization_url: str | None, registration_url: str | None, token_url: str | None) -> None:
    """Raises ``ProviderWrong`` where an address would not be safe to use (SEC-10, SEC-47)."""
    endpoints = {_("consent"): authorization_url, _("registration"): registration_url, _("access"): token_url}
    for purpose, url in endpoints.items():
        if not url or not is_endpoint(url):
            raise ProviderWrong(
                _("The provider gives no https address for %(purpose)s, so it cannot be used safely.")
                % {"purpose": purpose}
            )


def is_endpoint(url: str) -> bool:
    """Whether an address may get secrets: https, no fragment, and not this portal itself."""
    try:
        target(url)
    except RefusedByPolicy:
        return False
    return not urlsplit(url).fragment and not is_ours(url)


def link(url: str | None) -> str:
    """An address that may stand as a link on a page: judged like every other."""
    try:
        return target(url).url if url else ""
    except RefusedByPolicy:
        return ""


def shown_name(name: str | None) -> str:
    """A name as it may stand on a page: one line, not too long."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in name or "").split())
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME - 1] + "…"


# --- Reading page by page -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page as documents of their own, compact JWS or JSON, as received.

    ``url`` is its address and ``resume`` that of the next one, if there is one; ``at`` the provider's own clock.
    """

    url: str
    documents: tuple[bytes, ...]
    resume: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a protocol reads by pages: the address below its base, what it accepts, and the documents of an answer."""

    address: str
    below: str
    accept: str
    documents_of: Callable[[Fetched], tuple[bytes, ...]]
    date_time: Callable[[datetime], str]


def pages(
    speaker: Speaker, reading: Reading, access_token: str, *, since: datetime | None, resume: str, most: int
) -> Iterator[Page]:
    """The learner's documents page by page, at most ``most`` pages (CLR1-C-06, BC-C-11).

    ``since`` asks for what changed after a moment only; ``resume`` goes on where an earlier reading stopped. A
    provider that does not know ``since`` or ``limit`` is asked without. ``next`` is followed on the same host and
    below the same base only, and to no page twice. Raises ``ConsentEnded``, ``ProviderDown``, ``ProviderWrong``.
    """
    url = resume if resume and is_below(resume, reading.below) else _first_page(reading, since, PAGE_SIZE)
    visited: set[str] = set()
    size = PAGE_SIZE
    while len(visited) < most:
        try:
            answer = get(speaker, url, access_token, accept=reading.accept)
        except AnswerTooLarge:
            if size == 1:
                raise ProviderWrong(_("The provider sends a record that is larger than any record is.")) from None
            size = max(1, size // 10)
            url = _with_limit(url, size)
            continue
        if answer.status == 400 and not visited and urlsplit(url).query:
            url = _first_page(reading, None, None)  # it knows neither `since` nor `limit`
            answer = get(speaker, url, access_token, accept=reading.accept)
        if answer.status != 200:
            raise refusal(answer)
        visited.add(url)
        following = _next(answer, reading.below)
        at = http_date(answer.headers.get("date", ""))
        if following in visited:
            raise ProviderWrong(_("The provider's pages lead in a circle. What came so far was kept."))
        yield Page(url, reading.documents_of(answer), following, at)
        if not following:
            return
        url = following


def _first_page(reading: Reading, since: datetime | None, limit: int | None) -> str:
    query: dict[str, str] = {}
    if limit is not None:
        query["limit"] = str(limit)
    if since is not None:
        query["since"] = reading.date_time(since)
    return reading.address + (f"?{urlencode(query)}" if query else "")


def _with_limit(url: str, limit: int) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "limit"]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*query, ("limit", str(limit))]), ""))


def get(speaker: Speaker, url: str, access_token: str, *, accept: str) -> Fetched:
    """One GET with the token. Raises ``AnswerTooLarge`` itself, and the faults of ``speaking``."""
    try:
        return ask(speaker, "GET", url, headers={"Accept": accept, **bearer(access_token)})
    except AnswerTooLarge:
        raise
    except FetchRefused as fault:
        raise later(fault) from None


def bearer(access_token: str) -> dict[str, str]:
    """The header that carries a token; never the address (CLR1-C-04, BC-C-08)."""
    return {"Authorization": f"Bearer {access_token}"}


def refusal(answer: Fetched) -> ProviderFault:
    """What an answer other than the one hoped for means, whatever its body is (CLR1-C-15)."""
    said = {"said": what_it_said(answer)}
    if answer.status in {401, 403}:
        return ConsentEnded(_("The provider no longer gives out these records (%(said)s).") % said)
    return ProviderWrong(_("The provider gave no records (%(said)s).") % said)


def _next(answer: Fetched, base: str) -> str:
    """The address of the next page; empty where there is none. Raises ``ProviderWrong`` when it leads elsewhere."""
    found = links(answer.headers.get("link", "")).get("next", "")
    if not found:
        return ""
    try:
        following = target(urljoin(answer.final_url, found)).url
    except (RefusedByPolicy, ValueError):
        following = ""
    if not following or not is_below(following, base):
        # the token would go where nobody said it may
        raise ProviderWrong(_("The provider's next page is at another host. It was not followed."))
    return following


def is_below(url: str, base: str) -> bool:
    """Whether an address is on the host of a base and below its path."""
    try:
        if origin(url) != origin(base):
            return False
    except RefusedByPolicy:
        return False
    path = urlsplit(url).path
    return path.startswith(urlsplit(base).path + "/") and "/../" not in path and "/./" not in path


_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)')
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))')


def links(header: str) -> Mapping[str, str]:
    """The addresses of a ``Link`` header by relation (RFC 8288); the first of a relation counts."""
    found: dict[str, str] = {}
    for each in _LINK.finditer(header[:16_000]):
        for parameter in _PARAMETER.finditer(each[2]):
            if parameter[1].lower() == "rel":
                for relation in (parameter[2] or parameter[3] or "").lower().split():
                    found.setdefault(relation, each[1])
                break  # RFC 8288 3.3: a second `rel` is ignored
    return found


# --- Sending --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a document that was sent: it is ``new`` there, replaced one, or was there already."""

    outcome: str
    location: str = ""


class Client(Protocol):
    """What a protocol's client module offers to connections; `READ` and `WRITE` are its scopes."""

    READ: str
    WRITE: str
    SCOPES: tuple[str, ...]

    def discover(self, speaker: Speaker, text: str) -> Provider: ...

    def records(
        self, speaker: Speaker, base: str, access_token: str, *, since: datetime | None = ..., resume: str = ...
    ) -> Iterator[Page]: ...

    def post(self, speaker: Speaker, base: str, access_token: str, *, content: bytes) -> Sent: ...

    def verifying(self, speaker: Speaker, base: str, access_token: str) -> Fetcher: ...
