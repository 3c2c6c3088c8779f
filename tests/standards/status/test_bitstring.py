"""Status lists: the published lists give the published bits (digest, section 8)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from apps.standards.proofs.jws import encode_part
from apps.standards.status import bitstring
from apps.standards.status.bitstring import Entry, StatusFault


def published(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "vectors/status-lists/lists.json").read_text())["lists"]


def entry(index: int, size: int = 1) -> Entry:
    return Entry("BitstringStatusListEntry", "revocation", index, "https://a.example/list", size)


def test_published_lists_have_the_published_bits(shared: Path) -> None:
    for one in published(shared):
        kind = "StatusList2021Entry" if one["id"] == "own-2021" else "BitstringStatusListEntry"
        expanded = bitstring.bits(one["encodedList"], entry_type=kind)
        assert len(expanded) == one["expanded_bytes"]
        found = [index for index in range(len(expanded) * 8) if expanded[index >> 3] & (0x80 >> (index & 7))]
        assert found == one["set"]
        if one.get("error") == "STATUS_LIST_LENGTH_ERROR":
            with pytest.raises(StatusFault, match="STATUS_LIST_LENGTH_ERROR"):
                bitstring.value_at(expanded, entry(3))
        else:
            assert all(bitstring.value_at(expanded, entry(index)) == 1 for index in one["set"])
            assert bitstring.value_at(expanded, entry(1)) == 0


def test_a_list_of_ours_has_at_least_131072_entries_and_reads_back() -> None:
    """PRIV-06, OB3-I-05"""
    encoded = bitstring.encoded_list([0, 7, 8, 94567, 131071])
    expanded = bitstring.bits(encoded)
    assert len(expanded) == 16384
    assert [index for index in (0, 7, 8, 9, 94567, 131071) if bitstring.value_at(expanded, entry(index))] == [
        0,
        7,
        8,
        94567,
        131071,
    ]
    assert encoded == bitstring.encoded_list([131071, 94567, 8, 7, 0])


def test_entries_of_several_bits_give_their_value() -> None:
    expanded = bytes([0b01_10_11_00]) + bytes(2 * 16384)
    assert [bitstring.value_at(expanded, entry(index, size=2)) for index in range(4)] == [1, 2, 3, 0]


def test_beyond_the_end_is_an_error() -> None:
    with pytest.raises(StatusFault, match="RANGE_ERROR"):
        bitstring.value_at(bytes(16384), entry(131072))


@pytest.mark.parametrize(
    "encoded",
    [
        None,
        "",
        "u",
        "H4sIAAAAAAAA",
        "uAAAA",
        "u!!!",
        "u" + encode_part(gzip.compress(bytes(100), mtime=0)[:-8]).decode(),
    ],
)
def test_an_unreadable_list_is_refused(encoded: Any) -> None:
    with pytest.raises(StatusFault):
        bitstring.bits(encoded)


def test_a_list_that_expands_without_end_is_refused() -> None:
    bomb = "u" + encode_part(gzip.compress(bytes(bitstring.MAX_BYTES + 1))).decode()
    with pytest.raises(StatusFault, match="16 MiB"):
        bitstring.bits(bomb)


@pytest.mark.parametrize("index", [-1, "-1", "1.0", "x", None, 1.5, True, "９", "1" * 13])
def test_an_index_is_a_whole_number(index: Any) -> None:
    with pytest.raises(StatusFault):
        bitstring.read_entry(
            {
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": index,
                "statusListCredential": "https://a.example/list",
            }
        )


def test_an_index_may_be_written_as_text_or_number() -> None:
    for index in (23, "23"):
        read = bitstring.read_entry(
            {
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": index,
                "statusListCredential": "https://a.example/list",
            }
        )
        assert read.index == 23
