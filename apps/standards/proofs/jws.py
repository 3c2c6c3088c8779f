"""Compact JWS (RFC 7515), read strictly and signed quickly.

Reading (SEC-23): three base64url parts without padding, a header that is strict JSON, an algorithm from the
caller's allow-list, no ``crit`` and no ``b64``. Keys that a header brings along (``jwk``, ``jku``, ``x5c``,
``x5u``) are never looked at. Each algorithm works with exactly one kind of key.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwcrypto import jwk
from jwcrypto.common import JWException

from apps.standards import strict_json
from apps.standards.errors import KeyFault, ParseFault, SignatureFault

MEDIA_TYPE = "application/jose"
RSA_MIN_BITS = 2048
RSA_MAX_BITS = 8192
MAX_HEADER = 16_384
MAX_PEM = 16_384

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_UNUSED_BITS = {2: 0b1111, 3: 0b11}
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


# --- base64url --------------------------------------------------------------------------------------------


def encode_part(data: bytes) -> bytes:
    """base64url without padding."""
    standard = binascii.b2a_base64(data, newline=False).rstrip(b"=")
    return standard.replace(b"+", b"-").replace(b"/", b"_")


def decode_part(part: bytes, what: str = "part") -> bytes:
    """The bytes of one base64url part, read strictly: alphabet, no padding, no stray bits in the last letter.

    Raises ``ParseFault`` (INPUT_INVALID); ``what`` names the part in its sentence.
    """
    left_over = len(part) % 4
    if left_over == 1 or b"+" in part or b"/" in part or b"=" in part:
        raise _not_readable(what)
    if left_over:
        last = _ALPHABET.find(part[-1:])
        if last < 0 or last & _UNUSED_BITS[left_over]:
            raise _not_readable(what)
    padded = part.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(part) % 4)
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        raise _not_readable(what) from None


def _not_readable(what: str) -> ParseFault:
    return ParseFault(f"The {what} of the signed text is not base64url.", code="INPUT_INVALID")


# --- reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS taken apart; nothing about it has been verified."""

    token: str
    header: dict[str, Any]
    payload: bytes
    signature: bytes
    signing_input: bytes

    @property
    def algorithm(self) -> str:
        """The ``alg`` of the header, or an empty string."""
        found = self.header.get("alg")
        return found if isinstance(found, str) else ""


def looks_like_jws(text: str) -> bool:
    """Whether a text has the shape of a compact JWS: three dot-separated parts that begin like a header."""
    return text.count(".") == 2 and text.startswith("ey") and not any(blank in text for blank in " \t\r\n")


def read(token: str | bytes, *, algorithms: Collection[str]) -> Jws:
    """Take a compact JWS apart and hold its header against the rules. The signature is not verified here.

    Raises what ``split`` and ``require`` raise. CLR1-V-03.
    """
    jws = split(token)
    require(jws, algorithms)
    return jws


def split(token: str | bytes) -> Jws:
    """The parts of a compact JWS, decoded. An empty signature is let through, for ``require`` to refuse.

    Raises ``ParseFault`` (INPUT_INVALID) where there are not three base64url parts with a JSON header.
    """
    try:
        raw = token.encode("ascii") if isinstance(token, str) else token
        text = raw.decode("ascii")
    except (UnicodeEncodeError, UnicodeDecodeError):
        raise ParseFault("A signed text has letters, digits, - and _ only.", code="INPUT_INVALID") from None
    parts = raw.split(b".")
    if len(parts) != 3:
        raise ParseFault("A signed text has three parts with dots between.", code="INPUT_INVALID")
    header = _read_header(parts[0])
    payload = decode_part(parts[1], "content")
    signature = decode_part(parts[2], "signature")
    return Jws(text, header, payload, signature, raw[: len(parts[0]) + 1 + len(parts[1])])


