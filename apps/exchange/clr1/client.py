"""CLR 1.0 as a consumer: finding a provider, reading a learner's records from it, sending it one.

Section 5 of the digest and CLR1-C-01 to C-15; the way to consent is ``apps.exchange.authorizing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from django.utils.translation import gettext as _

from apps.exchange import authorizing
from apps.exchange.speaking import (
    ConsentEnded,
    ProviderDown,
    ProviderFault,
    ProviderWrong,
    RequestRefused,
    Speaker,
    ask,
    host,
    http_date,
    is_ours,
    json_object,
    later,
    origin,
    target,
    what_it_said,
)
from apps.network.fetching import Fetched
from apps.standards.clr1 import carrying, model, read, write
from apps.standards.errors import AnswerTooLarge, FetchRefused, NotADocument, RefusedByPolicy

PATH = "/ims/clr/v1p0"
ACCEPT = "application/ld+json, application/json"
PAGE_SIZE = 50
PAGES_AT_ONCE = 20
"""So many pages are read in one go; the rest waits for the next, so that no host is asked without end (SEC-13)."""
LONGEST_NAME = 120


class NoProvider(ProviderFault):
    """At the address that a person gave there is no CLR 1.0 provider; the text says what to do."""

    code = "no_provider"


# --- Finding it (CLR1-C-01) ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it describes itself. ``base`` ends with ``/ims/clr/v1p0``; ``chosen_host`` is what was typed."""

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


def bases_of(text: str) -> list[str]:
    """The bases (``…/ims/clr/v1p0``) that an address may mean, the likeliest first (section 5.1).

    Taken: a host alone, an address with or without a path, with or without the final slash, the base itself, and any
    address below it. Raises ``NoProvider``.
    """
    typed = text.strip()
    if "://" not in typed:
        typed = f"https://{typed}"
    try:
        top = origin(typed)
    except RefusedByPolicy:
        raise NoProvider(
            _("This is not an address that can be connected. Give the provider's public address, as https://….")
        ) from None
    path = re.sub(r"/{2,}", "/", urlsplit(typed).path).rstrip("/")
    before, found, _rest = path.partition(PATH)
    if found and (not _rest or _rest.startswith("/")):
        return [f"{top}{before}{PATH}"]
    return [f"{top}{path}{PATH}", f"{top}{PATH}"] if path else [f"{top}{PATH}"]


def discover(speaker: Speaker, text: str) -> Provider:
    """The provider behind an address that a person gave.

    Raises ``NoProvider`` where there is none, ``ProviderDown`` where nobody answers, ``ProviderWrong`` where its
    discovery document cannot be used.
    """
    bases = bases_of(text)
    if is_ours(bases[0]):
        raise NoProvider(_("This is the address of this portal itself. Your records from here are under “My records”."))
    chosen = host(bases[0])
    for base in bases:
        try:
            answer = speaker.fetch(f"{base}/discovery", kind="json")
        except (NotADocument, RefusedByPolicy):
            continue
        except FetchRefused as refusal:
            raise later(refusal) from None
        if answer.status in {429, 500, 502, 503, 504}:
            raise ProviderDown(_("The provider answers that it cannot serve anybody now. Please try later."))
        if answer.status != 200:
            continue
        return _described(speaker, answer, chosen)
    raise NoProvider(
        _("At %(host)s there is no provider of learner records (CLR 1.0). Ask the institution for the right address.")
        % {"host": chosen}
    )


