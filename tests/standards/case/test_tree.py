"""The order of children and the smart levels (D6, CASE-13)."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from apps.standards.case.model import CFPackage
from apps.standards.case.read import read_package
from apps.standards.case.tree import Leaflet, OrderedTree, arrange, natural, rings


def ordered(package: CFPackage) -> OrderedTree:
    return arrange(
        package.document.identifier,
        [
            Leaflet(item.identifier, item.list_enumeration, item.human_coding_scheme, item.full_statement)
            for item in package.items
        ],
        [
            (link.origin.identifier, link.destination.identifier, link.sequence_number)
            for link in package.associations
            if link.association_type == "isChildOf"
        ],
    )


def package_of(shared: Path, name: str) -> CFPackage:
    package = read_package((shared / f"samples/case/cases/{name}.json").read_bytes()).package
    assert package is not None
    return package


def test_samples_have_the_order_and_numbers_of_their_manifest(shared: Path) -> None:
    """CASE-13: sequenceNumber, listEnumeration, humanCodingScheme, statement, identifier; missing last."""
    for case in json.loads((shared / "samples/case/manifest.json").read_text())["cases"]:
        if "smartLevels" in case:
            levels = ordered(package_of(shared, case["id"])).smart_levels
            assert {key: levels[key] for key in case["smartLevels"]} == case["smartLevels"]
        if "order" in case:
            package = package_of(shared, case["id"])
            statements = {item.identifier: item.full_statement for item in package.items}
            shown = [[statements[child] for child in among] for among in ordered(package).children.values()]
            assert case["order"] in shown


def test_numbers_in_codes_count_by_value() -> None:
    """D6: natural order, for any number of digits."""
    codes = ["A.10", "A.2", "A.2.10", "A.2.9", "B", "A." + "9" * 6000, "a.1"]

    assert sorted(codes, key=natural) == ["a.1", "A.2", "A.2.9", "A.2.10", "A.10", "A." + "9" * 6000, "B"]


def test_an_item_with_two_parents_is_numbered_below_the_first_in_sequence() -> None:
    """D4: all parents kept, one shown."""
    tree = arrange("d", [Leaflet("a"), Leaflet("b"), Leaflet("x")], [("x", "a", 9), ("x", "b", 1)])

    assert tree.main_parent["x"] == "b"
    assert tree.smart_levels["x"] == "2.1"
    assert list(tree.children["a"]) == ["x"]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20))
def test_a_graph_has_rings_exactly_when_it_cannot_be_sorted(pairs: list[tuple[int, int]]) -> None:
    """CASE-11: the search for rings agrees with taking away nodes that nothing leads out of."""
    edges: dict[int, list[tuple[int, int]]] = {}
    for label, (origin, target) in enumerate(pairs):
        if origin != target:
            edges.setdefault(origin, []).append((target, label))
    left = {node: {target for target, _ in targets} for node, targets in edges.items()}
    while True:
        free = [node for node, targets in left.items() if not targets & left.keys()]
        if not free:
            break
        for node in free:
            del left[node]

    assert bool(rings(edges)) == bool(left)


def test_a_long_chain_costs_no_memory_for_numbers() -> None:
    """A package of 100,000 items below one another must not fill the memory when it is shown."""
    size = 20_000
    tree = arrange("d", [Leaflet(str(n)) for n in range(size)], [(str(n), str(n - 1), None) for n in range(1, size)])

    assert tree.smart_levels["99"].count(".") == 99
    assert tree.smart_levels[str(size - 1)] == ""