def require(jws: Jws, algorithms: Collection[str]) -> None:
    """Hold a JWS against the rules that do not need a key (SEC-23).

    Raises ``SignatureFault`` (ALG_NOT_ALLOWED) for an algorithm that is not, letter by letter, in
    ``algorithms``; ``ParseFault`` (INPUT_INVALID) for ``crit``, ``b64``, or an empty part.
    """
    if jws.algorithm not in algorithms:
        raise SignatureFault(
            f"The signature method {strict_json.shown(jws.algorithm)} is not accepted here.",
            code="ALG_NOT_ALLOWED",
        )
    for refused in ("crit", "b64"):
        if refused in jws.header:
            raise ParseFault(f"The header demands an extension ({refused}) that is not accepted.", code="INPUT_INVALID")
    if not jws.payload or not jws.signature:
        raise ParseFault("A part of the signed text is empty.", code="INPUT_INVALID")


@lru_cache(maxsize=256)
def _read_header_once(part: bytes) -> tuple[tuple[str, Any], ...]:
    try:
        header = strict_json.loads(decode_part(part, "header"), max_depth=8, max_nodes=1000)
    except ParseFault as fault:
        raise ParseFault(f"The header cannot be read. {fault.sentence}", code="INPUT_INVALID") from None
    if not isinstance(header, dict):
        raise ParseFault("The header is not a JSON object.", code="INPUT_INVALID")
    return tuple(header.items())


def _read_header(part: bytes) -> dict[str, Any]:
    if not part or len(part) > MAX_HEADER:
        raise ParseFault("The header is missing or too long.", code="INPUT_INVALID")
    return dict(_read_header_once(part))


# --- keys -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def public_key_from_pem(pem: str) -> PublicKey:
    """A public key from PEM: SubjectPublicKeyInfo (``PUBLIC KEY``) or PKCS#1 (``RSA PUBLIC KEY``).

    Raises ``KeyFault``: KEY_UNAVAILABLE if the text is no public key, ALG_NOT_ALLOWED if it is of a kind or
    size that is not accepted (SEC-23).
    """
    if len(pem) > MAX_PEM or "PUBLIC KEY-----" not in pem:
        raise KeyFault("The text of the key is not a public key in PEM.")
    try:
        key = load_pem_public_key(pem.strip().encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFault("The text of the key is not a public key in PEM.") from None
    return accepted_key(key)


def accepted_key(key: object) -> PublicKey:
    """The key itself, if its kind and size are accepted. Raises ``KeyFault`` (ALG_NOT_ALLOWED). SEC-23."""
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if not RSA_MIN_BITS <= key.key_size <= RSA_MAX_BITS:
            raise KeyFault(
                f"The RSA key has {key.key_size} bits; {RSA_MIN_BITS} to {RSA_MAX_BITS} are accepted.",
                code="ALG_NOT_ALLOWED",
            )
        if exponent < 3 or exponent % 2 == 0:
            raise KeyFault("The RSA key has an unsafe exponent.", code="ALG_NOT_ALLOWED")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1"):
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise KeyFault("The key is of a kind that is not accepted.", code="ALG_NOT_ALLOWED")


# --- verifying --------------------------------------------------------------------------------------------


def _rsa_pkcs1(key: PublicKey, signature: bytes, data: bytes) -> None:
    _rsa(key).verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


def _rsa_pss(key: PublicKey, signature: bytes, data: bytes) -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
    _rsa(key).verify(signature, data, pss, hashes.SHA256())


def _rsa(key: PublicKey) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidSignature
    return key


def _ecdsa(curve: str, width: int, digest: hashes.HashAlgorithm) -> Callable[[PublicKey, bytes, bytes], None]:
    def verify_signature(key: PublicKey, signature: bytes, data: bytes) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != curve:
            raise InvalidSignature
        if len(signature) != 2 * width:
            raise InvalidSignature
        r = int.from_bytes(signature[:width], "big")
        s = int.from_bytes(signature[width:], "big")
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))

    return verify_signature


def _eddsa(key: PublicKey, signature: bytes, data: bytes) -> None:
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InvalidSignature
    key.verify(signature, data)