def _described(speaker: Speaker, answer: Fetched, chosen: str) -> Provider:
    document = json_object(answer)
    said = read.parse(document, model.DiscoveryDocument)
    base = answer.final_url.split("?")[0].removesuffix("/discovery")
    endpoints = {
        _("consent"): said.authorization_url,
        _("registration"): said.registration_url,
        _("access"): said.token_url,
    }
    for purpose, url in endpoints.items():
        if not url or not _is_endpoint(url):
            raise ProviderWrong(
                _("The provider gives no https address for %(purpose)s, so it cannot be used safely.")
                % {"purpose": purpose}
            )
    if model.SCOPE_READONLY not in said.scopes_offered:
        raise ProviderWrong(_("This provider does not let anybody read records."))
    authorization_url, token_url = str(said.authorization_url), str(said.token_url)
    return Provider(
        base=base,
        chosen_host=chosen,
        name=_shown_name(said.name) or chosen,
        authorization_url=authorization_url,
        registration_url=str(said.registration_url),
        token_url=token_url,
        terms_url=_link(said.terms_of_service_url),
        privacy_url=_link(said.privacy_policy_url),
        scopes=tuple(dict.fromkeys(said.scopes_offered[:50])),
        metadata=authorizing.metadata(speaker, authorization_url=authorization_url, token_url=token_url, base=base),
    )


def _is_endpoint(url: str) -> bool:
    try:
        target(url)
    except RefusedByPolicy:
        return False
    return not urlsplit(url).fragment and not is_ours(url)


def _link(url: str | None) -> str:
    """An address that may stand as a link on a page: judged like every other."""
    try:
        return target(url).url if url else ""
    except RefusedByPolicy:
        return ""


def _shown_name(name: str | None) -> str:
    clean = " ".join("".join(char if char.isprintable() else " " for char in name or "").split())
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME - 1] + "…"


# --- Reading (CLR1-C-06, C-07) ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records as documents of their own, compact JWS or JSON, as received.

    ``url`` is its address and ``resume`` that of the next one, if there is one; ``at`` the provider's own clock.
    """

    url: str
    documents: tuple[bytes, ...]
    resume: str = ""
    at: datetime | None = None


def records(
    speaker: Speaker, base: str, access_token: str, *, since: datetime | None = None, resume: str = ""
) -> Iterator[Page]:
    """The learner's records page by page, at most ``PAGES_AT_ONCE`` of them (CLR1-C-06).

    ``since`` asks for what changed after a moment only; ``resume`` goes on where an earlier reading stopped. A
    provider that does not know ``since`` or ``limit`` is asked without. ``next`` is followed on the same host and
    below the same base only, and to no page twice. Raises ``ConsentEnded``, ``ProviderDown``, ``ProviderWrong``.
    """
    url = resume if resume and _is_below(resume, base) else _first_page(base, since, PAGE_SIZE)
    visited: set[str] = set()
    size = PAGE_SIZE
    while len(visited) < PAGES_AT_ONCE:
        try:
            answer = _get(speaker, url, access_token)
        except AnswerTooLarge:
            if size == 1:
                raise ProviderWrong(_("The provider sends a record that is larger than any record is.")) from None
            size = max(1, size // 10)
            url = _with_limit(url, size)
            continue
        if answer.status == 400 and not visited and urlsplit(url).query:
            url = _first_page(base, None, None)  # it knows neither `since` nor `limit`
            answer = _get(speaker, url, access_token)
        if answer.status != 200:
            raise _refusal(answer)
        visited.add(url)
        following = _next(answer, base)
        at = http_date(answer.headers.get("date", ""))
        if following in visited:
            raise ProviderWrong(_("The provider's pages lead in a circle. What came so far was kept."))
        yield Page(url, documents_of(answer), following, at)
        if not following:
            return
        url = following


def documents_of(answer: Fetched) -> tuple[bytes, ...]:
    """The single records of the ClrSet in an answer, byte for byte as they stand in it (CLR1-C-07, C-10).

    Raises ``ProviderWrong``.
    """
    document = json_object(answer)
    if read.failures(read.check_context(document.get("@context"))):
        raise ProviderWrong(_("The provider's answer is of another standard than CLR 1.0."))
    found = carrying.records_in(answer.body) or []
    return tuple(part for part in found if part.startswith(b"{") or part.count(b".") == 2)


def _first_page(base: str, since: datetime | None, limit: int | None) -> str:
    query: dict[str, str] = {}
    if limit is not None:
        query["limit"] = str(limit)
    if since is not None:
        query["since"] = write.date_time(since)
    return f"{base}/clrs" + (f"?{urlencode(query)}" if query else "")


def _with_limit(url: str, limit: int) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "limit"]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*query, ("limit", str(limit))]), ""))


def _get(speaker: Speaker, url: str, access_token: str) -> Fetched:
    try:
        return ask(speaker, "GET", url, headers={"Accept": ACCEPT, **bearer(access_token)})
    except AnswerTooLarge:
        raise
    except FetchRefused as refusal:
        raise later(refusal) from None


def bearer(access_token: str) -> dict[str, str]:
    """The header that carries a token; never the address (CLR1-C-04)."""
    return {"Authorization": f"Bearer {access_token}"}


def _refusal(answer: Fetched) -> ProviderFault:
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
    if not following or not _is_below(following, base):
        # the token would go where nobody said it may
        raise ProviderWrong(_("The provider's next page is at another host. It was not followed."))
    return following


def _is_below(url: str, base: str) -> bool:
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
    for link in _LINK.finditer(header[:16_000]):
        for parameter in _PARAMETER.finditer(link[2]):
            if parameter[1].lower() == "rel":
                for relation in (parameter[2] or parameter[3] or "").lower().split():
                    found.setdefault(relation, link[1])
                break  # RFC 8288 3.3: a second `rel` is ignored
    return found


# --- Hosted records that only the learner's token opens -------------------------------------------


class WithToken:
    """A fetcher that shows the learner's token for this provider's own records, and for nothing else.

    A hosted record is personal: its address answers whoever has the token (section 5.5), so that is how a consumer
    verifies it. Assertions, keys, profiles and lists are asked for without.
    """

    def __init__(self, speaker: Speaker, base: str, access_token: str) -> None:
        self._speaker = speaker
        self._clrs = f"{base}/clrs"
        self._token = access_token

    def fetch(self, url: str, *, kind: str = "json") -> Fetched:
        """As the guarded fetcher's own."""
        if not _is_below(url, self._clrs):
            return self._speaker.fetch(url, kind=kind)
        return self._speaker.send("GET", url, headers={"Accept": ACCEPT, **bearer(self._token)})


