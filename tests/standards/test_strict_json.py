"""SEC-21: the one strict JSON reader."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.standards import strict_json
from apps.standards.errors import LimitExceeded, ParseFault

pytestmark = pytest.mark.once

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def test_it_works() -> None:
    assert strict_json.loads('{"a": [1, 2.5, "ü", true, null]}') == {"a": [1, 2.5, "ü", True, None]}


@given(json_values, st.sampled_from([None, 1]), st.booleans())
def test_it_reads_whatever_json_writes(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert strict_json.loads(text.encode()) == value


@given(json_values)
def test_the_quick_way_and_the_slow_way_agree(value: object) -> None:
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    assert strict_json.loads(compact) == strict_json.loads(b" " + compact) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"\\u0061":2}',
        '[{"b": {"a": 1, "a": 1}}]',
        '{"a":1,"b":"\\"x\\":","a":2}',
    ],
)
def test_a_name_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(ParseFault, match="twice"):
        strict_json.loads(text)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "[-Infinity]", "1e400", "[-1e999]", "9" * 41, "[0." + "1" * 41 + "]", "9" * 5000]
)
def test_numbers_that_are_none_or_too_large_are_refused(text: str) -> None:
    with pytest.raises(ParseFault):
        strict_json.loads(text)


def test_forty_digits_are_kept_exactly() -> None:
    assert strict_json.loads("[" + "9" * 40 + "]") == [int("9" * 40)]


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud800": 1}', '"a\\u0000b"', '{"\\u0000": 1}'])
def test_characters_that_cannot_be_stored_are_refused(text: str) -> None:
    with pytest.raises(ParseFault):
        strict_json.loads(text)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert strict_json.loads('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", '{"a": 1}'.encode("utf-16"), b'{"a": "\xe9"}', b"", b"{", b"[1,]", b"{'a': 1}", b"1 2", b"// x\n1"],
)
def test_what_is_no_json_in_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(ParseFault):
        strict_json.loads(data)


def test_one_byte_order_mark_is_dropped() -> None:
    assert strict_json.loads(b"\xef\xbb\xbf{}") == {}
    with pytest.raises(ParseFault):
        strict_json.loads(b"\xef\xbb\xbf\xef\xbb\xbf{}")


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [65, 300, 5_000, 100_000])
def test_deep_nesting_is_refused(opening: str, closing: str, depth: int) -> None:
    with pytest.raises(LimitExceeded):
        strict_json.loads(opening * depth + "1" + closing * depth)


def test_sixty_four_levels_are_read() -> None:
    strict_json.loads("[" * 64 + "]" * 64)


def test_brackets_in_strings_are_no_nesting() -> None:
    assert strict_json.loads('["' + "[" * 500 + '"]') == ["[" * 500]


def test_too_many_values_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        strict_json.loads("[" + "1," * 200_000 + "1]")


def test_too_long_a_string_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        strict_json.loads('{"a": "' + "x" * 2_000_001 + '"}')


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except ParseFault:
        return
    orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) if not _has_big_number(value) else None


def _has_big_number(value: object) -> bool:
    return any(len(part) > 18 for part in json.dumps(value).replace("-", " ").split())
