"""Keys of issuers: their forms, where they are published, and whether one belongs to an issuer.

A signature proves only that a key signed. That the key is the issuer's is shown here (digest of CLR 2.0 / OB 3.0,
section 6.3): a did:key or did:jwk is its own proof; every other issuer publishes a controller document which must
list the method for the purpose, under the issuer's own control. Nothing is fetched here: ``get`` is handed in.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import base58
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.standards import strict_json
from apps.standards.errors import FetchRefused, KeyFault, ParseFault
from apps.standards.proofs.jws import PublicKey, accepted_key, decode_part, public_key_from_pem
from apps.standards.strict_json import shown

#: Gives the JSON document at an address; raises ``FetchRefused`` when it cannot be had.
GetDocument = Callable[[str], Any]

ASSERTION_METHOD = "assertionMethod"

_PREFIXES = {b"\xed\x01": "Ed25519", b"\x80\x24": "P-256", b"\x81\x24": "P-384"}
_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PRIVATE_PROPERTIES = frozenset(
    {"secretKeyMultibase", "privateKeyMultibase", "privateKeyJwk", "secretKeyJwk", "privateKeyBase58", "privateKeyPem"}
)
_MAX_MULTIBASE = 200
_MAX_METHODS = 500
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=@-]+")


# --- forms of keys --------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def key_from_multibase(text: str) -> PublicKey:
    """The public key of a Multikey: ``z`` and base58 of prefix and key (Ed25519, P-256, P-384).

    Raises ``KeyFault`` (KEY_UNAVAILABLE).
    """
    if not text.startswith("z") or len(text) > _MAX_MULTIBASE:
        raise KeyFault("The key is not written as a multibase key that begins with z.")
    try:
        raw = base58.b58decode(text[1:])
    except ValueError:
        raise KeyFault("The key is not readable base58.") from None
    kind, body = _PREFIXES.get(raw[:2]), raw[2:]
    try:
        if kind == "Ed25519" and len(body) == 32:
            return ed25519.Ed25519PublicKey.from_public_bytes(body)
        if kind in _CURVES and len(body) == _CURVES[kind][1] + 1 and body[0] in (2, 3):
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[kind][0], body)
    except ValueError:
        pass
    raise KeyFault("The multibase text is no key of a kind that is known here (Ed25519, P-256, P-384).")


def multibase_of(key: PublicKey) -> str:
    """A public key as Multikey text. Raises ``KeyFault`` for a kind that has none (RSA)."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = b"\xed\x01" + key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        prefix = b"\x80\x24" if key.curve.name == "secp256r1" else b"\x81\x24"
        raw = prefix + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    else:
        raise KeyFault("An RSA key has no multibase form here; publish it as a JWK.")
    return "z" + base58.b58encode(raw).decode("ascii")


def did_key_of(key: PublicKey) -> str:
    """The did:key of a public key (Ed25519, P-256, P-384)."""
    return f"did:key:{multibase_of(key)}"


def key_from_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """The public key of a JWK (RFC 7517): RSA, EC P-256 and P-384, OKP Ed25519.

    Raises ``KeyFault``: KEY_UNAVAILABLE if it is unreadable or carries a private part, ALG_NOT_ALLOWED if it
    is of a size that is not accepted (SEC-23).
    """
    if _PRIVATE_MEMBERS & set(jwk):
        raise KeyFault("The published key contains its private part, so everybody can sign with it.")
    try:
        match jwk.get("kty"):
            case "RSA":
                numbers = rsa.RSAPublicNumbers(_integer(jwk, "e"), _integer(jwk, "n"))
                return accepted_key(numbers.public_key())
            case "EC":
                curve, width = _CURVES[str(jwk.get("crv"))]
                x, y = _octets(jwk, "x", width), _octets(jwk, "y", width)
                point = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve)
                return accepted_key(point.public_key())
            case "OKP" if jwk.get("crv") == "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x", 32))
    except (ValueError, KeyError, ParseFault):
        raise KeyFault("The JWK of the key cannot be read.") from None
    raise KeyFault("The JWK is of a kind that is not known here (RSA, P-256, P-384, Ed25519).")


