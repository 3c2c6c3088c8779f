"""Does a hosted document stand where its issuer hosts documents? For CLR 1.0 and Open Badges 2.0."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def has_user_information(address: str) -> bool:
    try:
        return "@" in urlsplit(address).netloc
    except ValueError:
        return True


def authority(address: str) -> str | None:
    """Host in lower case and port, without a default port; None for what is no usable web address."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    default = 443 if parts.scheme.lower() == "https" else 80
    return host.lower() if port in (None, default) else f"{host.lower()}:{port}"


def _climbs(address: str) -> bool:
    """Whether a path has dot segments, which make it begin with what it does not lie under."""
    path = urlsplit(address).path.lower().replace("%2e", ".").replace("\\", "/").replace("%2f", "/")
    return any(segment in (".", "..") for segment in path.split("/"))


def scope_failure(id: str, issuer: str, policy: Any) -> str | None:
    """Why an object's address is not one of its issuer's; None if it is, or if there is nothing to enforce."""
    own = authority(id)
    if own is None or _climbs(id):
        return "The address of the document is not a plain web address."
    policy = policy if isinstance(policy, dict) else {}
    beginnings = _texts(policy.get("startsWith"))
    if beginnings and not any(id.startswith(beginning) for beginning in beginnings):
        return "The issuer's policy does not cover the address of the document."
    issuers_own = authority(issuer)
    origins = _texts(policy.get("allowedOrigins")) or ([issuers_own] if issuers_own else [])
    if origins and own not in {origin.lower() for origin in origins}:
        return "The document does not stand on a host of its issuer."
    return None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
