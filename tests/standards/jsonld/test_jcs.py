"""RFC 8785: one byte form for one JSON value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.standards.errors import DocumentFault
from apps.standards.jsonld import jcs


def test_the_example_of_the_rfc() -> None:
    value = json.loads(
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    )
    assert jcs.canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_ordered_by_utf_16_code_units() -> None:
    written = jcs.canonical({"\ufb33": 1, "\U0001f600": 2, "\u00e9": 3, "1": 4}).decode()
    assert written == '{"1":4,"\u00e9":3,"\U0001f600":2,"\ufb33":1}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (7.0, "7"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (-1.5e-9, "-1.5e-9"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (2**53, "9007199254740992"),
        (10**22, "1e+22"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(value: float, text: str) -> None:
    assert jcs.canonical(value).decode() == text


@pytest.mark.parametrize("value", [2**53 + 1, 10**400, float("nan"), float("inf")])
def test_what_no_double_holds_is_refused(value: Any) -> None:
    with pytest.raises(DocumentFault):
        jcs.canonical(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_read_again_is_the_same(value: float) -> None:
    assert float(jcs.canonical(value)) == value
