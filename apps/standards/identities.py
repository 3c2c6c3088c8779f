"""Is this the person? Comparing a recipient, plain or hashed, with what is known of somebody."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

_HASHED = re.compile(r"(sha256|md5)\$([0-9a-fA-F]{32,64})")
_DIGEST_LENGTH = {"sha256": 64, "md5": 32}


def is_hash(identity: str) -> bool:
    """Whether an identity has the form ``sha256$HEX`` or ``md5$HEX``."""
    match = _HASHED.fullmatch(identity)
    return match is not None and len(match[2]) == _DIGEST_LENGTH[match[1]]


def hashed(value: str, salt: str = "", algorithm: str = "sha256") -> str:
    """The hashed form of an identity: hex of the digest of value and salt together, in UTF-8."""
    digest = hashlib.new(algorithm, f"{value}{salt}".encode(), usedforsecurity=False).hexdigest()
    return f"{algorithm}${digest}"


def matches(identity: str, candidates: Iterable[str], *, salt: str | None = None) -> bool:
    """Whether one of the candidates is this identity, as given or (for e-mail and hosts) in lower case.

    A hashed identity is compared by hashing each candidate with the salt.
    """
    match = _HASHED.fullmatch(identity) if is_hash(identity) else None
    for candidate in candidates:
        for form in dict.fromkeys((candidate, candidate.strip(), candidate.strip().lower())):
            if match is not None:
                expected = hashed(form, salt or "", match[1])
                if hmac.compare_digest(expected, f"{match[1]}${match[2].lower()}"):
                    return True
            elif hmac.compare_digest(form.encode(), identity.encode()) or (
                "@" in form and form == identity.strip().lower()
            ):
                return True
    return False
