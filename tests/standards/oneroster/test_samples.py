"""Every sample bundle, read as its manifest says (ROST-01 to ROST-22, ROST-39)."""

import json
from pathlib import Path

import pytest

from apps.standards.oneroster.issues import BundleRefused
from apps.standards.oneroster.model import Table
from apps.standards.oneroster.read import NothingStored, Rows, open_bundle, read_manifest, read_tables


class Before(NothingStored):
    """What an earlier bundle left behind."""

    def __init__(self) -> None:
        self.ids: dict[Table, set[str]] = {}

    def take(self, rows: Rows) -> None:
        self.ids.setdefault(rows.table, set()).update(rows.source_ids)

    def known(self, table: Table, ids: set[str]) -> set[str]:
        return ids & self.ids.get(table, set())


@pytest.fixture(scope="module")
def samples(shared: Path) -> Path:
    return shared / "samples" / "oneroster"


def _cases(samples: Path) -> dict[str, dict]:
    return {case["id"]: case for case in json.loads((samples / "manifest.json").read_text(encoding="utf-8"))["cases"]}


def _read(path: Path, stored: NothingStored, take=None):
    with open_bundle(path) as bundle:
        manifest = read_manifest(bundle)
        return read_tables(bundle, manifest, stored=stored, take=take)


def _judge(samples: Path, case: dict, cases: dict[str, dict]) -> str | None:
    before = Before()
    if case.get("after"):
        _read(samples / cases[case["after"]]["path"], NothingStored(), before.take)
    try:
        reading = _read(samples / case["path"], before)
    except BundleRefused as refusal:
        if case["expected"] == "accepted":
            return f"refused: {refusal.errors.listed[0]}"
        codes = {case["reason"], *case.get("reason_also", [])}
        found = [issue for issue in refusal.errors.listed if issue.code in codes]
        if refusal.errors.total != case.get("errors", 1) or not found:
            return f"other faults: {refusal.errors.listed[:3]}"
        issue = found[0]
        for key, value in (("file", issue.file), ("line", issue.row), ("column", issue.column)):
            if key in case and case[key] != value:
                return f"{key}: {value!r} instead of {case[key]!r}"
        return None if issue.message else "no sentence"
    if case["expected"] == "refused":
        return f"accepted, but should be {case['reason']}"
    counts = {**{str(table): count for table, count in reading.counts.items()}, "students": reading.students}
    wrong = {key: (value, counts.get(key)) for key, value in case["counts"].items() if counts.get(key) != value}
    return f"counts {wrong}" if wrong else None


def test_every_sample_is_read_as_its_manifest_says(samples):
    """ROST-39: counts of what is right; code, file, row and column of what is not, and one fault for one fault."""
    cases = _cases(samples)
    assert len(cases) >= 60
    misses = {name: miss for name, case in cases.items() if (miss := _judge(samples, case, cases))}
    assert misses == {}


def test_rost_05_the_bomb_is_refused_without_unpacking(samples):
    """Nothing of the 320 MiB is read: the refusal comes from the list of entries."""
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(BundleRefused, match="grows"), open_bundle(samples / "cases" / "bad-zip-bomb.zip"):
            raise AssertionError("opened")
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