def _octets(jwk: Mapping[str, Any], name: str, width: int | None = None) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str) or len(text) > 2000:
        raise ValueError(name)
    octets = decode_part(text.encode("utf-8"), "key")
    if width is not None and len(octets) != width:
        raise ValueError(name)
    return octets


def _integer(jwk: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_octets(jwk, name), "big")


def key_from_text(text: str) -> PublicKey:
    """A public key as people hand it over: PEM, JWK, Multikey text, or a did:key or did:jwk.

    Raises ``KeyFault`` for what is none of these, carries a private part, or is not accepted (SEC-23).
    """
    text = text.strip()
    if text.startswith("-----"):
        return public_key_from_pem(text)
    if text.startswith("{"):
        try:
            jwk = strict_json.loads(text.encode("utf-8", "replace"), max_depth=4)
        except ParseFault:
            raise KeyFault("The JWK of the key cannot be read.") from None
        return key_from_jwk(jwk)
    own = _self_certifying(text)
    return own.key if own is not None else key_from_multibase(text)


def fingerprint(key: PublicKey) -> str:
    """The SHA-256 of a public key (SubjectPublicKeyInfo), in hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def jwk_of(key: PublicKey) -> dict[str, str]:
    """A public key as JWK."""

    def text(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")

    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        name, width = ("P-256", 32) if key.curve.name == "secp256r1" else ("P-384", 48)
        return {
            "kty": "EC",
            "crv": name,
            "x": text(point.x.to_bytes(width, "big")),
            "y": text(point.y.to_bytes(width, "big")),
        }
    numbers = key.public_numbers()

    def shortest(value: int) -> bytes:
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    return {"kty": "RSA", "n": text(shortest(numbers.n)), "e": text(shortest(numbers.e))}


def same_key(one: PublicKey, other: PublicKey) -> bool:
    """Whether two public keys are the same key."""
    return type(one) is type(other) and one.public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ) == other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# --- methods --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VerificationMethod:
    """A key that was found to be the issuer's, and what is said about it.

    ``published_at`` is the address of the document that says so; None where the identifier is the key.
    ``revoked`` and ``expires`` are the texts of the method, if it has them.
    """

    id: str
    controller: str
    key: PublicKey
    published_at: str | None = None
    revoked: str | None = None
    expires: str | None = None


def is_web(identifier: str) -> bool:
    """Whether an identifier is an http or https address."""
    return identifier[:8].lower().startswith(("https://", "http://"))


def can_be_looked_up(identifier: str) -> bool:
    """Whether an issuer's keys can be found at all: it is its own key, or has an address where it publishes them."""
    return identifier.startswith(("did:key:", "did:jwk:", "did:web:")) or is_web(identifier)


def document_address(identifier: str) -> str:
    """The address of the controller document of a did:web or https issuer.

    Raises ``KeyFault`` (KEY_UNAVAILABLE) for an identifier that cannot be looked up.
    """
    if identifier.startswith("did:web:"):
        return did_web_address(identifier)
    if is_web(identifier):
        return identifier.partition("#")[0]
    raise KeyFault(f"The issuer {shown(identifier)} cannot be looked up, so nobody can say which keys are its own.")


def did_web_address(did: str) -> str:
    """The address of a did:web document: ``/.well-known/did.json`` of the host, or ``did.json`` below a path."""
    host, *segments = did.removeprefix("did:web:").split(":")
    name, _, port = unquote(host).partition(":")
    if not _HOST.fullmatch(name) or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise KeyFault(f"The identifier {shown(did)} is not a did:web.")
    for segment in segments:
        plain = unquote(segment)
        if not _SEGMENT.fullmatch(plain) or plain in (".", ".."):
            raise KeyFault(f"The identifier {shown(did)} is not a did:web.")
    path = "/".join(segments) if segments else ".well-known"
    return f"https://{name}{':' + port if port else ''}/{path}/did.json"


