"""From a CLR 1.0 payload to what people read (CLR1-C-07, CLR1-C-09, REG-01)."""

import json

import pytest

from apps.issuance.phrases import direction_of, phrase
from apps.issuance.reading import read_record
from tests.issuance import records


def test_it_works():
    """REG-01: terms in the order of time, each with rows and totals; everything else in sections of its own."""
    view = read_record(records.record())
    assert view.learner.name.value == "Tomas Elis Lindqvist"
    assert [section.key for section in view.sections] == [
        "degrees",
        "courses",
        "awards",
        "cocurricular",
        "competencies",
    ]
    terms = view.section("courses").terms
    assert [term.title.value for term in terms] == ["Fall 2024", "Spring 2025", "Fall 2025", "Spring 2026"]
    first = terms[0].rows[0]
    assert (first.code, first.grade, first.credits_attempted, first.credits_earned, first.points) == (
        "MATH 101", "A", "4.0", "4.0", "4.0",
    )  # fmt: skip


def test_totals_are_those_of_the_record_reg_04():
    """REG-04: attempted, earned, GPA credits, quality points and GPA stay apart, with the scale of the GPA."""
    view = read_record(records.record())
    totals = view.totals
    assert (totals.attempted, totals.earned, totals.gpa_credits) == ("40.5", "29.5", "29.5")
    assert (totals.quality_points, totals.gpa, totals.gpa_maximum) == ("92.25", "3.13", "4.00")
    assert view.section("courses").terms[1].totals.earned == "7.0"


def test_the_transcript_assertion_is_no_achievement():
    """B4: the totals are shown as totals, not as a thing achieved."""
    assert all(entry.kind != "ext:Transcript" for entry in read_record(records.record()).entries)


def test_terms_come_in_the_order_of_time_whatever_the_order_in_the_record():
    payload = records.record(extras=False)
    payload["assertions"].reverse()
    terms = read_record(payload).section("courses").terms
    assert [term.title.value for term in terms] == ["Fall 2024", "Spring 2025", "Fall 2025", "Spring 2026"]


def test_results_carry_their_description():
    """10.4: level names in order, the one achieved, the one required."""
    entry = next(each for each in read_record(records.record()).entries if each.kind == "Co-Curricular")
    levels = entry.results[0].levels
    assert [level.name.value for level in levels] == ["Begins", "Meets", "Exceeds"]
    assert entry.results[0].achieved_level.name.value == "Exceeds"
    assert [level.name.value for level in levels if level.is_required] == ["Meets"]


def test_endorsements_stand_at_the_thing_endorsed():
    """10.4: the claim names an achievement, so it is shown there and not at the record."""
    view = read_record(records.record())
    entry = next(each for each in view.entries if each.kind == "Co-Curricular")
    assert [each.issuer.name.value for each in entry.endorsements] == ["Northern Chemistry Board"]
    assert view.endorsements == ()


def test_narratives_are_sanitised_sec_31():
    payload = records.record(courses=1)
    payload["assertions"][0]["narrative"] = "<script>alert(1)</script> [x](javascript:alert(1)) **b**"
    narrative = next(iter(read_record(payload).section("courses").terms[0].rows)).narrative
    assert "<script" not in narrative
    assert "href" not in narrative
    assert "<strong>b</strong>" in narrative


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://[broken"])
def test_links_lead_to_the_web_only(url):
    payload = records.record(courses=0)
    evidence = next(each for each in payload["assertions"] if "evidence" in each)["evidence"][0]
    evidence["id"] = evidence["artifacts"][0]["url"] = url
    shown = next(each for each in read_record(payload).entries if each.evidence).evidence[0]
    assert shown.url is None
    assert shown.artifacts[0].url is None


def test_a_repeated_attempt_is_marked_reg_05():
    payload = records.record(courses=1)
    achievement = payload["assertions"][0]["achievement"]
    achievement["resultDescriptions"].append({"id": "urn:x:repeat", "name": "Repeat", "resultType": "ext:RepeatCode"})
    payload["assertions"][0]["results"].append({"resultDescription": "urn:x:repeat", "value": "RepeatNotCounted"})
    assert read_record(payload).section("courses").terms[0].rows[0].is_repeated


def test_names_of_other_scripts_have_direction_and_language_sec_32():
    assert direction_of("فاطمة") == "rtl"
    assert direction_of("123 فاطمة") == "rtl"
    assert direction_of("Fatima فاطمة") == "ltr"
    languages = {
        "陽菜さくら": "ja",
        "민서 김": "ko",
        "می‌نا خانی‌زاده": "fa",
        "ณัฐวุฒิ": "th",
        "José": None,
        "浩然": "und-Hani",
    }
    assert {name: phrase(name).language for name in languages} == languages


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"assertions": None, "learner": "urn:x", "publisher": 7, "issuedOn": 5},
        {"assertions": [{}, {"achievement": {}}, {"achievement": "urn:x"}, {"results": [{}], "evidence": [{}]}]},
        {"signedAssertions": ["a.b.c", "", "...", "e30.e30.e30", "e30.W10.e30"]},
        {"issuedOn": "2026-13-45", "learner": {"id": "x", "birthDate": 12}, "endorsements": [{"claim": {}}]},
        {
            "assertions": [
                {"issuedOn": "9999-12-31T23:59:60Z", "term": "T", "achievement": {"achievementType": "Course"}}
            ]
        },
        {
            "assertions": [
                {"creditsEarned": 1e300, "achievement": {"creditsAvailable": 1e-30, "achievementType": "Course"}}
            ]
        },
    ],
)
def test_whatever_stands_in_it_can_be_read(payload):
    """CLR1-C-07: missing parts and wrong kinds do no harm."""
    view = read_record(payload)
    assert view.entry_count == len(list(view.entries))


def test_every_sample_can_be_read(shared):
    """CLR1-C-07: public records of 2020/21 and our own, right and wrong ones."""
    folder = shared / "samples" / "clr-1.0" / "cases"
    read = 0
    for path in sorted(folder.glob("*.json")):
        try:
            payload = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(payload, dict):
            read_record(payload)
            read += 1
    assert read > 10
    view = read_record(json.loads((folder / "public-randa-clrdemo1.json").read_bytes()))
    assert view.learner.name.value == "Test CLRDemo1"
    assert view.entry_count > 5
