"""Badge Connect as a consumer: finding a host, reading a learner's badges from it, sending it one.

Part B of the digest and BC-C-01 to C-18; the way to consent is ``apps.exchange.authorizing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.exchange import authorizing, providers
from apps.exchange.authorization.scopes import ASSERTION_CREATE, ASSERTION_READONLY, PROFILE_READONLY
from apps.exchange.providers import (
    NoProvider,
    Page,
    Provider,
    Reading,
    Sent,
    bearer,
    link,
    must_be_endpoints,
    shown_name,
    typed_address,
)
from apps.exchange.speaking import (
    SMALL_ANSWER,
    ConsentEnded,
    ProviderWrong,
    RequestRefused,
    Speaker,
    ask,
    host,
    is_ours,
    json_object,
    later,
    origin,
    what_it_said,
)
from apps.network.fetching import Fetched
from apps.standards.errors import FetchRefused, NotADocument, RefusedByPolicy, StandardsError
from apps.standards.ob2 import connect

ACCEPT = "application/json"
READ, WRITE = ASSERTION_READONLY, ASSERTION_CREATE
SCOPES: tuple[str, ...] = (ASSERTION_READONLY, ASSERTION_CREATE, PROFILE_READONLY)
PAGES_AT_ONCE = providers.PAGES_AT_ONCE
LONGEST_KEPT = 3600
_KEPT = "badgeconnect-manifest:"


class NotAccepted(RequestRefused):
    """The host will not take this badge, however often it is sent."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence, status=status)


_FOR_GOOD = frozenset(
    {
        connect.RECIPIENT_PROFILE_MISMATCH,
        connect.INVALID_BADGE,
        connect.REQUEST_VALIDATION_ERROR,
        connect.PERMISSION_DENIED,
    }
)


# --- Finding it (BC-C-01, C-02) -----------------------------------------------------------------


def discover(speaker: Speaker, text: str) -> Provider:
    """The host behind an address that a person gave: its manifest stands at a well-known place of the host.

    Raises ``NoProvider`` where there is none, ``ProviderDown`` where nobody answers, ``ProviderWrong`` where its
    manifest cannot be used.
    """
    top, _path = typed_address(text)
    if is_ours(top):
        raise NoProvider(_("This is the address of this portal itself. Your badges from here are under “My records”."))
    chosen = host(top)
    body = _manifest(speaker, top)
    apis = connect.apis_in(body) if body is not None else []
    if not apis or apis[0].version != connect.VERSION:
        raise NoProvider(
            _("At %(host)s there is no host of badges (Badge Connect). Ask there for the right address.")
            % {"host": chosen}
        )
    return _described(speaker, apis[0], chosen)


def _manifest(speaker: Speaker, top: str) -> dict[str, object] | None:
    """The manifest of a host; one that it lets us keep is asked for again by its tag (BC-C-02)."""
    address = f"{top}{connect.MANIFEST_PATH}"
    kept = cache.get(_KEPT + address)
    headers = {"Accept": ACCEPT} | ({"If-None-Match": kept["tag"]} if kept else {})
    try:
        answer = ask(speaker, "GET", address, headers=headers, limit=SMALL_ANSWER)
    except (NotADocument, RefusedByPolicy):
        return None
    except FetchRefused as refusal:
        raise later(refusal) from None
    if answer.status == 304 and kept:
        return dict(kept["document"])
    if answer.status != 200:
        return None
    document = json_object(answer)
    control = answer.headers.get("cache-control", "").lower()
    tag = answer.headers.get("etag", "")
    if tag and len(tag) < 200 and tag.isprintable() and "no-store" not in control and "no-cache" not in control:
        cache.set(_KEPT + address, {"tag": tag, "document": document}, LONGEST_KEPT)
    else:
        cache.delete(_KEPT + address)
    return document


def _described(speaker: Speaker, api: connect.Api, chosen: str) -> Provider:
    must_be_endpoints(api.authorization_url, api.registration_url, api.token_url)
    if not providers.is_endpoint(api.base):
        raise ProviderWrong(_("The provider gives no https address of its badges, so it cannot be used safely."))
    if READ not in api.scopes and WRITE not in api.scopes:
        raise ProviderWrong(_("This provider lets nobody read or send badges."))
    known = authorizing.metadata(
        speaker, authorization_url=api.authorization_url, token_url=api.token_url, base=api.base
    )
    if not known.revocation_url and _may_revoke_at(api):
        known = authorizing.Metadata(known.issuer, api.revocation_url, known.sends_issuer)
    return Provider(
        base=api.base,
        chosen_host=chosen,
        name=shown_name(api.name) or chosen,
        authorization_url=api.authorization_url,
        registration_url=api.registration_url,
        token_url=api.token_url,
        terms_url=link(api.terms_url),
        privacy_url=link(api.privacy_url),
        scopes=tuple(dict.fromkeys(api.scopes)),
        metadata=known,
    )


