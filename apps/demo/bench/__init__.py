"""The benchmarks: each measures the portal beside the raw limit of the same work, in one run (contract)."""

import importlib
import statistics
import time
from collections.abc import Callable
from typing import TypedDict


class Row(TypedDict):
    """One line of the table. `value` and `raw` are rates, but milliseconds for `api` and `progress`."""

    name: str
    case: str
    reference: str
    value: float
    unit: str
    raw: float | None
    ratio: float | None
    runs: int


MODULES = {
    "import": "importing",
    "draft": "issuing",
    "sign": "issuing",
    "issue": "issuing",
    "verify": "verifying",
    "render": "rendering",
    "api": "api",
    "progress": "progress",
}
"""Name of a benchmark → the module of this package whose function `run(name)` gives its rows."""


def run(name: str) -> list[Row]:
    """The rows of one benchmark, measured now, in the present database."""
    module = importlib.import_module(f"{__name__}.{MODULES[name]}")
    rows: list[Row] = [row for row in module.run() if row["name"] == name]
    return rows


def median_seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The median time of one call, after one that does not count."""
    work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
