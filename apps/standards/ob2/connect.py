"""The wire of Badge Connect (Open Badges 2.1): manifest, envelope, and badges carried by their bytes.

Part B of the digest. A badge that was signed or received travels as the bytes that it came in (BC-R-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.standards import identities, strict_json
from apps.standards.errors import DocumentFault, ParseFault
from apps.standards.ob2 import model
from apps.standards.proofs import jws

CONTEXT_URL = "https://purl.imsglobal.org/spec/ob/v2p1/ob_v2p1.jsonld"
VERSION = "v2p1"
PATH = "/ims/ob/v2p1"
MANIFEST_PATH = "/.well-known/badgeconnect.json"
MANIFEST_MEMBERS = ("name", "apiBase", "version", "termsOfServiceUrl", "privacyPolicyUrl", "scopesOffered")
ENDPOINTS = ("registrationUrl", "authorizationUrl", "tokenUrl")

OK = "OK"
REQUEST_VALIDATION_ERROR = "REQUEST_VALIDATION_ERROR"
RECIPIENT_PROFILE_MISMATCH = "RECIPIENT_PROFILE_MISMATCH"
INVALID_BADGE = "INVALID_BADGE"
BAD_REQUEST = "BAD_REQUEST"
UNAUTHENTICATED = "UNAUTHENTICATED"
PERMISSION_DENIED = "PERMISSION_DENIED"
NOT_FOUND = "NOT_FOUND"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
STATUS_TEXTS = (
    OK,
    REQUEST_VALIDATION_ERROR,
    RECIPIENT_PROFILE_MISMATCH,
    INVALID_BADGE,
    BAD_REQUEST,
    UNAUTHENTICATED,
    PERMISSION_DENIED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
)
_USUAL = {200: OK, 401: UNAUTHENTICATED, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}
_IDENTIFIERS = ("email", "url", "telephone")


# --- the envelope (B8) ----------------------------------------------------------------------------------------


def status(code: int, error: str | None = None, text: str | None = None) -> dict[str, Any]:
    """The member `status` of every answer; `text` is the usual one of the HTTP status where it is not given."""
    return {"error": error, "statusCode": code, "statusText": text or _USUAL.get(code, BAD_REQUEST)}


def envelope(code: int, error: str | None = None, text: str | None = None, **members: Any) -> dict[str, Any]:
    """An answer: its status, and what it carries beside (BC-R-12)."""
    return {"status": status(code, error, text), **members}


def page_of(assertions: Iterable[bytes], signed: Iterable[bytes]) -> bytes:
    """The text of a getAssertions answer around plain badges (JSON) and signed ones (compact JWS), byte for byte."""
    pieces = [b'{"status":', orjson.dumps(status(200)), b',"assertions":[', b",".join(assertions)]
    pieces += [b'],"signedAssertions":[', b",".join(b'"' + token + b'"' for token in signed), b"]}"]
    return b"".join(pieces)


def payload_of(badge: bytes, *, is_signed: bool) -> bytes:
    """The text of a postAssertion body around one badge, byte for byte."""
    return b'{"signedAssertion":"' + badge + b'"}' if is_signed else b'{"assertion":' + badge + b"}"


@dataclass(frozen=True, slots=True)
class Said:
    """The status of an answer as a host gave it; `code` 0 where there is none."""

    code: int
    text: str
    error: str


def status_in(document: Mapping[str, Any]) -> Said:
    """The status of an answer; what is missing or of another type is read as absent."""
    found = document.get("status")
    given = found if isinstance(found, dict) else {}
    code, text, error = given.get("statusCode"), given.get("statusText"), given.get("error")
    return Said(
        code=code if isinstance(code, int) and not isinstance(code, bool) else 0,
        text=text if isinstance(text, str) else "",
        error=error if isinstance(error, str) else "",
    )


def badges_in(body: bytes) -> list[bytes]:
    """The single badges of a getAssertions answer, JSON or compact JWS, as they stand in it (BC-C-10).

    Lists may be absent, null or empty. Raises ``ParseFault`` or ``DocumentFault``.
    """
    value = strict_json.loads(body)
    if not isinstance(value, dict):
        raise DocumentFault("The answer is no JSON object.")
    members = strict_json.members_as_written(body)
    found: list[bytes] = []
    for name, kind in (("assertions", dict), ("signedAssertions", str)):
        held = value.get(name)
        if held is None:
            continue
        if not isinstance(held, list) or not all(isinstance(each, kind) for each in held):
            raise DocumentFault(f"{name} is a list of badges.", at=f"/{name}")
        written = strict_json.items_as_written(members[name])
        found += written if kind is dict else [each.encode("utf-8", "replace") for each in held]
    return found


# --- what is posted (BC-W-01 to W-04) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Posted:
    """A badge in a postAssertion body: its bytes, and its JSON (of a signed one: what was signed)."""

    content: bytes
    value: dict[str, Any]
    is_signed: bool


def posted(body: bytes) -> Posted:
    """The badge in a body; of both forms the signed one counts, null is absent (BC-W-03).

    Raises ``ParseFault`` or ``DocumentFault``: no JSON, neither form, a wrong type, a further member (BC-W-04).
    """
    value = _object(body)
    further = sorted(set(value) - {"assertion", "signedAssertion"})
    if further:
        raise DocumentFault(f"The body has a member that is not of this form: {strict_json.shown(further[0])}.")
    token, assertion = value.get("signedAssertion"), value.get("assertion")
    if token is not None:
        if not isinstance(token, str):
            raise DocumentFault("signedAssertion is a text: a compact JWS.", at="/signedAssertion")
        taken = jws.split(token.encode("utf-8", "surrogatepass").strip())
        signed = strict_json.loads(taken.payload)
        if not isinstance(signed, dict):
            raise DocumentFault("The signed content is no badge.", at="/signedAssertion")
        return Posted(taken.token.encode("ascii"), signed, is_signed=True)
    if assertion is None:
        raise DocumentFault("The body carries assertion or signedAssertion; here is neither.")
    if not isinstance(assertion, dict):
        raise DocumentFault("assertion is a JSON object: a badge.", at="/assertion")
    if not isinstance(assertion.get("id"), str) or "type" not in assertion:
        raise DocumentFault("A badge has an id and a type.", at="/assertion")
    return Posted(strict_json.members_as_written(body)["assertion"], assertion, is_signed=False)


def posted_identifiers(body: bytes) -> dict[str, list[str]]:
    """The identifiers that a postProfile body asks to add, by kind (B8). Raises ``ParseFault``, ``DocumentFault``."""
    value = _object(body)
    found: dict[str, list[str]] = {}
    for name in _IDENTIFIERS:
        given = value.get(name)
        texts = given if isinstance(given, list) else [] if given is None else [given]
        if not all(isinstance(each, str) and 0 < len(each) <= 320 and each.isprintable() for each in texts):
            raise DocumentFault(f"{name} is a text, or a list of texts, without line breaks.", at=f"/{name}")
        if texts:
            found[name] = list(texts)
    if not found:
        raise DocumentFault("The profile names nothing to add: give email, url or telephone.")
    return found


def _object(body: bytes) -> dict[str, Any]:
    value = strict_json.loads(body)
    if not isinstance(value, dict):
        raise DocumentFault("The body is a JSON object.")
    return value


def is_email(text: str) -> bool:
    """Whether a text has the form of an address (A3)."""
    name, at, host = text.partition("@")
    return bool(name and at and host) and "@" not in host and not any(each.isspace() for each in text)


def profile(*, id: str, name: str | None, emails: Iterable[str]) -> dict[str, Any]:
    """The Profile of a recipient, with the addresses that are known to be theirs (BC-R-10)."""
    known = list(dict.fromkeys(emails))
    found: dict[str, Any] = {"@context": model.CONTEXT_URL, "id": id, "type": "Profile"}
    if name:
        found["name"] = name
    if known:
        found["email"] = known[0] if len(known) == 1 else known
    return found


def identifiers_in(found: Mapping[str, Any]) -> list[str]:
    """The identifiers of a Profile, one or many of each kind (BC-C-13)."""
    texts: list[str] = []
    for name in (*_IDENTIFIERS, "id"):
        given = found.get(name)
        texts += [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)]
    return texts


def is_made_out_to(badge: bytes, identifiers: Iterable[str]) -> bool:
    """Whether a badge, JSON or compact JWS, is made out to one of these, plain or hashed (A4, BC-C-13).

    True also where the badge does not say it in a way that is read here: then its host decides.
    """
    try:
        text = badge if badge.lstrip().startswith(b"{") else jws.split(badge.strip()).payload
        value = strict_json.loads(text)
    except ParseFault:
        return True
    recipient = value.get("recipient") if isinstance(value, dict) else None
    identity = recipient.get("identity") if isinstance(recipient, dict) else None
    salt = recipient.get("salt") if isinstance(recipient, dict) else None
    if not isinstance(identity, str):
        return True
    return identities.matches(identity, identifiers, salt=salt if isinstance(salt, str) else None)


# --- the manifest (B2) ----------------------------------------------------------------------------------------


def manifest(
    *,
    base: str,
    name: str,
    image: str | None,
    scopes: Iterable[str],
    authorization_url: str,
    registration_url: str,
    token_url: str,
    token_revocation_url: str,
    terms_url: str,
    privacy_url: str,
) -> dict[str, Any]:
    """The manifest of a host with one API at ``base`` + ``PATH`` (BC-P-02)."""
    api = {
        "name": name,
        **({"image": image} if image else {}),
        "apiBase": f"{base}{PATH}",
        "version": VERSION,
        "termsOfServiceUrl": terms_url,
        "privacyPolicyUrl": privacy_url,
        "scopesOffered": list(scopes),
        "registrationUrl": registration_url,
        "authorizationUrl": authorization_url,
        "tokenUrl": token_url,
        "tokenRevocationUrl": token_revocation_url,
    }
    return {"@context": CONTEXT_URL, "id": f"{base}{MANIFEST_PATH}", "type": "Manifest", "badgeConnectAPI": [api]}


@dataclass(frozen=True, slots=True)
class Api:
    """One API of a manifest; what is absent, null or no text is empty."""

    name: str
    base: str
    version: str
    terms_url: str
    privacy_url: str
    scopes: tuple[str, ...]
    registration_url: str
    authorization_url: str
    token_url: str
    revocation_url: str


def apis_in(document: Mapping[str, Any]) -> list[Api]:
    """The APIs of a manifest; those of this version first, since a host may have several (B2)."""
    listed = document.get("badgeConnectAPI")
    entries = [each for each in (listed if isinstance(listed, list) else [listed]) if isinstance(each, dict)]
    return sorted((_api(entry) for entry in entries[:20]), key=lambda api: api.version != VERSION)


def _api(entry: Mapping[str, Any]) -> Api:
    def text(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) and len(value) <= 2_048 and value.isprintable() else ""

    scopes = entry.get("scopesOffered")
    return Api(
        name=text("name"),
        base=text("apiBase").rstrip("/"),
        version=text("version"),
        terms_url=text("termsOfServiceUrl"),
        privacy_url=text("privacyPolicyUrl"),
        scopes=tuple(each for each in (scopes if isinstance(scopes, list) else [])[:50] if isinstance(each, str)),
        registration_url=text("registrationUrl"),
        authorization_url=text("authorizationUrl"),
        token_url=text("tokenUrl"),
        revocation_url=text("tokenRevocationUrl"),
    )


def is_unsigned(text: bytes) -> bool:
    """Whether a badge's text is a JSON badge that needs no signature around it."""
    try:
        value = strict_json.loads(text)
    except ParseFault:
        return False
    verification = value.get("verification") if isinstance(value, dict) else None
    kinds = verification.get("type") if isinstance(verification, dict) else None
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return isinstance(value, dict) and not {"SignedBadge", "signed"} & {each for each in kinds if isinstance(each, str)}
