"""The one strict JSON reader (SEC-21).

``loads`` refuses what two readers might understand differently or what cannot be written back: bytes that
are not UTF-8, duplicate names, NaN and Infinity, lone surrogates, U+0000, numbers of more than 40 digits or
past the double range, and documents that are too deep, too numerous or hold too long strings.

Most documents are read by ``orjson`` first. If writing the result gives the very bytes that were read, no
name can have stood there twice and no number can have lost digits, so only depth and length remain to be
checked. Every other document takes the slower way through ``json`` with a check on each object and number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from apps.standards.errors import LimitExceeded, ParseFault

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_STRING = 2_000_000
MAX_DIGITS = 40

_ESCAPE_NEEDING_A_LOOK = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BLANK_BETWEEN_MEMBERS = re.compile(rb'^[\[{]\s|":\s|^\s')
_CONTAINERS = (dict, list)


def loads(
    data: bytes | str,
    *,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    max_string: int = MAX_STRING,
) -> Any:
    """Read one JSON text strictly and give dicts, lists, strings, ints, floats, booleans and None.

    One leading UTF-8 byte order mark is dropped. Raises ``ParseFault`` with a sentence (and, for JSON syntax,
    line and column in ``at``); its subclass ``LimitExceeded`` where only a limit is passed. Rule: SEC-21.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    value = _read_compact(raw)
    if value is _NOT_COMPACT:
        value = _read_any(raw)
    _check_size(value, len(raw), max_depth, max_nodes, max_string)
    return value


_NOT_COMPACT = object()


def _read_compact(raw: bytes) -> Any:
    """The value of a text in orjson's own compact form; ``_NOT_COMPACT`` for any other text."""
    if _BLANK_BETWEEN_MEMBERS.search(raw, 0, 400) or b"\\u0000" in raw:
        return _NOT_COMPACT
    try:
        value = orjson.loads(raw)
        if orjson.dumps(value) == raw:
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        pass
    return _NOT_COMPACT


def _read_any(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise ParseFault("The text is not UTF-8. JSON is exchanged as UTF-8 only.", at=f"byte {fault.start}") from None
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as fault:
        raise ParseFault(
            f"This is not JSON: {_plain(fault.msg)}.", at=f"line {fault.lineno}, column {fault.colno}"
        ) from None
    except RecursionError:
        raise LimitExceeded("The JSON is nested too deeply to be read.") from None
    if _ESCAPE_NEEDING_A_LOOK.search(text):
        _refuse_bad_characters(value)
    return value


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ParseFault(f"The name {shown(name)} stands twice in one object.")
            seen.add(name)
    return members


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS and len(text.lstrip("-")) > MAX_DIGITS:
        raise ParseFault(f"A number has more than {MAX_DIGITS} digits.")
    return int(text)


def _float(text: str) -> float:
    if len(text) > MAX_DIGITS and sum(character.isdigit() for character in text) > MAX_DIGITS:
        raise ParseFault(f"A number has more than {MAX_DIGITS} digits.")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ParseFault("A number is larger than any double can be.")
    return number


def _constant(text: str) -> NoReturn:
    raise ParseFault(f"{text} is not a JSON value.")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def shown(text: str, limit: int = 60) -> str:
    """A string from a document, quoted and cut so that it may stand in a sentence for people."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return json.dumps(cut)


def _refuse_bad_characters(value: Any) -> None:
    def look(text: str) -> None:
        if "\x00" in text:
            raise ParseFault("A string contains the character U+0000.")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ParseFault("A string contains half of a surrogate pair.") from None

    _each_string(value, look)


def _each_string(value: Any, look: Callable[[str], None]) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            look(item)
        elif isinstance(item, dict):
            for name in item:
                look(name)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_size(value: Any, length: int, max_depth: int, max_nodes: int, max_string: int) -> None:
    """Depth, number of values and length of strings, level by level without recursion."""
    level = [value] if type(value) in _CONTAINERS else []
    depth = 0
    nodes = 1
    while level:
        depth += 1
        if depth > max_depth:
            raise LimitExceeded(f"The JSON is nested more than {max_depth} levels deep.")
        below: list[Any] = []
        for container in level:
            nodes += len(container)
            children = container.values() if type(container) is dict else container
            below += [child for child in children if type(child) is dict or type(child) is list]
        if nodes > max_nodes:
            raise LimitExceeded(f"The JSON has more than {max_nodes:,} values.")
        level = below
    if length > max_string:

        def look(text: str) -> None:
            if len(text) > max_string:
                raise LimitExceeded(f"A string is longer than {max_string:,} characters.")

        _each_string(value, look)


# --- parts of a text, as they stand there ------------------------------------------------------------------

_blanks = re.compile(r"[ \t\n\r]*")


def members_as_written(data: bytes) -> dict[str, bytes]:
    """The members of a JSON object, each value as the very bytes that stand in the text.

    For what is kept or sent on: nothing is read into numbers and written again. The text must be one that
    ``loads`` takes. Raises ``ParseFault`` where it is no object.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    place = _after_blanks(text, 0)
    if text[place : place + 1] != "{":
        raise ParseFault("This is not a JSON object.")
    members: dict[str, bytes] = {}
    place = _after_blanks(text, place + 1)
    while text[place] != "}":
        name, place = _decoder.raw_decode(text, place)
        place = _after_blanks(text, _after_blanks(text, place) + 1)  # over the colon
        members[name], place = _value_as_written(text, place)
        place = _after_comma(text, place)
    return members


def items_as_written(data: bytes) -> list[bytes]:
    """The items of a JSON array, each as the very bytes that stand in the text; as ``members_as_written``."""
    text = data.decode("utf-8")
    place = _after_blanks(text, 0)
    if text[place : place + 1] != "[":
        raise ParseFault("This is not a JSON array.")
    items = []
    place = _after_blanks(text, place + 1)
    while text[place] != "]":
        item, place = _value_as_written(text, place)
        items.append(item)
        place = _after_comma(text, place)
    return items


def _after_blanks(text: str, place: int) -> int:
    found = _blanks.match(text, place)
    return found.end() if found else place


def _after_comma(text: str, place: int) -> int:
    place = _after_blanks(text, place)
    return _after_blanks(text, place + 1) if text[place] == "," else place


def _value_as_written(text: str, place: int) -> tuple[bytes, int]:
    _value, end = _decoder.raw_decode(text, place)
    return text[place:end].encode("utf-8"), end
