"""Whose key is it, is it still honoured, and does the signature hold? For CLR 1.0 and Open Badges 2.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization

from apps.standards.errors import BudgetExhausted, FetchRefused, KeyFault, SignatureFault
from apps.standards.proofs import jws as jws_format
from apps.standards.verify.sources import Run, is_web_address, shown_address
from apps.standards.verify.verdict import Result

MAX_KEYS = 20


@dataclass(frozen=True, slots=True)
class Trusted:
    """The signer's profile, and whether it came from the signer's own address."""

    id: str
    profile: Mapping[str, Any]
    fetched: bool


@dataclass(frozen=True, slots=True)
class KeyFound:
    id: str
    pem: str
    from_profile: bool


class KeyRefused(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def published_keys(profile: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """``publicKey`` of a profile: one object by the standard, a list after a rotation (8.5), or a bare id."""
    published = profile.get("publicKey")
    for key in published if isinstance(published, list) else [published]:
        if isinstance(key, str):
            yield {"id": key}
        elif isinstance(key, dict):
            yield key


def try_keys(
    result: Result,
    jws: jws_format.Jws,
    candidates: list[dict[str, Any]],
    trusted: Trusted,
    run: Run,
    *,
    owner_required: bool = True,
) -> None:
    """Verify with the first of the published keys that fits; checks ``key`` and ``signature`` in ``result``.

    ``owner_required`` says whether a key document without ``owner`` is refused (CLR 1.0) or taken (Open
    Badges 2.0); another owner than the signer is always refused.
    """
    refusals: list[KeyRefused] = []
    wrong: tuple[KeyFound, SignatureFault] | None = None
    for candidate in candidates[:MAX_KEYS]:
        try:
            key = _key_behind(candidate, trusted, run, owner_required)
            public_key = jws_format.public_key_from_pem(key.pem)
        except KeyRefused as refused:
            refusals.append(refused)
            continue
        except KeyFault as fault:
            refusals.append(KeyRefused(fault.code, fault.sentence))
            continue
        try:
            jws_format.verify(jws, public_key)
        except SignatureFault as fault:
            wrong = (key, fault)
            continue
        _note_key(result, key, public_key)
        result.passed("signature", "The signature fits the content: nothing was changed since.", key=key.id)
        result.vouched = True
        return
    for refusal in refusals:
        result.failed("key", refusal.code, refusal.sentence)
    if wrong is not None:
        tried, reason = wrong
        result.passed("key", "The key is the issuer's.", key=tried.id)
        result.failed("signature", reason.code, reason.sentence, key=tried.id)
    else:
        result.skipped("signature", "There is no key to verify the signature with.")


def _note_key(result: Result, key: KeyFound, public_key: jws_format.PublicKey) -> None:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    fingerprint = digest.finalize().hex()
    if key.from_profile:
        result.warned(
            "key",
            "KEY_FROM_PROFILE",
            "The key's own document could not be fetched; the copy in the issuer's profile was used.",
            key=key.id,
            sha256=fingerprint,
        )
    else:
        result.passed(
            "key", "The key is published by the issuer and names it as owner.", key=key.id, sha256=fingerprint
        )


def _key_behind(published: Mapping[str, Any], trusted: Trusted, run: Run, owner_required: bool) -> KeyFound:
    """Step 6: the key's own document decides. Raises ``KeyRefused``."""
    id = published.get("id")
    if not isinstance(id, str) or not id:
        raise KeyRefused("KEY_UNAVAILABLE", "The issuer's key has no id.")
    if _is_revoked(published):
        raise KeyRefused("KEY_REVOKED", "The issuer has withdrawn the key.")
    document: Any = None
    if is_web_address(id):
        try:
            if run.get(id).status == 410:  # CLR1-V-06
                raise KeyRefused("KEY_REVOKED", "The issuer has withdrawn the key.")
            document = _key_in(run.get_document(id), id)
        except BudgetExhausted as refusal:
            raise KeyRefused(refusal.code, refusal.sentence) from None
        except FetchRefused:
            document = None
    from_profile = document is None
    if document is None:
        if not trusted.fetched or not isinstance(published.get("publicKeyPem"), str):
            raise KeyRefused("KEY_UNAVAILABLE", f"The key at {shown_address(id)} could not be fetched.")
        document = published
    if _is_revoked(document):
        raise KeyRefused("KEY_REVOKED", "The issuer has withdrawn the key.")
    if document.get("id") != id:
        raise KeyRefused("KEY_NOT_OWNED", "The document at the key's address is another key.")
    owner = document.get("owner")
    owner = owner.get("id") if isinstance(owner, dict) else owner
    if owner != trusted.id and (owner is not None or owner_required):
        raise KeyRefused("KEY_NOT_OWNED", "The key names another owner than the issuer.")
    pem = document.get("publicKeyPem")
    if not isinstance(pem, str):
        raise KeyRefused("KEY_UNAVAILABLE", "The key's document holds no key.")
    return KeyFound(id, pem, from_profile)


def _key_in(document: Any, id: str) -> dict[str, Any]:
    """The key in what stands at its address: the document itself, or one that a profile there carries."""
    if isinstance(document, dict):
        if document.get("id") != id:
            for key in published_keys(document):
                if key.get("id") == id and "publicKeyPem" in key:
                    return key
        return document
    raise FetchRefused("What stands at the key's address is no key.")


def _is_revoked(key: Mapping[str, Any]) -> bool:
    return key.get("revoked") not in (None, False)
