"""The client's side of OAuth 2: registration, the way to consent and back, tokens and their end.

RFC 6749, 7591, 7592, 7009, 7636, 8414, 9207 and SEC-47; sections 7.2 to 7.6 of the CLR 1.0 digest. Nothing is stored
here: functions take what is known of a provider and give what it answered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import orjson
from django.utils.translation import gettext as _

from apps.exchange.speaking import (
    SMALL_ANSWER,
    ConsentEnded,
    ProviderDown,
    ProviderWrong,
    RequestRefused,
    Speaker,
    ask,
    json_object,
    later,
    origin,
    target,
    text_of,
    what_it_said,
)
from apps.network.fetching import Fetched
from apps.standards.errors import FetchRefused, RefusedByPolicy

OFFLINE_ACCESS = "offline_access"
LONGEST_SECRET = 4_096
SHORTEST_LIFE, USUAL_LIFE, LONGEST_LIFE = 0, 3_600, 90 * 86_400
SOFTWARE_ID = "6c0e3a52-6d0f-4f5e-9a07-5d0d6f1b8c43"
"""The same for all instances of this software (section 7.3)."""


# --- What a provider says of its authorization server (RFC 8414) --------------------------------


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known beyond the discovery document; empty where the provider publishes nothing."""

    issuer: str = ""
    revocation_url: str = ""
    sends_issuer: bool = False


def metadata(speaker: Speaker, *, authorization_url: str, token_url: str, base: str) -> Metadata:
    """The metadata of the authorization server behind two endpoints, looked for where RFC 8414 lets it stand.

    A document counts only if it names these very endpoints and an issuer whose own metadata address it stands at:
    then it is this server that speaks of itself. None found is no fault: CLR 1.0 does not ask for it.
    """
    for issuer in _possible_issuers(authorization_url, token_url, base):
        parts = urlsplit(issuer)
        address = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
        try:
            answer = speaker.send("GET", address, headers={"Accept": "application/json"}, limit=SMALL_ANSWER)
            document = json_object(answer) if answer.status == 200 else {}
        except (FetchRefused, ProviderWrong):
            continue
        same = document.get("token_endpoint") == token_url
        if not same or document.get("authorization_endpoint") != authorization_url:
            continue
        if str(document.get("issuer", "")).rstrip("/") != issuer:
            continue
        revocation = text_of(document, "revocation_endpoint")
        return Metadata(
            issuer=str(document["issuer"]),
            revocation_url=revocation if revocation and _is_usable(revocation, token_url) else "",
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )
    return Metadata()


def _possible_issuers(authorization_url: str, token_url: str, base: str) -> list[str]:
    """The origin, and the origin with each path above an endpoint, shortest first; five at most."""
    found: list[str] = []
    for url in (token_url, authorization_url, base):
        try:
            top = origin(url)
        except RefusedByPolicy:
            continue
        segments = [part for part in urlsplit(url).path.split("/") if part]
        found.append(top)
        if len(segments) > 1:
            found.append(f"{top}/{segments[0]}")
    return list(dict.fromkeys(found))[:5]


def _is_usable(url: str, beside: str) -> bool:
    """Whether a further endpoint may be sent secrets: it is on the host that gets them anyway (SEC-47)."""
    try:
        return origin(url) == origin(beside)
    except RefusedByPolicy:
        return False


# --- Registration (RFC 7591, RFC 7592) ----------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Registration:
    """What a provider knows this portal as. ``secret_expires_at``: seconds of the epoch, 0: never."""

    client_id: str
    client_secret: str
    scope: str
    secret_expires_at: int = 0
    management_url: str = ""
    management_token: str = ""


def registration_request(
    *, base_url: str, name: str, logo_url: str, redirect_uri: str, scopes: Iterable[str], version: str
) -> dict[str, Any]:
    """The metadata of this portal: every field that the profile demands, all on one host (CLR1-C-02, SEC-46)."""
    return {
        "client_name": name,
        "client_uri": f"{base_url}/",
        "logo_uri": logo_url,
        "tos_uri": f"{base_url}/terms/",
        "policy_uri": f"{base_url}/privacy/",
        "software_id": SOFTWARE_ID,
        "software_version": version,
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": " ".join(scopes),
    }


