"""Registration of clients: RFC 7591 with the metadata of the 1EdTech profile, and its management, RFC 7592 (SEC-46).

Anybody may register; nothing that a client says of itself counts for more than that it said so.
"""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import transaction

from apps.exchange.authorization import scopes as offered
from apps.exchange.authorization.validator import digest
from apps.exchange.models import Client
from apps.exchange.models.authorization import new_client_secret
from apps.institution import audit
from apps.network.addresses import Target, normal_exceptions, read_url
from apps.standards.errors import RefusedByPolicy

LONGEST_FIELD = 2_048
"""Bytes of UTF-8 in one field (SEC-46)."""
MOST_REDIRECTS = 10
TEXTS = ("client_name", "software_id", "software_version")
ADDRESSES = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
REQUIRED = ("client_name", *ADDRESSES, "software_id", "software_version", "redirect_uris")  # BC-P-07
AUTH_METHOD = "client_secret_basic"
_ANSWER_NAMES = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "scope"})
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refused(Exception):
    """The metadata are not taken; `error` is a code of RFC 7591, the text says what and why."""

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a client says of itself, checked."""

    name: str
    host: str
    client_uri: str
    logo_uri: str
    tos_uri: str
    policy_uri: str
    software_id: str
    software_version: str
    redirect_uris: tuple[str, ...]
    may_refresh: bool
    scopes: tuple[str, ...]

    def columns(self) -> dict[str, Any]:
        """The columns of `Client` that hold it."""
        return {
            **{name: getattr(self, name) for name in ("name", "host", *ADDRESSES, "software_id", "software_version")},
            "redirect_uris": " ".join(self.redirect_uris),
            "may_refresh": self.may_refresh,
            "scope": " ".join(self.scopes),
        }


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client and what is told once and stored only as digests."""

    client: Client
    secret: str
    management_token: str


# --- Reading ----------------------------------------------------------------------------------------------


def read(document: Any) -> Metadata:
    """The metadata of a registration or update; raises `Refused`. Unknown members are ignored (RFC 7591, 2)."""
    if not isinstance(document, dict):
        _refuse("The body must be a JSON object.")
    if document.get("software_statement") is not None:
        raise Refused("unapproved_software_statement", "Software statements are not taken here; leave it out.")
    for name in REQUIRED:
        if document.get(name) is None:
            _refuse(f"{name} is missing.")
    texts = {name: _text(name, document[name]) for name in TEXTS}
    targets = {name: _address(name, document[name]) for name in ADDRESSES}
    one = targets["client_uri"]
    for name, target in targets.items():
        if target.authority != one.authority:  # BC-P-09
            _refuse(f"{name} must have the same host as client_uri.")
    redirects = _redirects(document["redirect_uris"], one)
    _check_method(document)
    return Metadata(
        name=texts["client_name"],
        host=one.host_header,
        client_uri=document["client_uri"],
        logo_uri=document["logo_uri"],
        tos_uri=document["tos_uri"],
        policy_uri=document["policy_uri"],
        software_id=texts["software_id"],
        software_version=texts["software_version"],
        redirect_uris=redirects,
        may_refresh=_may_refresh(document),
        scopes=_scopes(document),
    )


def _refuse(sentence: str) -> NoReturn:
    raise Refused("invalid_client_metadata", sentence)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        _refuse(f"{name} must be a text that is not empty.")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_FIELD:
        _refuse(f"{name} is longer than {LONGEST_FIELD} bytes.")
    # SEC-32: what would let a name read as something else on the consent page is not taken.
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _BIDI for character in value):
        _refuse(f"{name} holds control characters.")
    return value.strip()


def _address(name: str, value: Any) -> Target:
    """A public https address (SEC-46): a host by name, on the ordinary port, that is not ours."""
    if not isinstance(value, str) or not value.isascii():
        _refuse(f"{name} must be an https address, written in ASCII.")
    allowed = normal_exceptions(settings.FETCH_ALLOW)
    try:
        target = read_url(value, allow=allowed)
    except RefusedByPolicy:
        _refuse(f"{name} must be a public https address of at most {LONGEST_FIELD} characters.")
    if target.address is not None and not target.allowed:
        _refuse(f"{name} must name its host, not an address of the network.")
    if target.authority == _own_authority():
        _refuse(f"{name} is an address of this portal, not of the client.")
    if _DOTS.search(urlsplit(value).path):
        _refuse(f"{name} must not hold dot segments.")
    return target


def _own_authority() -> str:
    parts = urlsplit(settings.BASE_URL)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _redirects(value: Any, one: Target) -> tuple[str, ...]:
    """The redirect addresses, as written: they are compared as text later (SEC-41)."""
    if not isinstance(value, list) or not value:
        raise Refused("invalid_redirect_uri", "redirect_uris must be a list of at least one address.")
    if len(value) > MOST_REDIRECTS:
        raise Refused("invalid_redirect_uri", f"redirect_uris holds more than {MOST_REDIRECTS} addresses.")
    for uri in value:
        try:
            target = _address("redirect_uris", uri)
        except Refused as refusal:
            raise Refused("invalid_redirect_uri", str(refusal)) from None
        if target.authority != one.authority:
            raise Refused("invalid_redirect_uri", "Each redirect address must have the same host as client_uri.")
        if "#" in uri:
            raise Refused("invalid_redirect_uri", "A redirect address has no fragment.")
        if any(name in _ANSWER_NAMES for name, _value in parse_qsl(urlsplit(uri).query, keep_blank_values=True)):
            raise Refused("invalid_redirect_uri", "A redirect address must not hold parameters of the answer.")
    return tuple(dict.fromkeys(value))