def _self_certifying(method: str) -> VerificationMethod | None:
    """The method of a did:key or did:jwk; None for every other identifier."""
    did, _, fragment = method.partition("#")
    if did.startswith("did:key:"):
        text = did.removeprefix("did:key:")
        if fragment not in ("", text):
            raise KeyFault("The method of a did:key names another key than the identifier itself.")
        return VerificationMethod(method, did, key_from_multibase(text))
    if did.startswith("did:jwk:"):
        if fragment not in ("", "0"):
            raise KeyFault("A did:jwk has one key only, #0.")
        return VerificationMethod(method, did, _key_of_did_jwk(did))
    return None


@lru_cache(maxsize=512)
def _key_of_did_jwk(did: str) -> PublicKey:
    try:
        jwk = strict_json.loads(decode_part(did.removeprefix("did:jwk:").encode("utf-8"), "key"), max_depth=4)
    except ParseFault:
        raise KeyFault("The did:jwk cannot be read.") from None
    if not isinstance(jwk, dict):
        raise KeyFault("The did:jwk cannot be read.")
    return key_from_jwk(jwk)


def method_of_issuer(method: str, issuer: str, get: GetDocument, *, key_documents: bool = False) -> VerificationMethod:
    """The verification method, shown to be the issuer's for assertions (digest 6.2 and 6.3, SEC-24).

    ``key_documents`` also accepts (VC-JWT, 6.3 rule 3) a key document of the issuer's own origin that names the
    issuer as its controller. Raises ``KeyFault`` with KEY_UNAVAILABLE or KEY_NOT_OF_ISSUER.
    """
    own = _self_certifying(method)
    if own is not None:
        if own.controller != issuer:
            raise _stranger(own.controller, issuer)
        return own
    address = method.partition("#")[0]
    if not (method.startswith("did:web:") or is_web(address)):
        raise KeyFault(f"The key is given by {shown(method)}, a kind of address that cannot be looked up here.")
    if issuer.startswith(("did:key:", "did:jwk:")):
        raise _stranger(method, issuer)
    elsewhere = address != issuer.partition("#")[0]
    try:
        document, published_at = _controller_document(issuer, get)
    except KeyFault:
        alone = key_documents and elsewhere and _same_origin(address, issuer)
        kept = _method_of_key_document(method, issuer, get) if alone else None
        if kept is None:
            raise
        return kept
    found = _listed_method(document, method, issuer, published_at)
    if found is None and _is_listed(document, method):
        found = _method_of_key_document(method, issuer, get, listed=True)  # by its address, kept elsewhere
    if found is None and key_documents and elsewhere and _same_origin(address, issuer):
        found = _method_of_key_document(method, issuer, get, jwks_uri=document.get("jwks_uri"))
    if found is not None:
        return found
    fragment = method.partition("#")[2]
    if not elsewhere and fragment.startswith("z"):
        key_from_multibase(fragment)  # a garbled key is no key at all, which says more than "not listed"
    raise KeyFault(
        f"The issuer {shown(issuer)} does not list the key {shown(method)} among the keys that speak for it.",
        code="KEY_NOT_OF_ISSUER",
    )


def _stranger(controller: str, issuer: str) -> KeyFault:
    return KeyFault(
        f"It was signed by {shown(controller.partition('#')[0])}, which is not the issuer {shown(issuer)}.",
        code="KEY_NOT_OF_ISSUER",
    )


def _same_origin(one: str, other: str) -> bool:
    try:
        first, second = urlsplit(one), urlsplit(document_address(other))
        return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)
    except (ValueError, KeyFault):
        return False


def _fetched(address: str, get: GetDocument) -> dict[str, Any]:
    try:
        document = get(address)
    except FetchRefused as refusal:
        code = "NOT_DECIDED" if refusal.code == "NOT_DECIDED" else "KEY_UNAVAILABLE"
        raise KeyFault(f"The document with the key cannot be had. {refusal.sentence}", code=code) from None
    if not isinstance(document, dict):
        raise KeyFault(f"What stands at {shown(address, 120)} is no document with keys.")
    return document


def _controller_document(issuer: str, get: GetDocument) -> tuple[dict[str, Any], str]:
    address = document_address(issuer)
    document = _fetched(address, get)
    if document.get("id") != issuer:
        raise KeyFault(
            f"The document at {shown(address, 120)} is about {shown(str(document.get('id')))}, "
            f"not about the issuer {shown(issuer)}.",
            code="KEY_NOT_OF_ISSUER",
        )
    return document, address


