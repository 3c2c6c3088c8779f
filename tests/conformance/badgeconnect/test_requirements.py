"""Every numbered Host, Client and Authorization Server requirement of Badge Connect has a test that names it.

Numbers and words are those of part C of the digest: BC-P the manifest and the authorization server, BC-R and BC-W the
host, BC-C the client. The test's own name or text says the number, alone or as part of a range.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from apps.exchange.badgeconnect.conformance import TABLE

pytestmark = pytest.mark.once
TESTS = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LAST = {"P": 23, "R": 12, "W": 10, "C": 18}
NUMBERS = [f"{role}-{number:02}" for role, last in LAST.items() for number in range(1, last + 1)]
NOT_DONE = {"C-18": "Optional: this portal sends nobody's addresses to a host."}
MENTION = re.compile(r"BC-([PRWC]-\d\d)((?:(?:, | and | to )(?:BC-)?[PRWC]-\d\d)*)")


def numbers_in(text: str) -> set[str]:
    """The requirements that a text names: BC-R-01, R-05 to R-07 and R-09."""
    found: set[str] = set()
    for match in MENTION.finditer(text):
        found.add(match[1])
        before = match[1]
        for joined, number in re.findall(r"(, | and | to )(?:BC-)?([PRWC]-\d\d)", match[2]):
            first, last = int(before[2:]), int(number[2:])
            found |= {f"{number[0]}-{each:02}" for each in range(first, last)} if joined == " to " else set()
            found.add(number)
            before = number
    return found


@lru_cache(maxsize=1)
def named() -> dict[str, str]:
    """Each number that a test function names, and where."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.glob("exchange*/**/test_*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                where = f"{path.relative_to(TESTS)}::{function.name}"
                found |= dict.fromkeys(numbers_in(ast.get_docstring(function) or ""), where)
    return found


@pytest.mark.parametrize("number", [number for number in NUMBERS if number not in NOT_DONE])
def test_a_test_names_the_requirement(number: str) -> None:
    assert number in named(), f"No test of the exchange names BC-{number}."


@pytest.mark.parametrize("number", [number for number in NUMBERS if number[0] != "C"])
def test_the_command_asks_for_each_requirement_of_the_host_side(number: str) -> None:
    """`manage.py conformance badgeconnect` has a row for each, or says that it cannot be seen."""
    assert f"BC-{number}" in TABLE.numbers


def test_ranges_and_lists_are_read() -> None:
    """What counts as naming a requirement."""
    assert numbers_in("BC-R-01, R-05 and BC-P-07: x") == {"R-01", "R-05", "P-07"}
    assert numbers_in("(BC-C-01 to C-03)") == {"C-01", "C-02", "C-03"}
    assert numbers_in("CLR1-C-09, R-2") == set()
