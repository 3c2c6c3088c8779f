"""How hard a run tries: a quick one looks at fewer made-up inputs, everything else is the same."""

import os
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")
IS_QUICK = os.environ.get("CLRPORTAL_TEST_EFFORT") == "quick"


def examples(number: int) -> int:
    """How many made-up inputs to try where a whole run tries so many."""
    return max(number // 8, 5) if IS_QUICK else number


def some(values: Iterable[T]) -> list[T]:
    """All of these; in a quick run each third, the first among them."""
    return list(values)[:: 3 if IS_QUICK else 1]
