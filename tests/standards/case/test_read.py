"""CASE packages are read as part D says: good ones whole, bad ones refused with a code and a place."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.standards.case import read
from apps.standards.case.model import moment
from apps.standards.case.read import Finding, Reading, read_package
from apps.standards.case.write import package_to_wire


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {
        "identifier": uuid(number),
        "uri": f"https://case.example/CFItems/{uuid(number)}",
        "fullStatement": f"Statement {number}",
        "lastChangeDateTime": "2026-03-01T09:00:00+00:00",
        **more,
    }


def end(number: int) -> dict[str, Any]:
    return {"title": f"T{number}", "identifier": uuid(number), "uri": f"https://case.example/{number}"}


def link(number: int, origin: int, destination: int, kind: str = "isChildOf", **more: Any) -> dict[str, Any]:
    return {
        "identifier": uuid(900_000 + number),
        "uri": f"https://case.example/CFAssociations/{number}",
        "associationType": kind,
        "originNodeURI": end(origin),
        "destinationNodeURI": end(destination),
        "lastChangeDateTime": "2026-03-01T09:00:00+00:00",
        **more,
    }


def package(items: list[Any], associations: list[Any], **document: Any) -> dict[str, Any]:
    return {
        "CFDocument": {
            "identifier": uuid(0),
            "uri": "https://case.example/ims/case/v1p1/CFDocuments/0",
            "creator": "Example",
            "title": "Example framework",
            "lastChangeDateTime": "2026-03-01T09:00:00+00:00",
            "caseVersion": "1.1",
            **document,
        },
        "CFItems": items,
        "CFAssociations": associations,
    }


def judged(value: Any) -> Reading:
    return read_package(json.dumps(value).encode())


def only_error(value: Any) -> Finding:
    reading = judged(value)
    assert reading.package is None
    assert len(reading.errors) == 1, reading.errors
    return reading.errors[0]


def test_it_works() -> None:
    """CASE-01, CASE-13: a flat package, its counts, nothing to complain about."""
    reading = judged(package([item(1), item(2)], [link(1, 1, 0), link(2, 2, 1)]))

    assert reading.errors == () and reading.warnings == ()
    assert reading.format == "case-1.1"
    assert reading.counts["roots"] == 1 and reading.counts["depth"] == 2


def cases(shared: Path, expected: str) -> list[dict[str, Any]]:
    manifest = json.loads((shared / "samples/case/manifest.json").read_text())
    return [case for case in manifest["cases"] if case["expected"] == expected]


def test_every_good_sample_is_read_with_its_counts(shared: Path) -> None:
    """CASE-01, CASE-12: counts of the manifest, and the wire form comes back unchanged."""
    for case in cases(shared, "accepted"):
        data = (shared / "samples/case" / case["path"]).read_bytes()
        reading = read_package(data)
        assert reading.package is not None, (case["id"], reading.errors[:3])
        assert {name: reading.counts[name] for name in case["counts"]} == case["counts"], case["id"]
        value = json.loads(data.decode("utf-8-sig"))
        assert package_to_wire(reading.package) == value.get("CFPackage", value), case["id"]


def test_every_bad_sample_is_refused_with_its_code_and_place(shared: Path) -> None:
    """CASE-02 to CASE-11, CASE-17: one fault, one error, at the pointer of the manifest."""
    for case in cases(shared, "refused"):
        reading = read_package((shared / "samples/case" / case["path"]).read_bytes())
        assert reading.package is None, case["id"]
        found = [(error.code, error.path) for error in reading.errors]
        assert len(found) == case.get("errors", 1), (case["id"], found)
        assert found[0][0] == case["reason"], (case["id"], found)
        assert found[0][1] in case.get("at_any", [case["at"]]), (case["id"], found)
        if "identifier" in case:
            assert reading.errors[0].identifier == case["identifier"], case["id"]


def test_places_in_an_envelope_are_named_from_the_top() -> None:
    """CASE-17: the pointer leads from the root of what was sent."""
    error = only_error({"CFPackage": package([item(1, fullStatement=" ")], [link(1, 1, 0)])})

    assert (error.code, error.path) == ("case.required", "/CFPackage/CFItems/0/fullStatement")


@pytest.mark.parametrize(
    ("wire", "value", "code"),
    [
        ("identifier", "../../x", "case.identifier"),
        ("uri", "javascript:alert(1)", "case.uri"),
        ("uri", "//case.example/1", "case.uri"),
        ("uri", "https://case.example/a b", "case.uri"),
        ("lastChangeDateTime", "2026-03-01T09:00:00", "case.date"),
        ("lastChangeDateTime", "2026-02-30T09:00:00Z", "case.date"),
        ("statusStartDate", "2026-13-01", "case.date"),
        ("fullStatement", 7, "case.type"),
        ("fullStatement", "é" * 40_000, "case.too_large"),
        ("educationLevel", [9], "case.type"),
        ("CFItemTypeURI", "Standard", "case.type"),
        ("conceptKeywords", {"a": 1}, "case.type"),
    ],
)
def test_a_wrong_value_of_an_item_is_named(wire: str, value: Any, code: str) -> None:
    """CASE-03, CASE-04, CASE-07, CASE-08, CASE-09: each kind of value is checked where it stands."""
    error = only_error(package([item(1, **{wire: value})], [] if wire == "identifier" else [link(1, 1, 0)]))

    assert (error.code, error.path) == (code, f"/CFItems/0/{wire}")


def test_a_text_where_a_list_is_due_is_taken_as_one_value() -> None:
    """CASE-08: with a warning."""
    reading = judged(package([item(1, educationLevel="PS")], [link(1, 1, 0)]))

    assert reading.package is not None
    assert reading.package.items[0].education_level == ("PS",)
    assert [warning.path for warning in reading.warnings] == ["/CFItems/0/educationLevel"]


def test_an_end_of_the_range_before_its_beginning_is_refused() -> None:
    """CASE-07."""
    faulty = item(1, statusStartDate="2026-05-01", statusEndDate="2026-04-30")

    assert only_error(package([faulty], [link(1, 1, 0)])).path == "/CFItems/0/statusEndDate"


def test_letter_case_of_an_identifier_does_not_count() -> None:
    """CASE-05, C1: the same UUID in capitals is a duplicate, and ends find it."""
    capital = item(10)
    capital["identifier"] = "AAAAAAAA-0000-4000-8000-00000000000A"
    small = {**item(11), "identifier": capital["identifier"].lower()}

    assert only_error(package([capital, small], [])).code == "case.duplicate"


@pytest.mark.parametrize("kind", ["isParentOf", "Is Child Of", "ext:", "ext:a b", "ischildof", ""])
def test_unknown_association_types_are_refused(kind: str) -> None:
    """CASE-06: the tokens of C3 or ext: and a token; an empty one is missing."""
    error = only_error(package([item(1)], [link(1, 1, 0, kind)]))

    assert (error.code, error.path) == (
        "case.enum" if kind else "case.required",
        "/CFAssociations/0/associationType",
    )


def test_every_ring_is_reported_once() -> None:
    """CASE-11: two rings, two errors, each at one association of its ring."""
    reading = judged(
        package(
            [item(n) for n in range(1, 6)],
            [link(1, 1, 2), link(2, 2, 1), link(3, 3, 4), link(4, 4, 5), link(5, 5, 3)],
        )
    )

    assert [(error.code, error.path) for error in reading.errors] == [
        ("case.cycle", "/CFAssociations/0"),
        ("case.cycle", "/CFAssociations/2"),
    ]


def test_a_ring_of_precedes_is_a_warning_only() -> None:
    """D4: the order is then not used."""
    links = [link(1, 1, 0), link(2, 2, 0), link(3, 1, 2, "precedes"), link(4, 2, 1, "precedes")]
    reading = judged(package([item(1), item(2)], links))

    assert reading.package is not None
    assert [warning.code for warning in reading.warnings] == ["case.order_ring"]


def test_external_ends_are_kept_and_need_not_be_uuids() -> None:
    """CASE-04, CASE-10: another system's scheme and identifier stay as they are."""
    outside = {"title": "Skill", "identifier": "skill-9", "uri": "local:skill-9", "targetType": "ext:esco"}
    kept = link(2, 1, 0, "exactMatchOf")
    kept["destinationNodeURI"] = outside
    reading = judged(package([item(1)], [link(1, 1, 0), kept]))

    assert reading.package is not None
    assert reading.package.associations[1].destination.identifier == "skill-9"