_VERIFIERS: dict[str, Callable[[PublicKey, bytes, bytes], None]] = {
    "RS256": _rsa_pkcs1,
    "PS256": _rsa_pss,
    "ES256": _ecdsa("secp256r1", 32, hashes.SHA256()),
    "ES384": _ecdsa("secp384r1", 48, hashes.SHA384()),
    "EdDSA": _eddsa,
}

#: CLR 1.0 and Open Badges 2.0 (SEC-23).
RS256_ONLY = frozenset({"RS256"})
#: VC-JWT (SEC-23).
VC_JWT = frozenset(_VERIFIERS)


def fits(algorithm: str, key: PublicKey) -> bool:
    """Whether a key is of the kind that an algorithm works with."""
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm in ("RS256", "PS256")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return algorithm == "EdDSA"
    return algorithm == ("ES256" if key.curve.name == "secp256r1" else "ES384")


def verify(jws: Jws, key: PublicKey) -> None:
    """Verify a signature over the bytes as received. Raises ``SignatureFault`` (SIGNATURE_INVALID).

    ``read`` has already held the algorithm against the caller's list; a key of another kind than the
    algorithm needs cannot have made the signature.
    """
    try:
        _VERIFIERS[jws.algorithm](key, jws.signature, jws.signing_input)
    except InvalidSignature:
        raise SignatureFault(
            "The signature does not fit the content: it was changed after signing, or signed with another key."
        ) from None


# --- signing ----------------------------------------------------------------------------------------------


class Signer:
    """Signs payloads with one private key: RS256 for RSA, ES256/ES384 for EC, EdDSA for Ed25519.

    The key is read once (by ``jwcrypto``) and the protected header encoded once; each call makes the signing
    input in one pass and calls ``cryptography`` for the bare signature.
    """

    __slots__ = ("_prefix", "_sign", "algorithm", "kid")

    def __init__(self, private_key_pem: bytes, kid: str | None = None, *, typ: str | None = None) -> None:
        """``kid`` and ``typ`` stand in the header if given. Raises ``KeyFault``: not a usable private key."""
        try:
            key = jwk.JWK.from_pem(private_key_pem).get_op_key("sign")
        except (ValueError, TypeError, UnsupportedAlgorithm, JWException):
            raise KeyFault("The text of the key is not a private key in PEM.") from None
        self.algorithm, self._sign = _signing(key)
        self.kid = kid
        header: dict[str, str] = {"alg": self.algorithm}
        if typ is not None:
            header["typ"] = typ
        if kid is not None:
            header["kid"] = kid
        self._prefix = encode_part(orjson.dumps(header)) + b"."

    def __repr__(self) -> str:
        return f"<Signer {self.algorithm} {self.kid or ''}>"

    def sign(self, payload: bytes) -> bytes:
        """The compact JWS around exactly these payload bytes."""
        signing_input = self._prefix + encode_part(payload)
        return signing_input + b"." + encode_part(self._sign(signing_input))


def _signing(key: object) -> tuple[str, Callable[[bytes], bytes]]:
    if isinstance(key, rsa.RSAPrivateKey):
        if not RSA_MIN_BITS <= key.key_size <= RSA_MAX_BITS:
            raise KeyFault(f"An RSA key of {key.key_size} bits is not used for signing.", code="ALG_NOT_ALLOWED")
        pkcs1, sha256, rsa_key = padding.PKCS1v15(), hashes.SHA256(), key
        return "RS256", lambda data: rsa_key.sign(data, pkcs1, sha256)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA", key.sign
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in ("secp256r1", "secp384r1"):
        width = (key.curve.key_size + 7) // 8
        digest: hashes.HashAlgorithm = hashes.SHA256() if width == 32 else hashes.SHA384()
        ec_key = key

        def sign(data: bytes) -> bytes:
            r, s = decode_dss_signature(ec_key.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(width, "big") + s.to_bytes(width, "big")

        return ("ES256" if width == 32 else "ES384"), sign
    raise KeyFault("The key is of a kind that is not used for signing.", code="ALG_NOT_ALLOWED")