def register(speaker: Speaker, registration_url: str, request: Mapping[str, Any]) -> Registration:
    """Registers at a provider and reads back what it granted (CLR1-C-02).

    Raises ``RequestRefused``, ``ProviderWrong`` or ``ProviderDown``.
    """
    answer = _post(speaker, registration_url, orjson.dumps(request), {"Content-Type": "application/json"})
    if answer.status not in {200, 201}:
        raise RequestRefused(
            _("The provider does not take this portal as an app (%(said)s).") % {"said": what_it_said(answer)},
            status=answer.status,
        )
    document = json_object(answer)
    client_id, secret = (
        text_of(document, "client_id", LONGEST_SECRET),
        text_of(document, "client_secret", LONGEST_SECRET),
    )
    method = document.get("token_endpoint_auth_method", "client_secret_basic")
    if not client_id or not secret or method != "client_secret_basic":
        raise ProviderWrong(_("The provider registered this portal in a way that its standard does not know."))
    redirects = document.get("redirect_uris", request["redirect_uris"])
    if not isinstance(redirects, list) or request["redirect_uris"][0] not in redirects:
        raise ProviderWrong(_("The provider registered another way back than the one it was given."))
    expires = document.get("client_secret_expires_at", 0)
    management = text_of(document, "registration_client_uri")
    return Registration(
        client_id=client_id,
        client_secret=secret,
        scope=text_of(document, "scope") if "scope" in document else str(request["scope"]),
        secret_expires_at=expires if isinstance(expires, int) and expires > 0 else 0,
        management_url=management if management and _is_usable(management, registration_url) else "",
        management_token=text_of(document, "registration_access_token", LONGEST_SECRET),
    )


def deregister(speaker: Speaker, registration: Registration) -> bool:
    """Ends the registration where the provider offers that (RFC 7592); whether it did."""
    if not registration.management_url or not registration.management_token:
        return False
    headers = {"Authorization": f"Bearer {registration.management_token}"}
    try:
        answer = speaker.send("DELETE", registration.management_url, headers=headers, limit=SMALL_ANSWER)
    except FetchRefused:
        return False
    return answer.status in {200, 204}


# --- To consent and back (RFC 6749 4.1, RFC 7636, RFC 9207) -------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One way to the provider and back: what must be known again on return."""

    state: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """256 bits each; 43 characters, as RFC 7636 wants a verifier to have at least (CLR1-C-03)."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def authorization_address(
    authorization_url: str, *, client_id: str, redirect_uri: str, scopes: Iterable[str], attempt: Attempt
) -> str:
    """Where the learner's browser is sent (CLR1-C-03)."""
    parts = urlsplit(authorization_url)
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", " ".join(scopes)),
        ("state", attempt.state),
        ("code_challenge", attempt.challenge),
        ("code_challenge_method", "S256"),
    ]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query, quote_via=quote), ""))


class NotConsented(Exception):
    """The learner, or the provider for them, said no."""


class WrongReturn(Exception):
    """Somebody came back who was not sent, or from another provider than the one asked."""


def code_of(
    answer: Mapping[str, str], attempt: Attempt | None, *, issuer: str, sends_issuer: bool, authorization_url: str
) -> str:
    """The code of a return from consent, after ``state`` and ``iss`` were compared (SEC-47, RFC 9207).

    Raises ``WrongReturn`` or ``NotConsented``.
    """
    state = answer.get("state", "")
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise WrongReturn(_("This return does not belong to a connection that you began here. Please begin again."))
    said = answer.get("iss")
    if said is None and sends_issuer:
        raise WrongReturn(_("The provider did not say who it is, though it promised to. Nothing was connected."))
    if said is not None and not _is_issuer(said, issuer, authorization_url):
        raise WrongReturn(_("Another provider answered than the one you were sent to. Nothing was connected."))
    if "error" in answer:
        if answer["error"] == "access_denied":
            raise NotConsented(_("You did not agree at the provider, so nothing was connected."))
        code = answer["error"] if answer["error"].replace("_", "").isalnum() and len(answer["error"]) < 40 else "error"
        raise NotConsented(_("The provider did not let this portal in (%(code)s). Nothing changed.") % {"code": code})
    code = answer.get("code", "")
    if not 0 < len(code) <= LONGEST_SECRET:
        raise WrongReturn(_("The provider sent you back without an answer. Please begin again."))
    return code


