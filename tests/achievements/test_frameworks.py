"""Frameworks as people use them: tree, search, alignment (CASE-13, CASE-19, CASE-20, D9, G2)."""

import json
import unicodedata
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.achievements import frameworks
from apps.achievements.importing import import_package
from apps.achievements.models import Alignment, Framework, FrameworkItem, FrameworkRubricLevel
from tests.achievements.factories import achievement

pytestmark = pytest.mark.django_db


def stored(shared: Path, name: str) -> Framework:
    outcome = import_package((shared / f"samples/case/cases/{name}.json").read_bytes(), file_name=name)
    assert outcome.framework is not None
    return outcome.framework


def test_the_tree_has_the_standard_s_order(shared: Path) -> None:
    """CASE-13: the order and smart levels of the sample."""
    case = next(
        case
        for case in json.loads((shared / "samples/case/manifest.json").read_text())["cases"]
        if case["id"] == "ccss-ela"
    )
    tree = frameworks.tree_of(stored(shared, "ccss-ela"))

    assert {key: tree.number(key) for key in case["smartLevels"]} == case["smartLevels"]
    assert len(tree.children()) == 12
    first = next(iter(case["smartLevels"]))
    assert tree.path(first)[0] == tree.children()[2]


def test_a_known_tree_costs_one_query(shared: Path, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Constant queries, however many items."""
    framework = stored(shared, "ccss-ela")
    frameworks.tree_of(framework)

    with django_assert_num_queries(1):
        frameworks.tree_of(framework)


def test_another_version_gives_another_tree(shared: Path) -> None:
    """D9: what left is not in the tree, but still counts as retired and can be looked up."""
    framework = stored(shared, "own-cedar-fathom")
    gone = "5e268fa0-8bcc-47cd-b3fd-c19413446df8"
    assert frameworks.tree_of(framework).number(gone)

    stored(shared, "own-cedar-fathom-2")

    tree = frameworks.tree_of(Framework.objects.get(pk=framework.pk))
    assert tree.number(gone) == ""
    assert tree.entries[gone].is_retired
    assert gone not in tree.rollup.leaves


def test_the_stored_framework_rolls_up_as_the_sample_says(shared: Path) -> None:
    """CASE-47, from the database."""
    tree = frameworks.tree_of(stored(shared, "own-cedar-fathom"))
    for case in json.loads((shared / "samples/case/rollup.json").read_text())["cases"]:
        progress = tree.rollup.progress(case["asserted"])
        assert {key: progress[key] for key in case["expected"]} == case["expected"], case["name"]


def test_equivalents_lead_over_frameworks(shared: Path) -> None:
    """CASE-42: willow's items that match cedar's count there as soon as both are stored."""
    cedar = stored(shared, "own-cedar-fathom")
    stored(shared, "own-willow-1.0")
    tree = frameworks.tree_of(cedar)

    assert tree.rollup.progress(["6f1d2a34-1111-4c5d-8e9f-0a1b2c3d4e5f"])["7928c6a1-af65-49a4-95bd-c39d5a11cca5"] == 1.0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("cf.1.1.a", "CF.1.1.a"),
        ("QUESTION indicator 2", "CF.1.1.b"),
        ("73F778AA-F6FA-4DB8-A56A-BD72FB710734", "CF.1.1"),
        (unicodedata.normalize("NFD", "AFIRMACIÓN"), "CF.1.4.es"),
    ],
)
def test_search_finds_code_statement_and_identifier(shared: Path, words: str, code: str) -> None:
    """CASE-19, SEC-32: letter case and form apart."""
    stored(shared, "own-cedar-fathom")
    found = frameworks.search(words)

    assert [item.human_coding_scheme for item in found] == [code]


def test_search_works_in_any_script(shared: Path) -> None:
    """CASE-19."""
    stored(shared, "own-hostile-text")

    for words in ("يكتب", "中文", "ภาษา", "bold alert"):
        assert frameworks.search(words).count() == 1, words
    assert frameworks.search("").count() == 0


def test_only_what_stands_is_offered(shared: Path) -> None:
    """D9: neither retired items nor deprecated frameworks."""
    framework = stored(shared, "own-cedar-fathom")
    assert frameworks.search("CF.2.0").count() == 1
    assert frameworks.search("CF.2.0", offered=True).count() == 0

    Framework.objects.filter(pk=framework.pk).update(adoption_status="Deprecated")
    assert frameworks.search("CF.1.1", offered=True).count() == 0
    with pytest.raises(frameworks.NotOffered):
        frameworks.align(achievement(), FrameworkItem.objects.get(human_coding_scheme="CF.1.1"))


def test_an_alignment_keeps_what_the_item_said(shared: Path) -> None:
    """CASE-20, D7, G2: a later version does not change it."""
    stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.2")
    course = achievement()
    alignment = frameworks.align(course, item)
    assert frameworks.align(course, item) == alignment

    stored(shared, "own-cedar-fathom-2")

    alignment.refresh_from_db()
    assert alignment.target_type == "CFItem"
    assert alignment.target_code == "CF.1.2"
    assert alignment.target_description == "Gather data and note where it came from"
    assert alignment.target_url == item.uri
    assert alignment.target_framework == "Cedar Fathom Data & Design Competencies"
    assert list(frameworks.aligned_achievements(item)) == [course]


def test_rubric_levels_can_be_aligned(shared: Path) -> None:
    """CASE-20, G2."""
    stored(shared, "own-cedar-fathom")
    level = FrameworkRubricLevel.objects.get(identifier="88ebd524-78e2-4103-814b-051002c19aa9")

    alignment = frameworks.align(achievement(), level)

    assert (alignment.target_type, alignment.target_name) == ("CFRubricCriterionLevel", "Proficient")
    assert Alignment.objects.get().target_url == level.uri


def test_the_licence_goes_with_the_framework(shared: Path) -> None:
    """D12."""
    title, text = frameworks.licence_of(stored(shared, "own-cedar-fathom"))

    assert title == "CC0 1.0" and text.startswith("To the extent possible")
