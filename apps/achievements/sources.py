"""Where a CASE package comes from: a file, standard input, or an address through the guarded fetcher (D1)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.utils.translation import gettext as _

from apps.network.fetching import MEGABYTE, Budget, GuardedFetcher
from apps.standards import strict_json
from apps.standards.case.read import MAX_BYTES
from apps.standards.errors import FetchRefused, ParseFault

SECONDS = 60
SIZE = 60 * MEGABYTE
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DOCUMENT_PATH = re.compile(r"(.*/ims/case/v1p[01])/CFDocuments/([^/]+)/?\Z")


class SourceUnreadable(Exception):
    """The source cannot be read; ``is_wrong_use`` tells a mistyped path from a refused address."""

    def __init__(self, sentence: str, *, code: str, is_wrong_use: bool) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.is_wrong_use = is_wrong_use


def is_address(source: str) -> bool:
    """Whether the source is meant as an address (of any scheme) rather than as a path."""
    return _HAS_SCHEME.match(source) is not None


def read_source(source: str, *, fetcher: GuardedFetcher | None = None) -> bytes:
    """The bytes of a package: from a path, ``-`` for standard input, or an http(s) address.

    At most one byte more than the limit is read from a file, which the reader then refuses. Raises
    ``SourceUnreadable``.
    """
    if source == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    if is_address(source):
        return fetch_package(source, fetcher=fetcher)
    try:
        with Path(source).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or _("not a path")
        raise SourceUnreadable(
            _("The file %(name)s cannot be read (%(reason)s). Nothing was imported.")
            % {"name": source, "reason": reason},
            code="input.unreadable",
            is_wrong_use=True,
        ) from None


def fetch_package(address: str, *, fetcher: GuardedFetcher | None = None) -> bytes:
    """The package behind an address; the address of a document or an item is followed to its package once (D1).

    Raises ``SourceUnreadable`` when the address may not be asked, does not answer, or has no package.
    """
    if urlsplit(address).scheme.lower() not in ("http", "https"):
        raise SourceUnreadable(
            _("Only http and https addresses can be imported. Give a path to import a file."),
            code="input.scheme",
            is_wrong_use=True,
        )
    if fetcher is None:
        fetcher = GuardedFetcher.from_settings(Budget(seconds=SECONDS, each=SECONDS, requests=8, size=SIZE))
    body = _fetched(fetcher, _package_address(address) or address)
    following = _address_of_package(body)
    return _fetched(fetcher, following) if following else body


def _fetched(fetcher: GuardedFetcher, address: str) -> bytes:
    try:
        answer = fetcher.fetch(address, kind="case")
    except FetchRefused as refusal:
        raise SourceUnreadable(
            _("%(reason)s Nothing was imported.") % {"reason": refusal.sentence},
            code="fetch.failed",
            is_wrong_use=False,
        ) from None
    if answer.status != 200:
        raise SourceUnreadable(
            _("The address answered with status %(status)s instead of a package. Nothing was imported.")
            % {"status": answer.status},
            code="fetch.failed",
            is_wrong_use=False,
        )
    return answer.body


def _package_address(address: str) -> str | None:
    """``…/CFPackages/{id}`` for ``…/CFDocuments/{id}`` of the CASE API (C4)."""
    parts = urlsplit(address)
    found = _DOCUMENT_PATH.match(parts.path)
    if not found:
        return None
    return urlunsplit((parts.scheme, parts.netloc, f"{found[1]}/CFPackages/{found[2]}", parts.query, ""))


def _address_of_package(body: bytes) -> str | None:
    """Where a single document or item says that its package is; None for anything else."""
    try:
        value = strict_json.loads(body)
    except ParseFault:
        return None  # the reader of the package will say what is wrong
    if not isinstance(value, dict) or "CFDocument" in value or "CFPackage" in value:
        return None
    for name in ("CFPackageURI", "CFDocumentURI"):
        link = value.get(name)
        uri = link.get("uri") if isinstance(link, dict) else link
        if isinstance(uri, str) and uri:
            return _package_address(uri) or uri
    return None