def test_five_thousand_levels_are_counted_without_recursion() -> None:
    """C: a deep tree is a tree."""
    items = [item(n) for n in range(1, 5001)]
    reading = judged(package(items, [link(n, n, n - 1) for n in range(1, 5001)]))

    assert reading.counts["depth"] == 5000 and reading.counts["roots"] == 1


def test_too_many_items_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """CASE-02: the limit on items has its code and its place."""
    monkeypatch.setattr(read, "MAX_ITEMS", 2)

    error = only_error(package([item(1), item(2), item(3)], []))

    assert (error.code, error.path) == ("case.too_large", "/CFItems")


def test_unknown_properties_survive() -> None:
    """Trap 12: unknown properties are never an error, and are kept."""
    reading = judged(package([item(1, surprise={"a": [1, None]})], [link(1, 1, 0)]))

    assert reading.package is not None
    assert reading.package.items[0].rest == {"surprise": {"a": [1, None]}}


def test_properties_of_1_1_in_a_1_0_package_are_a_warning() -> None:
    """C5: do not be strict about 1.1 features in a 1.0 document."""
    value = package([item(1, subject=["Maths"])], [link(1, 1, 0)], uri="https://case.example/v1p0/d")
    del value["CFDocument"]["caseVersion"]
    reading = judged(value)

    assert reading.format == "case-1.0"
    assert [warning.code for warning in reading.warnings] == ["case.version"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:01Z"),
        ("2026-03-01T09:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01T09:00:00.4Z", "2026-03-01T09:00:00.41Z"),
        ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:60-23:00"),
    ],
)
def test_moments_are_compared_across_offsets_and_never_overflow(earlier: str, later: str) -> None:
    """SEC-33."""
    first, second = moment(earlier), moment(later)

    assert first is not None and second is not None
    assert first < second
