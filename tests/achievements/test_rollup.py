"""Roll-up of competency progress (part E, CASE-40 to CASE-47)."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from apps.achievements.rollup import Link, Node, Rollup, compile_rollup
from apps.standards.case.read import read_package


def compiled(shared: Path, name: str) -> Rollup:
    package = read_package((shared / f"samples/case/cases/{name}.json").read_bytes()).package
    assert package is not None
    language = package.document.language
    return compile_rollup(
        package.document.identifier,
        [
            Node(
                item.identifier,
                is_retired=bool(item.status_end and item.status_end < "2026-09-01"),
                is_in_main_language=not item.language or item.language == language,
            )
            for item in package.items
        ],
        [
            Link(link.association_type, link.origin.identifier, link.destination.identifier)
            for link in package.associations
        ],
    )


def small(*links: tuple[str, str, str], retired: str = "") -> Rollup:
    """Items a to z with single-letter names below the document ``top``."""
    names = sorted({end for _, *ends in links for end in ends} - {"top"})
    return compile_rollup(
        "top",
        [Node(name, is_retired=name in retired) for name in names if not name.startswith("ext")],
        [Link(*link) for link in links],
    )


def test_the_values_of_the_sample_come_out_exactly(shared: Path) -> None:
    """CASE-47."""
    rollup = json.loads((shared / "samples/case/rollup.json").read_text())
    assert rollup["cases"]
    for case in rollup["cases"]:
        progress = compiled(shared, case["package"]).progress(case["asserted"])
        assert {key: progress[key] for key in case["expected"]} == case["expected"], case["name"]


def test_a_shared_leaf_counts_once() -> None:
    """CASE-40: two parents, one common ancestor, one leaf."""
    rollup = small(
        ("isChildOf", "b", "a"),
        ("isChildOf", "c", "a"),
        ("isChildOf", "x", "b"),
        ("isChildOf", "x", "c"),
        ("isChildOf", "y", "c"),
    )

    assert rollup.counts("a", rollup.cover(["x"])) == (1, 2)
    assert rollup.progress(["x"])["c"] == 0.5


def test_a_claim_on_a_parent_covers_its_leaves() -> None:
    """CASE-41."""
    rollup = small(("isChildOf", "b", "a"), ("isChildOf", "c", "a"), ("isChildOf", "d", "top"))

    assert rollup.progress(["a"]) == {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.0, "top": 2 / 3}


def test_equivalence_goes_both_ways_and_on() -> None:
    """CASE-42: over other frameworks too."""
    rollup = small(("isChildOf", "a", "top"), ("exactMatchOf", "a", "ext1"), ("exactMatchOf", "ext2", "ext1"))

    assert rollup.progress(["EXT2"])["a"] == 1.0


def test_replacement_counts_forward_only() -> None:
    """CASE-43: the old counts for the new, also in two steps, never backwards."""
    rollup = small(
        ("isChildOf", "c", "top"), ("isChildOf", "a", "top"), ("replacedBy", "a", "b"), ("replacedBy", "b", "c")
    )

    assert rollup.progress(["a"])["c"] == 1.0
    assert rollup.progress(["c"])["a"] == 0.0


def test_other_associations_grant_nothing() -> None:
    """CASE-44."""
    for kind in ("precedes", "isRelatedTo", "isPeerOf", "exemplar", "hasSkillLevel", "ext:own"):
        rollup = small(("isChildOf", "a", "top"), ("isChildOf", "b", "top"), (kind, "a", "b"))
        assert rollup.progress(["a"])["b"] == 0.0
        assert rollup.progress(["b"])["a"] == 0.0


def test_retired_and_translated_items_are_no_leaves() -> None:
    """CASE-45: they do not lower the share, and what they stand for still counts."""
    rollup = small(
        ("isChildOf", "a", "top"),
        ("isChildOf", "r", "top"),
        ("isTranslationOf", "a", "t"),
        ("replacedBy", "r", "a"),
        retired="r",
    )

    assert rollup.leaves == ("a",)
    assert rollup.progress(["t"])["top"] == 1.0
    assert rollup.progress(["r"])["top"] == 1.0


def test_a_part_counts_for_its_whole_only_without_a_parent() -> None:
    """Part E: isPartOf carries for an origin without an isChildOf parent; never both."""
    rollup = small(("isChildOf", "a", "top"), ("isChildOf", "b", "top"), ("isPartOf", "p", "a"), ("isPartOf", "b", "a"))

    assert rollup.counts("a", rollup.cover(["p"])) == (1, 1)
    assert rollup.counts("top", 0) == (0, 2)


def test_rings_through_parts_do_no_harm() -> None:
    """Both kinds of association together may close a ring that neither closes alone."""
    rollup = small(("isChildOf", "a", "b"), ("isPartOf", "b", "a"))

    assert rollup.counts("top", rollup.cover(["a"])) == (1, 1)


def test_weights_are_the_institution_s() -> None:
    """Part E: leaves weigh the same unless the institution says otherwise."""
    rollup = small(("isChildOf", "a", "top"), ("isChildOf", "b", "top"))

    assert rollup.share("top", rollup.cover(["a"]), {"a": 3.0}) == 0.75


@given(st.data())
def test_bits_agree_with_sets(data: st.DataObject) -> None:
    """CASE-40, CASE-41: on any forest the shares are those of a plain walk over sets."""
    size = data.draw(st.integers(1, 12))
    parents = {n: data.draw(st.integers(-1, n - 1)) for n in range(size)}
    asserted = data.draw(st.sets(st.integers(0, size - 1)))
    links = [Link("isChildOf", f"n{n}", "top" if up < 0 else f"n{up}") for n, up in parents.items()]
    progress = compile_rollup("top", [Node(f"n{n}") for n in range(size)], links).progress(f"n{n}" for n in asserted)
    ups: dict[int, set[int]] = {}
    for n in range(size):
        ups[n] = {n} | (ups[parents[n]] if parents[n] >= 0 else set())
    leaves = [n for n in range(size) if n not in parents.values()]
    for n in range(size):
        below = [leaf for leaf in leaves if n in ups[leaf]]
        assert progress[f"n{n}"] == sum(1 for leaf in below if ups[leaf] & asserted) / len(below)
