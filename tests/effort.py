"""How hard a run tries: a quick one looks at fewer made-up inputs, everything else is the same."""

import os

IS_QUICK = os.environ.get("CLRPORTAL_TEST_EFFORT") == "quick"


def examples(number: int) -> int:
    """How many made-up inputs to try where a whole run tries so many."""
    return max(number // 8, 5) if IS_QUICK else number
