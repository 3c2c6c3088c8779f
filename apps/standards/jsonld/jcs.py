"""JSON Canonicalization Scheme (RFC 8785): one byte form for one JSON value."""

from __future__ import annotations

import math
from typing import Any

import orjson

from apps.standards.errors import DocumentFault

_EXACT = 2**53


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value.

    Raises ``DocumentFault`` for a whole number that a double cannot hold exactly (two such numbers could share
    one form) and for NaN and the infinities.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_text(value))
    elif isinstance(value, dict):
        parts.append("{")
        for position, key in enumerate(sorted(value, key=_code_units)):
            parts.append("," if position else "")
            parts.append(_text(key))
            parts.append(":")
            _write(value[key], parts)
        parts.append("}")
    elif isinstance(value, list):
        parts.append("[")
        for position, item in enumerate(value):
            parts.append("," if position else "")
            _write(item, parts)
        parts.append("]")
    elif value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        parts.append(_integer(value))
    else:
        parts.append(number(value))


def _code_units(key: str) -> bytes:
    return key.encode("utf-16-be")  # RFC 8785, 3.2.3: order by UTF-16 code units


def _text(value: str) -> str:
    return orjson.dumps(value).decode("utf-8")


def _integer(value: int) -> str:
    if -_EXACT <= value <= _EXACT:
        return str(value)
    try:
        as_double = float(value)
    except OverflowError:
        as_double = math.inf
    if as_double != value:
        raise DocumentFault(f"The number {value} cannot be held exactly, so it cannot be signed in this form.")
    return number(as_double)


def number(value: float) -> str:
    """A double as ECMAScript writes it (RFC 8785, 3.2.2.3)."""
    if not math.isfinite(value):
        raise DocumentFault("NaN and infinity are not JSON.")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent_text or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        if len(digits) <= point:
            return sign + digits + "0" * (point - len(digits))
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    tail = f"e{'+' if exponent > 0 else '-'}{abs(exponent)}"
    return sign + digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "") + tail
