"""The codes that our documents print, and their addresses ``/verify/<code>``: recognised wherever they turn up."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings

from apps.institution.keys import public_base
from apps.issuance.documents import DocumentDamaged
from apps.standards.verify.sources import Fetched
from apps.verification.own import record_of_code
from apps.verification.showing import host_of

CODE = re.compile(r"[a-z2-7]{26}")
_CODE_ADDRESS = re.compile(r"/verify/([a-z2-7]{26})/?", re.IGNORECASE)
_HOST_ALONE = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#].*)?")


def code_in(address: str) -> str | None:
    """The verification code in an address of this portal, or a code that was typed by itself."""
    bare = address.replace(" ", "").replace("-", "").lower()
    if CODE.fullmatch(bare):
        return bare
    found = _CODE_ADDRESS.fullmatch(_path_of(address))
    if found is None or host_of(with_scheme(address)) not in own_hosts():
        return None
    return found[1].lower()


def with_scheme(address: str) -> str:
    """An address as people type it: without a scheme it is taken as https."""
    return f"https://{address}" if "://" not in address and _HOST_ALONE.fullmatch(address) else address


def served(url: str) -> Fetched | None:
    """The signed form of the record behind the address of one of our codes; None for other addresses (SEC-09)."""
    code = code_in(url) if "/verify/" in url.lower() else None
    if code is None:
        return None
    try:
        found = record_of_code(code)
    except DocumentDamaged:
        return Fetched(503, "text/plain", b"", url)
    return Fetched(404, "text/plain", b"", url) if found is None else Fetched(200, "application/jose", found[2], url)


def _path_of(address: str) -> str:
    """The path of an address; empty where it cannot be read."""
    try:
        return urlsplit(with_scheme(address)).path
    except ValueError:
        return ""


def own_hosts() -> set[str]:
    """Host and port of the addresses that this portal prints on its documents."""
    return {host_of(settings.BASE_URL), host_of(public_base())}