def _entries(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    entries = value if isinstance(value, list) else [value]
    if len(entries) > _MAX_METHODS:
        raise KeyFault("The document of the issuer lists more keys than are looked at.")
    return entries


def _names(entry: Any, method: str, base: str) -> bool:
    """Whether an entry (a reference or a method) is the method, by its whole or its relative name."""
    name = entry.get("id") if isinstance(entry, dict) else entry
    return isinstance(name, str) and (name == method or (name.startswith("#") and base + name == method))


def _is_listed(document: Mapping[str, Any], method: str) -> bool:
    base = str(document.get("id"))
    return any(_names(entry, method, base) for entry in _entries(document, ASSERTION_METHOD))


def _listed_method(
    document: Mapping[str, Any], method: str, issuer: str, published_at: str
) -> VerificationMethod | None:
    """The method of that name if the document itself holds it. Raises ``KeyFault`` if it may not be used."""
    base = str(document.get("id"))
    for name in (ASSERTION_METHOD, "verificationMethod"):
        for entry in _entries(document, name):
            if isinstance(entry, dict) and _names(entry, method, base):
                if not _is_listed(document, method):
                    raise KeyFault(
                        f"The issuer publishes the key {shown(method)}, but not for making assertions.",
                        code="KEY_NOT_OF_ISSUER",
                    )
                return _method(entry, method, issuer, published_at)
    return None


def _method(entry: Mapping[str, Any], method: str, issuer: str, published_at: str) -> VerificationMethod:
    if entry.get("controller") != issuer:
        raise KeyFault(
            f"The key {shown(method)} is controlled by {shown(str(entry.get('controller')))}, not by the issuer.",
            code="KEY_NOT_OF_ISSUER",
        )
    return VerificationMethod(
        method,
        issuer,
        key_of_method(entry),
        published_at,
        _text(entry.get("revoked")),
        _text(entry.get("expires")),
    )


def key_of_method(entry: Mapping[str, Any]) -> PublicKey:
    """The public key of a verification method. Raises ``KeyFault``."""
    if _PRIVATE_PROPERTIES & set(entry):
        raise KeyFault("The published key contains its private part, so everybody can sign with it.")
    multibase, jwk = entry.get("publicKeyMultibase"), entry.get("publicKeyJwk")
    if (multibase is None) == (jwk is None):
        raise KeyFault("The key document holds no key of a known form (publicKeyMultibase or publicKeyJwk).")
    if isinstance(multibase, str):
        return key_from_multibase(multibase)
    if isinstance(jwk, dict):
        return key_from_jwk(jwk)
    raise KeyFault("The key of the document cannot be read.")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _method_of_key_document(
    method: str, issuer: str, get: GetDocument, *, listed: bool = False, jwks_uri: Any = None
) -> VerificationMethod | None:
    """The key in a document of its own (6.2): a method, a JWK, an entry of a set; None if it is not the issuer's.

    A method or JWK names the issuer as its controller. Where the issuer lists the key by this address (``listed``),
    a bare JWK or a set will do; so will a set that is the issuer's own (its ``jwks_uri``, or that of its origin).
    """
    address, _, fragment = method.partition("#")
    document = _fetched(address, get)
    if isinstance(document.get("keys"), list):
        if not listed and address not in _jwks_addresses(jwks_uri, issuer):
            return None
        document = _entry_of_set(document["keys"], method, fragment)
        listed = True
    elif document.get("id") not in (None, method, address):
        return None
    controller = document.get("controller")
    if controller != issuer and not (listed and controller is None and "kty" in document):
        return None
    if "kty" in document:
        members = {name: value for name, value in document.items() if name not in ("id", "controller", "revoked")}
        return VerificationMethod(method, issuer, key_from_jwk(members), address, _text(document.get("revoked")), None)
    return _method(document, method, issuer, address)


def _entry_of_set(keys: list[Any], method: str, fragment: str) -> dict[str, Any]:
    """The JWK whose ``kid`` is the address or its fragment. Raises ``KeyFault`` (KEY_UNAVAILABLE)."""
    for jwk in keys[:_MAX_METHODS]:
        if (
            isinstance(jwk, dict)
            and isinstance(jwk.get("kid"), str)
            and jwk["kid"] in (method, fragment)
            and jwk["kid"]
        ):
            return jwk
    raise KeyFault(f"The set of keys does not hold the key {shown(method)}.")


# --- keys that come along with a token ------------------------------------------------------------------------


def method_of_header_key(key: PublicKey, issuer: str, get: GetDocument) -> VerificationMethod:
    """The issuer's published method with this very key (digest 6.3 rule 4, SEC-23).

    A key that a token brings along authenticates nobody; it counts only if the issuer publishes the same key: as
    its did:key or did:jwk, in its controller document, or in the JWK set that this document or the issuer's
    origin names. Raises ``KeyFault``.
    """
    own = _self_certifying(issuer) if issuer.startswith(("did:key:", "did:jwk:")) else None
    if own is not None:
        if same_key(own.key, key):
            return own
        raise _foreign_header_key(issuer)
    unavailable: KeyFault | None = None
    jwks_uri = None
    try:
        document, published_at = _controller_document(issuer, get)
        for candidate in _assertion_methods(document, issuer, published_at):
            if same_key(candidate.key, key):
                return candidate
        jwks_uri = document.get("jwks_uri")
    except KeyFault as fault:
        unavailable = fault
    for address in _jwks_addresses(jwks_uri, issuer):
        try:
            keys = _fetched(address, get).get("keys")
        except KeyFault:
            continue
        unavailable = None
        for jwk in keys[:_MAX_METHODS] if isinstance(keys, list) else []:
            if _is_jwk_of(jwk, key):
                return VerificationMethod(str(jwk.get("kid") or address), issuer, key, address)
    raise unavailable or _foreign_header_key(issuer)


def _foreign_header_key(issuer: str) -> KeyFault:
    return KeyFault(
        f"The key that came with the record is not among the keys that the issuer {shown(issuer)} publishes.",
        code="KEY_NOT_OF_ISSUER",
    )


def _assertion_methods(document: Mapping[str, Any], issuer: str, published_at: str) -> Iterator[VerificationMethod]:
    """Every method of a controller document that may make assertions; unreadable ones are passed over."""
    for name in (ASSERTION_METHOD, "verificationMethod"):
        for entry in _entries(document, name):
            method = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(method, str):
                method = issuer + method if method.startswith("#") else method
                try:
                    found = _listed_method(document, method, issuer, published_at)
                except KeyFault:
                    continue
                if found is not None:
                    yield found


def _jwks_addresses(jwks_uri: Any, issuer: str) -> list[str]:
    try:
        origin = urlsplit(document_address(issuer))
    except (KeyFault, ValueError):
        return []
    named = [jwks_uri] if isinstance(jwks_uri, str) and _same_origin(jwks_uri, issuer) else []
    return [*named, f"{origin.scheme}://{origin.netloc}/.well-known/jwks.json"]


def _is_jwk_of(jwk: Any, key: PublicKey) -> bool:
    if not isinstance(jwk, dict):
        return False
    try:
        return same_key(key_from_jwk(jwk), key)
    except KeyFault:
        return False


# --- what we publish (6.4) ------------------------------------------------------------------------------------


def verification_method(method: str, controller: str, key: PublicKey, *, revoked: str | None = None) -> dict[str, Any]:
    """A key as a verification method: Multikey, or JsonWebKey for RSA. ``revoked`` is an RFC 3339 date-time."""
    if isinstance(key, rsa.RSAPublicKey):
        published: dict[str, Any] = {"type": "JsonWebKey", "controller": controller, "publicKeyJwk": jwk_of(key)}
    else:
        published = {"type": "Multikey", "controller": controller, "publicKeyMultibase": multibase_of(key)}
    return {"id": method, **published, **({"revoked": revoked} if revoked is not None else {})}


def controller_document(issuer: str, methods: list[dict[str, Any]]) -> dict[str, Any]:
    """The document at an issuer's address (or its did.json): every key, also retired ones, for assertions."""
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/jwk/v1",
        ],
        "id": issuer,
        "verificationMethod": methods,
        ASSERTION_METHOD: [method["id"] for method in methods],
    }