# --- Sending (CLR1-C-12) --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a record that was sent: it is ``new`` there, replaced one, or was there already."""

    outcome: str
    location: str = ""


def post(speaker: Speaker, base: str, access_token: str, *, content: bytes) -> Sent:
    """Sends one record, a compact JWS or the JSON of a Clr, as it is (CLR1-C-12).

    Raises ``ConsentEnded`` (401), ``RequestRefused`` (400, 403, 404, 405, 413 …), ``ProviderDown``, ``ProviderWrong``.
    """
    text = content.strip()
    body = carrying.payload_of(text, is_signed=not text.startswith(b"{"))
    headers = {"Accept": ACCEPT, "Content-Type": "application/json", **bearer(access_token)}
    try:
        answer = ask(speaker, "POST", f"{base}/clrs", headers=headers, body=body)
    except FetchRefused as refusal:
        raise later(refusal) from None
    outcomes = {201: "new", 200: "replaced", 304: "unchanged"}
    if answer.status in outcomes:
        return Sent(outcomes[answer.status], answer.headers.get("location", ""))
    said = {"said": what_it_said(answer)}
    if answer.status == 401:
        raise ConsentEnded(_("The provider no longer takes records from this portal (%(said)s).") % said)
    sentences = {
        400: _("The provider did not take the record, because something in it is not as it wants it (%(said)s)."),
        403: _("The provider did not take the record: it is not yours there, or you did not allow it (%(said)s)."),
    }
    sentence = sentences.get(answer.status, _("The provider did not take the record (%(said)s).")) % said
    raise RequestRefused(sentence, status=answer.status)
