"""CLR 1.0 as a consumer: finding a provider, reading a learner's records from it, sending it one.

Section 5 of the digest and CLR1-C-01 to C-15; the way to consent is ``apps.exchange.authorizing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from apps.exchange import authorizing, providers
from apps.exchange.providers import (
    NoProvider,
    Page,
    Provider,
    Reading,
    Sent,
    bearer,
    is_below,
    link,
    links,
    must_be_endpoints,
    shown_name,
    typed_address,
)
from apps.exchange.speaking import (
    ConsentEnded,
    ProviderDown,
    ProviderWrong,
    RequestRefused,
    Speaker,
    ask,
    host,
    is_ours,
    json_object,
    later,
    what_it_said,
)
from apps.network.fetching import Fetched
from apps.standards.clr1 import carrying, model, read, write
from apps.standards.errors import FetchRefused, NotADocument, RefusedByPolicy

PATH = "/ims/clr/v1p0"
ACCEPT = "application/ld+json, application/json"
READ, WRITE = model.SCOPE_READONLY, model.SCOPE_REPLACE
SCOPES: tuple[str, ...] = (READ, WRITE)
PAGES_AT_ONCE = providers.PAGES_AT_ONCE

# --- Finding it (CLR1-C-01) ---------------------------------------------------------------------


def bases_of(text: str) -> list[str]:
    """The bases (``…/ims/clr/v1p0``) that an address may mean, the likeliest first (section 5.1).

    Taken: a host alone, an address with or without a path, with or without the final slash, the base itself, and any
    address below it. Raises ``NoProvider``.
    """
    top, path = typed_address(text)
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
    must_be_endpoints(said.authorization_url, said.registration_url, said.token_url)
    if model.SCOPE_READONLY not in said.scopes_offered:
        raise ProviderWrong(_("This provider does not let anybody read records."))
    authorization_url, token_url = str(said.authorization_url), str(said.token_url)
    return Provider(
        base=base,
        chosen_host=chosen,
        name=shown_name(said.name) or chosen,
        authorization_url=authorization_url,
        registration_url=str(said.registration_url),
        token_url=token_url,
        terms_url=link(said.terms_of_service_url),
        privacy_url=link(said.privacy_policy_url),
        scopes=tuple(dict.fromkeys(said.scopes_offered[:50])),
        metadata=authorizing.metadata(speaker, authorization_url=authorization_url, token_url=token_url, base=base),
    )


# --- Reading (CLR1-C-06, C-07) ------------------------------------------------------------------


def records(
    speaker: Speaker, base: str, access_token: str, *, since: datetime | None = None, resume: str = ""
) -> Iterator[Page]:
    """The learner's records page by page, at most ``PAGES_AT_ONCE`` of them (CLR1-C-06); see ``providers.pages``."""
    reading = Reading(f"{base}/clrs", base, ACCEPT, documents_of, write.date_time)
    return providers.pages(speaker, reading, access_token, since=since, resume=resume, most=PAGES_AT_ONCE)


def documents_of(answer: Fetched) -> tuple[bytes, ...]:
    """The single records of the ClrSet in an answer, byte for byte as they stand in it (CLR1-C-07, C-10).

    Raises ``ProviderWrong``.
    """
    document = json_object(answer)
    if read.failures(read.check_context(document.get("@context"))):
        raise ProviderWrong(_("The provider's answer is of another standard than CLR 1.0."))
    found = carrying.records_in(answer.body) or []
    return tuple(part for part in found if part.startswith(b"{") or part.count(b".") == 2)


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
        if not is_below(url, self._clrs):
            return self._speaker.fetch(url, kind=kind)
        return self._speaker.send("GET", url, headers={"Accept": ACCEPT, **bearer(self._token)})


def verifying(speaker: Speaker, base: str, access_token: str) -> WithToken:
    """The fetcher with which what came from this provider is judged."""
    return WithToken(speaker, base, access_token)


# --- Sending (CLR1-C-12) --------------------------------------------------------------------------


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


__all__ = [
    "PATH",
    "READ",
    "SCOPES",
    "WRITE",
    "NoProvider",
    "Page",
    "Provider",
    "Sent",
    "WithToken",
    "bases_of",
    "discover",
    "documents_of",
    "links",
    "post",
    "records",
    "verifying",
]