def _may_revoke_at(api: connect.Api) -> bool:
    """Whether the address for revocation is on the host that gets the secret anyway (BC-C-16, SEC-47)."""
    try:
        return bool(api.revocation_url) and origin(api.revocation_url) == origin(api.token_url)
    except RefusedByPolicy:
        return False


# --- Reading (BC-C-10, C-11) --------------------------------------------------------------------


def records(
    speaker: Speaker, base: str, access_token: str, *, since: datetime | None = None, resume: str = ""
) -> Iterator[Page]:
    """The learner's badges page by page, at most ``PAGES_AT_ONCE`` of them (BC-C-11); see ``providers.pages``."""
    reading = Reading(f"{base}/assertions", base, ACCEPT, documents_of, _date_time)
    return providers.pages(speaker, reading, access_token, since=since, resume=resume, most=PAGES_AT_ONCE)


def documents_of(answer: Fetched) -> tuple[bytes, ...]:
    """The single badges of an answer, byte for byte as they stand in it; lists may be absent, null or empty.

    Raises ``ProviderWrong``.
    """
    try:
        return tuple(connect.badges_in(answer.body))
    except StandardsError as fault:
        raise ProviderWrong(_("The provider's answer cannot be read. %(why)s") % {"why": fault.sentence}) from None


def _date_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def verifying(speaker: Speaker, base: str, access_token: str) -> Speaker:
    """The fetcher with which what came from this host is judged: badges are public, no token goes with it."""
    return speaker


def identifiers(speaker: Speaker, base: str, access_token: str) -> list[str]:
    """What the host says the learner's identifiers are (BC-C-13). Raises the faults of ``speaking``."""
    answer = providers.get(speaker, f"{base}/profile", access_token, accept=ACCEPT)
    if answer.status != 200:
        raise providers.refusal(answer)
    profile = json_object(answer).get("profile")
    return connect.identifiers_in(profile) if isinstance(profile, dict) else []


# --- Sending (BC-C-12, C-14) --------------------------------------------------------------------


def post(speaker: Speaker, base: str, access_token: str, *, content: bytes) -> Sent:
    """Sends one badge, a compact JWS or the JSON of an Assertion, as it is (BC-C-12, C-15).

    Raises ``ConsentEnded`` (401), ``NotAccepted`` and, where it may go another time, ``RequestRefused`` with the host's
    own reason; ``ProviderDown``, ``ProviderWrong``.
    """
    text = content.strip()
    headers = {"Accept": ACCEPT, "Content-Type": ACCEPT, **bearer(access_token)}
    body = connect.payload_of(text, is_signed=not text.startswith(b"{"))
    try:
        answer = ask(speaker, "POST", f"{base}/assertions", headers=headers, body=body)
    except FetchRefused as refusal:
        raise later(refusal) from None
    said = connect.status_in(_object(answer))
    if answer.status in {200, 201}:
        if said.code not in {0, 200, 201}:
            raise _refusal(said.text, said.error or str(said.code), 400)
        return Sent("new")
    reason = said.error or what_it_said(answer)
    if answer.status == 401 and said.text != connect.PERMISSION_DENIED:
        raise ConsentEnded(
            _("The provider no longer takes badges from this portal (%(said)s).") % {"said": reason[:300]}
        )
    raise _refusal(said.text, reason, answer.status)


def _object(answer: Fetched) -> dict[str, object]:
    try:
        return json_object(answer)
    except ProviderWrong:
        return {}


def _refusal(text: str, reason: str, status: int) -> RequestRefused:
    """Why the host did not take a badge, for its owner."""
    sentences = {
        connect.RECIPIENT_PROFILE_MISMATCH: _(
            "The provider did not take the badge: it is made out to an address that is not yours there (%(said)s)."
        ),
        connect.INVALID_BADGE: _("The provider did not take the badge: it does not pass its check (%(said)s)."),
        connect.PERMISSION_DENIED: _("The provider did not take the badge: you did not allow sending (%(said)s)."),
    }
    shown = "".join(each if each.isprintable() else " " for each in reason)[:300]
    sentence = sentences.get(text, _("The provider did not take the badge (%(said)s).")) % {"said": shown}
    return (NotAccepted if text in _FOR_GOOD else RequestRefused)(sentence, status=status)
