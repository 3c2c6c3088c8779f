"""SEC-23: compact JWS, read strictly; signing."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk
from jwcrypto import jws as other_jws

from apps.standards.errors import KeyFault, ParseFault, SignatureFault, StandardsError
from apps.standards.proofs import jws

pytestmark = pytest.mark.once

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: object) -> bytes:
    return key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: object, form: str = "SubjectPublicKeyInfo") -> str:
    public = key.public_key()  # type: ignore[attr-defined]
    return public.public_bytes(serialization.Encoding.PEM, getattr(serialization.PublicFormat, form)).decode()


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(header: object, payload: bytes = b'{"a":1}', signature: bytes = b"x" * 256) -> str:
    return f"{part(header)}.{part(payload)}.{part(signature)}"


def test_what_is_signed_verifies() -> None:
    signed = jws.Signer(pem(KEY), "https://k.example/1").sign(b'{"a":1}')
    read = jws.read(signed, algorithms=jws.RS256_ONLY)
    jws.verify(read, jws.public_key_from_pem(public_pem(KEY)))
    assert read.payload == b'{"a":1}'
    assert read.header == {"alg": "RS256", "kid": "https://k.example/1"}


def test_another_library_verifies_what_is_signed() -> None:
    theirs = other_jws.JWS()
    theirs.deserialize(jws.Signer(pem(KEY)).sign(b"payload").decode())
    theirs.verify(jwk.JWK.from_pem(public_pem(KEY).encode()))
    assert theirs.payload == b"payload"


@pytest.mark.parametrize(
    "key, algorithm",
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
def test_other_keys_sign_with_their_own_algorithm(key: object, algorithm: str) -> None:
    read = jws.read(jws.Signer(pem(key)).sign(b"x"), algorithms=jws.VC_JWT)
    assert read.algorithm == algorithm
    jws.verify(read, jws.public_key_from_pem(public_pem(key)))


def test_signing_twice_gives_the_same_bytes() -> None:
    """REL-03"""
    signer = jws.Signer(pem(KEY))
    assert signer.sign(b"x") == signer.sign(b"x")


def test_a_pkcs1_public_key_is_read() -> None:
    jws.public_key_from_pem(public_pem(KEY, "PKCS1"))


def test_another_key_does_not_verify() -> None:
    read = jws.read(jws.Signer(pem(KEY)).sign(b"x"), algorithms=jws.RS256_ONLY)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(SignatureFault) as caught:
        jws.verify(read, jws.public_key_from_pem(public_pem(other)))
    assert caught.value.code == "SIGNATURE_INVALID"


def test_a_key_of_another_kind_does_not_verify() -> None:
    read = jws.read(jws.Signer(pem(KEY)).sign(b"x"), algorithms=jws.RS256_ONLY)
    with pytest.raises(SignatureFault):
        jws.verify(read, jws.public_key_from_pem(public_pem(ed25519.Ed25519PrivateKey.generate())))


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "HS256", "RS512", "rs256", "", None, ["RS256"], 1])
def test_only_algorithms_of_the_list_are_let_through(algorithm: object) -> None:
    with pytest.raises(SignatureFault) as caught:
        jws.read(token({"alg": algorithm}), algorithms=jws.RS256_ONLY)
    assert caught.value.code == "ALG_NOT_ALLOWED"


@pytest.mark.parametrize("further", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True}])
def test_extensions_are_refused(further: dict[str, object]) -> None:
    with pytest.raises(ParseFault):
        jws.read(token({"alg": "RS256", **further}), algorithms=jws.RS256_ONLY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "...",
        token([]),
        token({"alg": "RS256"}) + "=",
        token({"alg": "RS256"}) + " ",
        token({"alg": "RS256"}).replace(".", ".+", 1),
        f"{part(b'{')}.e30.e30",
        f"{part(b'')}.e30.e30",
        token({"alg": "RS256"}, b""),
        token({"alg": "RS256"}, signature=b""),
        "é.é.é",
    ],
)
def test_what_is_no_compact_jws_is_refused(text: str) -> None:
    with pytest.raises(StandardsError):
        jws.read(text, algorithms=jws.RS256_ONLY)


def test_a_name_twice_in_the_header_is_refused() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"none","alg":"RS256"}').decode().rstrip("=")
    with pytest.raises(ParseFault):
        jws.read(f"{header}.e30.e30", algorithms=jws.RS256_ONLY)


def test_stray_bits_in_the_last_letter_are_refused() -> None:
    """One sequence of bytes has one spelling, so that no letter of a signed text can be changed unseen."""
    with pytest.raises(ParseFault):
        jws.decode_part(b"QR")
    assert jws.decode_part(b"QQ") == b"A"


@pytest.mark.parametrize("size", [1024, 1536])
def test_small_rsa_keys_are_refused(size: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    with pytest.raises(KeyFault) as caught:
        jws.public_key_from_pem(public_pem(key))
    assert caught.value.code == "ALG_NOT_ALLOWED"
    with pytest.raises(KeyFault):
        jws.Signer(pem(key))


@pytest.mark.parametrize(
    "text", ["", "key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", pem(KEY).decode()]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFault):
        jws.public_key_from_pem(text)


def test_the_signer_does_not_show_its_key() -> None:
    """SEC-61"""
    assert "PRIVATE" not in repr(jws.Signer(pem(KEY)))
    assert not hasattr(jws.Signer(pem(KEY)), "__dict__")
