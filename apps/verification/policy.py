"""What the operator of this verifier allows besides what the standards say: keys by hand, contexts by digest.

``CLRPORTAL_CONTEXTS`` names a JSON file: address → ``{"file": path (relative to it), "sha256": hex digest}``. A file
whose digest differs is refused, and so is an address that is built in (SEC-22).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.db import DatabaseError

from apps.standards import strict_json
from apps.standards.errors import ParseFault
from apps.standards.jsonld import contexts
from apps.standards.jsonld.active import Processing
from apps.standards.jsonld.canonical import BUILT_IN, processing_with
from apps.standards.proofs.jws import PublicKey
from apps.standards.verify.sources import Policy
from apps.verification.models import PinnedKey

log = logging.getLogger(__name__)

MAX_CONTEXT = 1_000_000


class ContextRefused(Exception):
    """The further contexts cannot be used; the text says which and why."""


def current() -> Policy:
    """The policy of this portal. Contexts that are refused are none: the fault is in the log and the system check."""
    return Policy(pinned=_pinned, processing=_processing(settings.CONTEXTS_FILE))


def further_contexts(path: str) -> dict[str, Mapping[str, Any]]:
    """The contexts that a file of the operator allows, by address. Raises ``ContextRefused``."""
    index = Path(path)
    try:
        entries = strict_json.loads(index.read_bytes())
        if not isinstance(entries, dict):
            raise ContextRefused(f"{index.name} is no JSON object from addresses to files.")
        return {address: _context(address, entry, index.parent) for address, entry in entries.items()}
    except OSError as fault:
        raise ContextRefused(f"{fault.filename} cannot be read: {fault.strerror}.") from None
    except ParseFault as fault:
        raise ContextRefused(f"{index.name} cannot be used: {fault}") from None


def _context(address: str, entry: Any, folder: Path) -> Mapping[str, Any]:
    if address in contexts.known():
        raise ContextRefused(f"The context {address} is built in and cannot be replaced.")
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("file"), str)
        or not isinstance(entry.get("sha256"), str)
    ):
        raise ContextRefused(f"The entry for {address} is not of the form file, sha256.")
    content = (folder / entry["file"]).read_bytes()
    if len(content) > MAX_CONTEXT:
        raise ContextRefused(f"The context {address} is larger than {MAX_CONTEXT:,} bytes.")
    found = hashlib.sha256(content).hexdigest()
    if found != entry["sha256"].lower():
        raise ContextRefused(f"The file for {address} has the SHA-256 {found}, which is not the one allowed.")
    document = strict_json.loads(content)
    if not isinstance(document, dict) or "@context" not in document:
        raise ContextRefused(f"The file for {address} is no JSON-LD context.")
    return document


@lru_cache(maxsize=4)
def _processing(path: str) -> Processing:
    if not path:
        return BUILT_IN
    try:
        return processing_with(further_contexts(path))
    except ContextRefused as fault:
        log.error("further contexts are refused: %s", fault)
        return BUILT_IN


def check(**_kwargs: Any) -> list[Error]:
    """The system check: an operator learns at start that a context is refused."""
    if not settings.CONTEXTS_FILE:
        return []
    try:
        further_contexts(settings.CONTEXTS_FILE)
    except ContextRefused as fault:
        return [Error(f"CLRPORTAL_CONTEXTS: {fault}", id="verification.E001")]
    return []


def _pinned(issuer: str) -> Sequence[PublicKey]:
    try:
        return PinnedKey.objects.trusted_for(issuer)
    except DatabaseError as fault:  # the command also works where no database was set up
        log.warning("trusted keys cannot be looked up: %s", type(fault).__name__)
        return ()