def _is_issuer(said: str, issuer: str, authorization_url: str) -> bool:
    if issuer:
        return said == issuer
    try:  # the issuer is not known beforehand: at least it must be on the host that was asked
        return origin(said) == origin(authorization_url)
    except RefusedByPolicy:
        return False


# --- Tokens (RFC 6749 4.1.3, 5, 6; RFC 7009) ----------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a token endpoint gave. ``refresh`` is empty where none came: then an old one goes on (section 7.5)."""

    access: str
    refresh: str
    lasts: int
    scopes: frozenset[str]


def redeem(
    speaker: Speaker,
    token_url: str,
    registration: Registration,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    scopes: Iterable[str],
    with_scope: bool = False,
) -> Tokens:
    """Tokens for a code; ``with_scope``: the protocol wants the scope named again (BC-C-07).

    Raises ``ConsentEnded``, ``ProviderWrong`` or ``ProviderDown``.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    scopes = list(scopes)
    if with_scope:
        form["scope"] = " ".join(scopes)
    return _tokens(speaker, token_url, registration, form, scopes)


def refresh(
    speaker: Speaker, token_url: str, registration: Registration, *, refresh_token: str, scopes: Iterable[str]
) -> Tokens:
    """New tokens for a refresh token; the scope is not asked for again, so it cannot grow (CLR1-C-05).

    Raises ``ConsentEnded`` where the provider takes it no more, ``ProviderDown`` where it does not answer.
    """
    return _tokens(
        speaker, token_url, registration, {"grant_type": "refresh_token", "refresh_token": refresh_token}, scopes
    )


def revoke(speaker: Speaker, revocation_url: str, registration: Registration, token: str, hint: str) -> bool:
    """Ends a token at the provider (RFC 7009); whether the provider took it. Never raises for the provider's faults."""
    if not revocation_url or not token:
        return False
    try:
        answer = _post_form(speaker, revocation_url, registration, {"token": token, "token_type_hint": hint})
    except (ProviderDown, ProviderWrong):
        return False
    return answer.status == 200


def _tokens(
    speaker: Speaker, token_url: str, registration: Registration, form: Mapping[str, str], scopes: Iterable[str]
) -> Tokens:
    answer = _post_form(speaker, token_url, registration, form)
    if answer.status in {400, 401, 403}:
        raise ConsentEnded(
            _("This portal's access was ended at the provider, by you or by the provider, or it ran out.")
        )
    if answer.status != 200:
        raise ProviderWrong(
            _("The provider gave no access for what you agreed to (%(said)s).") % {"said": what_it_said(answer)}
        )
    document = json_object(answer)
    access = text_of(document, "access_token", LONGEST_SECRET)
    if not access or str(document.get("token_type", "")).lower() != "bearer":
        raise ProviderWrong(_("The provider gave an access of a kind that its standard does not know."))
    lasts = document.get("expires_in", USUAL_LIFE)
    if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit() and len(lasts) < 10:
        lasts = int(lasts)
    if isinstance(lasts, bool) or not isinstance(lasts, int | float):
        lasts = USUAL_LIFE
    said = document.get("scope")
    asked = frozenset(scopes)
    given = frozenset(said.split()) if isinstance(said, str) else asked  # RFC 6749 5.1: absent means as asked
    return Tokens(
        access=access,
        refresh=text_of(document, "refresh_token", LONGEST_SECRET),
        lasts=int(max(SHORTEST_LIFE, min(lasts, LONGEST_LIFE))),
        scopes=given & asked,
    )


def _post_form(speaker: Speaker, url: str, registration: Registration, form: Mapping[str, str]) -> Fetched:
    # CLR1-C-04: Basic, both parts form-encoded first as RFC 6749 2.3.1 says
    pair = f"{quote_plus(registration.client_id)}:{quote_plus(registration.client_secret)}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return _post(speaker, url, urlencode(form).encode("ascii"), headers)


def _post(speaker: Speaker, url: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
    target(url)
    try:
        return ask(
            speaker,
            "POST",
            url,
            headers={"Accept": "application/json", **headers},
            body=body,
            limit=SMALL_ANSWER,
        )
    except FetchRefused as refusal:
        raise later(refusal) from None
