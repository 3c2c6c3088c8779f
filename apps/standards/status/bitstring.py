"""Bitstring status lists: BitstringStatusList (1.0) and its draft StatusList2021.

Bit 0 is the most significant bit of the first byte; a list holds at least 131,072 entries, so that a request for
it tells nobody which entry was of interest.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apps.standards.errors import DocumentFault, ParseFault
from apps.standards.proofs.jws import decode_part, encode_part
from apps.standards.strict_json import shown

MINIMUM_ENTRIES = 131_072
MAX_BYTES = 16 * 1024 * 1024
_MAX_ENCODED = 8_000_000

EntryType = Literal["BitstringStatusListEntry", "StatusList2021Entry"]
LIST_TYPES: Mapping[str, tuple[str, str]] = {
    "BitstringStatusListEntry": ("BitstringStatusListCredential", "BitstringStatusList"),
    "StatusList2021Entry": ("StatusList2021Credential", "StatusList2021"),
}
"""Entry type → type of the list credential, type of its subject."""


class StatusFault(DocumentFault):
    """A status entry or list breaks a rule, so it says nothing about the credential."""

    code = "STATUS_INVALID"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where in which list the status of a credential stands."""

    type: str
    purpose: str
    index: int
    list_address: str
    size: int = 1
    messages: Mapping[int, str] | None = None


def read_entry(status: Mapping[str, Any]) -> Entry:
    """A status entry of a credential. Raises ``StatusFault``."""
    kind = status.get("type")
    purpose, address = status.get("statusPurpose"), status.get("statusListCredential")
    if not isinstance(purpose, str) or not isinstance(address, str):
        raise StatusFault("The status entry does not say for what purpose and in which list it stands.")
    size = status.get("statusSize", 1)
    if type(size) is not int or not 1 <= size <= 8:
        raise StatusFault("The status entry has an impossible size.")
    return Entry(str(kind), purpose, _index(status.get("statusListIndex")), address, size, _messages(status))


def _index(value: Any) -> int:
    if type(value) is int and 0 <= value < 8 * MAX_BYTES:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    raise StatusFault(f"The position in the status list is {shown(str(value))}, which is no whole number.")


def _messages(status: Mapping[str, Any]) -> Mapping[int, str] | None:
    listed = status.get("statusMessage")
    messages: dict[int, str] = {}
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("status"), str) and isinstance(item.get("message"), str):
            try:
                messages[int(item["status"], 16)] = item["message"]
            except ValueError:
                continue
    return messages or None


def purposes_of(subject: Mapping[str, Any]) -> list[str]:
    """The purposes of a list (one or several)."""
    value = subject.get("statusPurpose")
    values = value if isinstance(value, list) else [value]
    return [purpose for purpose in values if isinstance(purpose, str)]


def bits(encoded: Any, *, entry_type: str = "BitstringStatusListEntry") -> bytes:
    """The expanded list: base64url (with the multibase letter ``u``) of GZIP; the draft has no letter.

    Raises ``StatusFault`` for what is unreadable or expands beyond 16 MiB.
    """
    if not isinstance(encoded, str) or len(encoded) > _MAX_ENCODED:
        raise StatusFault("The status list carries no list, or a far too long one.")
    if encoded.startswith("u"):
        encoded = encoded[1:]
    elif entry_type == "BitstringStatusListEntry":
        raise StatusFault("The status list does not begin with the letter u, as base64url lists do.")
    try:
        compressed = decode_part(encoded.rstrip("=").encode("utf-8"), "list")
        inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        expanded = inflater.decompress(compressed, MAX_BYTES + 1)
    except (ParseFault, zlib.error):
        raise StatusFault("The status list cannot be expanded.") from None
    if len(expanded) > MAX_BYTES or not inflater.eof:
        raise StatusFault("The status list is cut off, or expands to more than 16 MiB.")
    return expanded


def value_at(expanded: bytes, entry: Entry) -> int:
    """The status value of an entry (0: nothing). Raises ``StatusFault`` (too short a list, beyond its end)."""
    if len(expanded) * 8 // entry.size < MINIMUM_ENTRIES:
        raise StatusFault(f"The status list has fewer than {MINIMUM_ENTRIES} entries (STATUS_LIST_LENGTH_ERROR).")
    start = entry.index * entry.size
    if start + entry.size > len(expanded) * 8:
        raise StatusFault("The position lies beyond the end of the status list (RANGE_ERROR).")
    value = 0
    for position in range(start, start + entry.size):
        value = value << 1 | (expanded[position >> 3] >> (7 - (position & 7)) & 1)
    return value


def encoded_list(set_entries: Iterable[int], *, entries: int = MINIMUM_ENTRIES) -> str:
    """An encoded list of one-bit entries in which the given ones are set. Deterministic for the same input."""
    if entries < MINIMUM_ENTRIES or entries % 8:
        raise ValueError(f"a list has at least {MINIMUM_ENTRIES} entries, in whole bytes")
    expanded = bytearray(entries // 8)
    for index in set_entries:
        if not 0 <= index < entries:
            raise ValueError(f"{index} lies outside the list")
        expanded[index >> 3] |= 0x80 >> (index & 7)
    return "u" + encode_part(gzip.compress(bytes(expanded), mtime=0)).decode("ascii")
