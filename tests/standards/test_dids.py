"""Keys of issuers: forms, look-up, and whose they are (digest, section 6; SEC-23, SEC-24)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from apps.standards import dids
from apps.standards.errors import BudgetExhausted, KeyFault, NotReachable

ED25519 = ed25519.Ed25519PrivateKey.generate().public_key()
P256 = ec.generate_private_key(ec.SECP256R1()).public_key()
P384 = ec.generate_private_key(ec.SECP384R1()).public_key()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
ISSUER = "https://college.example/issuers/1"


def serving(**documents: Any) -> Callable[[str], Any]:
    """A look-up of documents: names with ``__`` for the rest of the address are not needed, so it takes a map."""
    web = documents["web"]

    def get(url: str) -> Any:
        if url not in web:
            raise NotReachable("Nobody answers there.")
        return web[url]

    return get


def nothing(url: str) -> Any:
    raise AssertionError(f"{url} must not be asked for")


def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(KeyFault) as caught:
        dids.method_of_issuer(*arguments, **options)
    return caught.value.code


@pytest.mark.parametrize("key", [ED25519, P256, P384])
def test_multikeys_read_back(key: Any) -> None:
    assert dids.same_key(dids.key_from_multibase(dids.multibase_of(key)), key)


@pytest.mark.parametrize("key", [ED25519, P256, P384, RSA])
def test_jwks_read_back(key: Any) -> None:
    assert dids.same_key(dids.key_from_jwk(dids.jwk_of(key)), key)


@pytest.mark.parametrize("text", ["", "z", "u7QE", "z0OIl", "z6Mk", "z" + "1" * 300, "zDnaeSomethingElse"])
def test_what_is_no_multikey_is_refused(text: str) -> None:
    with pytest.raises(KeyFault):
        dids.key_from_multibase(text)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "AAAA"},
        {**dids.jwk_of(ED25519), "d": "AAAA"},
        {**dids.jwk_of(P256), "crv": "P-521"},
        {**dids.jwk_of(P256), "x": dids.jwk_of(P256)["y"]},
        {**dids.jwk_of(RSA), "n": "AQAB"},
        {**dids.jwk_of(RSA), "e": "AQ"},
        {**dids.jwk_of(RSA), "n": 7},
    ],
)
def test_unusable_and_private_jwks_are_refused(jwk: dict[str, Any]) -> None:
    """SEC-23"""
    with pytest.raises(KeyFault):
        dids.key_from_jwk(jwk)


# --- identifiers that are their key ---------------------------------------------------------------------------


def test_a_did_key_is_its_own_proof() -> None:
    did = dids.did_key_of(ED25519)
    for method in (did, f"{did}#{did.removeprefix('did:key:')}"):
        found = dids.method_of_issuer(method, did, nothing)
        assert dids.same_key(found.key, ED25519)
        assert found.published_at is None


def test_a_did_key_speaks_for_nobody_else() -> None:
    """SEC-24"""
    did = dids.did_key_of(ED25519)
    assert refused(did, ISSUER, nothing) == "KEY_NOT_OF_ISSUER"
    assert refused(f"{did}#{dids.multibase_of(P256)}", did, nothing) == "KEY_UNAVAILABLE"


def test_a_did_jwk_is_its_own_proof() -> None:
    jwk = json.dumps(dids.jwk_of(P256)).encode()
    did = "did:jwk:" + base64.urlsafe_b64encode(jwk).rstrip(b"=").decode()
    assert dids.same_key(dids.method_of_issuer(f"{did}#0", did, nothing).key, P256)
    assert refused(f"{did}#1", did, nothing) == "KEY_UNAVAILABLE"
    assert refused("did:jwk:e30#0", "did:jwk:e30", nothing) == "KEY_UNAVAILABLE"


@pytest.mark.parametrize("method", ["key-1", "urn:uuid:1#k", "did:velocity:v2:1#k", "z6Mk", "mailto:a@b.example"])
def test_what_cannot_be_looked_up_is_unavailable(method: str) -> None:
    assert refused(method, ISSUER, nothing) == "KEY_UNAVAILABLE"


# --- did:web --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("did", "address"),
    [
        ("did:web:college.example", "https://college.example/.well-known/did.json"),
        ("did:web:college.example%3A8443:dept:math", "https://college.example:8443/dept/math/did.json"),
        ("did:web:college.example:users:a.b", "https://college.example/users/a.b/did.json"),
    ],
)
def test_did_web_addresses(did: str, address: str) -> None:
    assert dids.did_web_address(did) == address


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:college.example%2Fpath",
        "did:web:user%40college.example",
        "did:web:college.example%3A99999",
        "did:web:college.example:..:secret",
        "did:web:college.example::x",
        "did:web:college.example:a%2F..%2Fb",
        "did:web:college.example?x",
        "did:web:[::1]",
    ],
)
def test_did_web_tricks_are_refused(did: str) -> None:
    with pytest.raises(KeyFault):
        dids.did_web_address(did)


# --- controller documents (6.3) -------------------------------------------------------------------------------


def document(**changes: Any) -> dict[str, Any]:
    method = dids.verification_method(f"{ISSUER}#key", ISSUER, ED25519)
    return {**dids.controller_document(ISSUER, [method]), **changes}


def found(controller: Any, method: str = f"{ISSUER}#key", **more: Any) -> dids.VerificationMethod:
    return dids.method_of_issuer(method, ISSUER, serving(web={ISSUER: controller, **more}))


def test_a_listed_method_is_the_issuers() -> None:
    method = found(document())
    assert dids.same_key(method.key, ED25519)
    assert (method.controller, method.published_at) == (ISSUER, ISSUER)


def test_relative_and_embedded_methods_are_found() -> None:
    entry = dids.verification_method("#key", ISSUER, ED25519)
    assert found(document(verificationMethod=[entry], assertionMethod=["#key"]))
    assert found(document(verificationMethod=[], assertionMethod=[entry]))
    assert found(document(verificationMethod=entry, assertionMethod="#key"))


@pytest.mark.parametrize(
    "controller",
    [
        pytest.param(document(assertionMethod=[]), id="not for assertions"),
        pytest.param(document(id="https://other.example/1"), id="about somebody else"),
        pytest.param(document(verificationMethod=[], assertionMethod=[]), id="not published"),
        pytest.param(
            document(verificationMethod=[dids.verification_method(f"{ISSUER}#key", "https://mill.example", ED25519)]),
            id="controlled by somebody else",
        ),
    ],
)
def test_what_the_issuer_does_not_say_does_not_count(controller: dict[str, Any]) -> None:
    """SEC-24"""
    with pytest.raises(KeyFault) as caught:
        found(controller)
    assert caught.value.code == "KEY_NOT_OF_ISSUER"


@pytest.mark.parametrize(
    "entry",
    [
        {"publicKeyMultibase": "zGarbled"},
        {"publicKeyMultibase": None, "publicKeyPem": "x"},
        {"publicKeyJwk": {"kty": "EC"}, "publicKeyMultibase": None},
        {"secretKeyMultibase": "z3u2"},
        {"publicKeyJwk": dids.jwk_of(ED25519)},
    ],
)
def test_unusable_methods_are_refused(entry: dict[str, Any]) -> None:
    method = {**dids.verification_method(f"{ISSUER}#key", ISSUER, ED25519), **entry}
    method = {name: value for name, value in method.items() if value is not None}
    with pytest.raises(KeyFault):
        found(document(verificationMethod=[method]))


def test_an_issuer_that_cannot_be_had_leaves_it_open() -> None:
    assert refused(f"{ISSUER}#key", ISSUER, serving(web={})) == "KEY_UNAVAILABLE"
    assert refused(f"{ISSUER}#key", "urn:uuid:1", nothing) == "KEY_UNAVAILABLE"

    def exhausted(url: str) -> Any:
        raise BudgetExhausted("No more.")

    assert refused(f"{ISSUER}#key", ISSUER, exhausted) == "NOT_DECIDED"


def test_a_method_kept_elsewhere_counts_when_it_is_listed() -> None:
    address = "https://college.example/keys/1"
    key = dids.verification_method(address, ISSUER, P256)
    controller = document(assertionMethod=[address])
    assert dids.same_key(found(controller, address, **{address: key}).key, P256)
    with pytest.raises(KeyFault):
        found(document(), address, **{address: key})


def test_a_key_document_of_the_issuers_origin_counts_for_tokens() -> None:
    """Digest 6.3, rule 3."""
    address, elsewhere = "https://college.example/keys/1", "https://mill.example/keys/1"
    key = {"controller": ISSUER, **dids.jwk_of(RSA)}
    web = {ISSUER: document(), address: key, elsewhere: key}
    method = dids.method_of_issuer(address, ISSUER, serving(web=web), key_documents=True)
    assert dids.same_key(method.key, RSA)
    assert refused(elsewhere, ISSUER, serving(web=web), key_documents=True) == "KEY_NOT_OF_ISSUER"
    bare = {**web, address: dids.jwk_of(RSA)}
    assert refused(address, ISSUER, serving(web=bare), key_documents=True) == "KEY_NOT_OF_ISSUER"


# --- keys in the header of a token (rule 4) -------------------------------------------------------------------


def test_a_header_key_counts_only_if_the_issuer_publishes_it() -> None:
    """SEC-23"""
    get = serving(web={ISSUER: document()})
    assert dids.method_of_header_key(ED25519, ISSUER, get).controller == ISSUER
    with pytest.raises(KeyFault) as caught:
        dids.method_of_header_key(P256, ISSUER, get)
    assert caught.value.code == "KEY_NOT_OF_ISSUER"


def test_a_header_key_may_be_published_in_the_origins_key_set() -> None:
    web = {"https://college.example/.well-known/jwks.json": {"keys": [7, {"kty": "x"}, dids.jwk_of(P256)]}}
    assert dids.method_of_header_key(P256, ISSUER, serving(web=web)).controller == ISSUER


def test_a_key_set_of_another_origin_is_not_asked() -> None:
    controller = document(jwks_uri="https://mill.example/jwks.json")
    web = {ISSUER: controller, "https://mill.example/jwks.json": {"keys": [dids.jwk_of(P256)]}}
    with pytest.raises(KeyFault):
        dids.method_of_header_key(P256, ISSUER, serving(web=web))


def test_a_header_key_of_a_did_key_issuer_is_its_own() -> None:
    did = dids.did_key_of(P256)
    assert dids.method_of_header_key(P256, did, nothing).controller == did
    with pytest.raises(KeyFault):
        dids.method_of_header_key(ED25519, did, nothing)