def _check_method(document: dict[str, Any]) -> None:
    method = document.get("token_endpoint_auth_method")
    if method is not None and method != AUTH_METHOD:  # BC-P-10
        _refuse(f"token_endpoint_auth_method must be {AUTH_METHOD}.")
    kinds = document.get("response_types")
    if kinds is not None and kinds != ["code"]:
        _refuse('response_types must be ["code"].')


def _may_refresh(document: dict[str, Any]) -> bool:
    grants = document.get("grant_types")
    if grants is None:
        return False  # BC-P-11: authorization_code alone
    if not isinstance(grants, list) or not all(isinstance(grant, str) for grant in grants):
        _refuse("grant_types must be a list of texts.")
    if not set(grants) <= {"authorization_code", "refresh_token"} or "authorization_code" not in grants:
        _refuse("grant_types must hold authorization_code, and may hold refresh_token.")
    return "refresh_token" in grants


def _scopes(document: dict[str, Any]) -> tuple[str, ...]:
    """Those of the scopes that are offered (BC-P-12); all of them where none are named."""
    text = document.get("scope")
    if text is None or text == "":
        return offered.OFFERED
    if not isinstance(text, str) or len(text) > LONGEST_FIELD:
        _refuse(f"scope must be a text of at most {LONGEST_FIELD} characters, its scopes separated by blanks.")
    known = offered.known(text.split())
    if not known:
        _refuse("None of these scopes is offered here; the metadata of the server name those that are.")
    return tuple(known)


# --- Storing ----------------------------------------------------------------------------------------------


def register(metadata: Metadata) -> Registered:
    """A new client; id, secret and trust are never the caller's choice."""
    secret, token = new_client_secret(), secrets.token_urlsafe(32)
    with transaction.atomic():
        client = Client.objects.create(
            **metadata.columns(),
            client_type=Client.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
            registration_source=Client.RegistrationSource.DCR,
            client_secret=secret,
            registration_token_digest=digest(token),
        )
        audit.record("client.registered", client)
    return Registered(client, secret, token)


def find(client_id: str, token: str) -> Client | None:
    """The client that this management token is for (RFC 7592)."""
    found: Client | None = Client.objects.filter(
        registration_token_digest=hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(),
        client_id=client_id.replace("\x00", ""),
    ).first()
    return found


def check_identity(client: Client, document: dict[str, Any]) -> None:
    """What an update must and must not name of the registration itself (RFC 7592, 2.2); raises `Refused`."""
    if document.get("client_id") != client.client_id:
        _refuse("client_id must be the one of this registration.")
    for name in (
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ):
        if name in document:
            _refuse(f"{name} cannot be changed; leave it out.")
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and check_password(secret, client.client_secret)):
        _refuse("client_secret is not the one of this registration, and cannot be changed.")


def update(client: Client, metadata: Metadata) -> Client:
    """Replaces all that the client says of itself; raises `Refused` when it would become another host's.

    What learners saw when they consented, or may be asked for, grows its version: they are asked again (SEC-48).
    """
    if metadata.host != client.host:
        _refuse("A registration stays with its host; register anew for another one.")
    with transaction.atomic():
        locked = Client.objects.select_for_update().get(pk=client.pk)
        grew = (
            any(getattr(locked, name) != getattr(metadata, name) for name in ("name", *ADDRESSES))
            or not set(metadata.redirect_uris) <= set(locked.redirect_uris.split())
            or not set(metadata.scopes) <= set(locked.scopes)
        )
        if locked.logo_uri != metadata.logo_uri:
            locked.logo_digest = ""
        for name, value in metadata.columns().items():
            setattr(locked, name, value)
        locked.version += int(grew)
        locked.save()
        audit.record("client.changed", locked, version=locked.version)
    return locked


def described(client: Client) -> dict[str, Any]:
    """The registration as it is answered: what holds now, never the secret (RFC 7591, 3.2.1)."""
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_secret_expires_at": 0,
        "client_name": client.name,
        **{name: getattr(client, name) for name in ADDRESSES},
        "software_id": client.software_id,
        "software_version": client.software_version,
        "redirect_uris": client.redirect_uris.split(),
        "token_endpoint_auth_method": AUTH_METHOD,
        "grant_types": ["authorization_code", *(["refresh_token"] if client.may_refresh else [])],
        "response_types": ["code"],
        "scope": client.scope,
        "registration_client_uri": f"{settings.BASE_URL}/o/register/{client.client_id}/",
    }
