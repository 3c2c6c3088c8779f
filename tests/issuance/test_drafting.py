"""Drafts from what is known of the learners, and what they say in CLR 1.0 (OneRoster digest, B, G; REG-01 to 08)."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.achievements.models import Achievement, AchievementAssociation, Assertion, Evidence
from apps.institution.models import Policy
from apps.issuance import content, drafting, editing, review
from apps.issuance.models import Draft, DraftItem, Record
from apps.learners.models import Learner, LearnerIdentifier
from apps.standards.clr1 import read
from tests.issuance.earning import School


def said(record: Record) -> dict:
    """The record as JSON without its envelope."""
    return drafting.content(record.draft)


def courses(document: dict) -> list[dict]:
    """Its course assertions."""
    return [each for each in document["assertions"] if each["achievement"]["achievementType"] == "Course"]


def totals(document: dict) -> dict[str, str]:
    """Its totals by name."""
    transcript = document["assertions"][-1]
    names = {each["id"]: each["name"] for each in transcript["achievement"]["resultDescriptions"]}
    return {names[each["resultDescription"]]: each["value"] for each in transcript["results"]}


def test_a_draft_says_what_was_earned_by_term(school: School):
    """REG-01: learner, publisher, courses with credits, grade, points, status and term."""
    document = said(school.drafted())
    assert [each["term"] for each in courses(document)] == ["Fall 2024", "Spring 2025"]
    first = courses(document)[0]
    values = {
        description["resultType"]: result.get("value") or result.get("status")
        for description in first["achievement"]["resultDescriptions"]
        for result in first["results"]
        if result["resultDescription"] == description["id"]
    }
    assert values == {"LetterGrade": "A", "GradePointAverage": "4.0", "Status": "Completed"}
    assert first["creditsEarned"] == first["achievement"]["creditsAvailable"] == 3
    assert first["recipient"] == {"type": "id", "identity": document["learner"]["id"], "hashed": False}
    assert document["learner"]["studentId"] == "S-00001"
    assert document["publisher"]["official"] == "Marta Quispe"
    assert document["partial"] is False


def test_the_standard_finds_nothing_against_it(school: School):
    """CLR1-P-19 to P-21: types, lists, references, equal achievements."""
    assert read.failures(drafting.findings(drafting.preview_payload(school.drafted()))) == []


def test_drafting_again_changes_nothing(school: School):
    """One open draft for a learner and term."""
    record = school.drafted()
    outcome = drafting.draft_many(Learner.objects.all(), by=school.registrar)
    assert (outcome.made, outcome.refreshed, outcome.unchanged) == (0, 0, 1)
    assert Record.objects.get().version == record.version


def test_refreshing_takes_in_what_is_new_and_keeps_hand_edits(school: School):
    """Product, *States of a record*."""
    record = school.drafted()
    item = DraftItem.objects.filter(draft__record=record).first()
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={"narrative": "By hand."})
    school.passes(record.learner, "HIST 210", session=school.spring)
    outcome = drafting.draft_many([record.learner_id], by=school.registrar)
    assert outcome.refreshed == 1
    document = said(record)
    assert len(courses(document)) == 3
    assert courses(document)[0]["narrative"] == "By hand."


def test_a_source_that_changed_under_a_hand_edit_is_a_conflict_to_be_chosen(school: School):
    """Conflicts are shown, never overwritten."""
    record = school.drafted()
    item = DraftItem.objects.filter(draft__record=record).first()
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={"role": "Captain"})
    Assertion.objects.filter(pk=item.assertion_id).update(role="Guest", version=2)
    [(at_odds, fields)] = drafting.changes(Draft.objects.get(record=record)).conflicts
    assert at_odds.pk == item.pk
    assert fields == {"role": {"was": "Student", "now": "Captain", "source": "Guest"}}
    drafting.refresh(record, by=school.registrar, version=record.version)
    with pytest.raises(review.StepRefused, match="choose which one stands"):
        review.submit(record, by=school.registrar, version=record.version)
    editing.restore(record, item.pk, "role", by=school.registrar, version=record.version)
    review.submit(record, by=school.registrar, version=record.version)


def test_a_hand_edited_grade_goes_into_record_and_totals(school: School):
    """REG-04: they still add up."""
    record = school.drafted()
    item = DraftItem.objects.filter(draft__record=record).first()
    by_type = {each.result_type: each for each in school.courses["MATH 101"].result_descriptions.all()}
    changes = {
        f"result:{by_type['LetterGrade'].public_id}": {"value": "C"},
        f"result:{by_type['GradePointAverage'].public_id}": {"value": "2.0"},
    }
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes=changes)
    assert totals(said(record))["Cumulative: grade point average"] == "2.50"


def test_term_totals_add_up_to_the_cumulative_ones(school: School):
    """REG-04, ROST-32."""
    learner = school.learner()
    school.passes(learner, "MATH 101", "C", "2.0")
    school.passes(learner, "MATH 101", "A", "4.0", session=school.spring)
    school.passes(learner, "CHEM 141", "B", "3.0", credits="4")
    found = {name: Decimal(value) for name, value in totals(said(school.drafted(learner))).items()}
    for measure in ("credits attempted", "credits earned", "GPA credits", "quality points"):
        assert found[f"Fall 2024: {measure}"] + found[f"Spring 2025: {measure}"] == found[f"Cumulative: {measure}"]
    assert found["Cumulative: credits attempted"] == 10
    assert found["Cumulative: credits earned"] == 7
    assert found["Cumulative: grade point average"] == Decimal("3.43")


def test_a_repeated_course_is_marked(school: School):
    """REG-05: attempts that do not count stay, marked repeated."""
    learner = school.learner()
    school.passes(learner, "MATH 101", "C", "2.0")
    school.passes(learner, "MATH 101", "A", "4.0", session=school.spring)
    document = said(school.drafted(learner))
    first, second = courses(document)
    assert first["achievement"] == second["achievement"]
    [mark] = [each for each in first["achievement"]["resultDescriptions"] if each["resultType"] == "ext:Repeat"]
    assert [each["value"] for each in first["results"] if each["resultDescription"] == mark["id"]] == [
        "RepeatNotCounted"
    ]
    assert not [each for each in second["results"] if each["resultDescription"] == mark["id"]]


def test_withdrawn_and_failed_courses_are_attempted_but_not_earned(school: School):
    """ROST-31."""
    learner = school.learner()
    school.passes(learner, "MATH 101", "", "", status="Withdrew")
    school.passes(learner, "CHEM 141", "F", "0.0", status="Failed")
    found = totals(said(school.drafted(learner)))
    assert found["Cumulative: credits attempted"] == "6"
    assert found["Cumulative: credits earned"] == "0"
    assert found["Cumulative: grade point average"] == "0.00"


def test_without_weighing_credits_there_is_no_gpa(school: School):
    """B5: no GPA, not 0."""
    learner = school.learner()
    school.passes(learner, "MATH 101", "", "", status="Withdrew")
    assert "Cumulative: grade point average" not in totals(said(school.drafted(learner)))


def test_a_running_course_stands_only_in_a_partial_record(school: School):
    """B4: `Enrolled` only where the registrar marks the record partial."""
    learner = school.learner()
    school.passes(learner, "MATH 101")
    school.passes(learner, "CHEM 141", "", "", status="Enrolled")
    record = school.drafted(learner)
    assert len(courses(said(record))) == 1
    assert said(record)["partial"] is False
    editing.edit_draft(record, by=school.registrar, version=record.version, changes={"marked_partial": True})
    assert len(courses(said(record))) == 2
    assert said(record)["partial"] is True


def test_leaving_something_out_makes_the_record_partial(school: School):
    """CLR1-P-22, REG-08."""
    record = school.drafted()
    item = DraftItem.objects.filter(draft__record=record).first()
    editing.include(record, [item.pk], False, by=school.registrar, version=record.version)
    document = said(record)
    assert document["partial"] is True
    assert len(courses(document)) == 1


def test_a_term_record_holds_the_term_and_is_partial(school: School):
    """One term of a learner with two."""
    learner = school.learner()
    school.passes(learner, "MATH 101")
    school.passes(learner, "CHEM 141", session=school.spring)
    record = drafting.draft_for(learner, by=school.registrar, term=school.spring)
    document = said(record)
    assert [each["term"] for each in courses(document)] == ["Spring 2025"]
    assert document["partial"] is True
    assert "Fall 2024: credits attempted" not in totals(document)


def test_a_degree_brings_its_courses_under_it_and_repeats_the_average(school: School):
    """B4, G3: both ends of an association; a conferred degree repeats the cumulative GPA."""
    learner = school.learner()
    school.passes(learner, "MATH 101")
    degree = Achievement.objects.create(achievement_type="Degree", name="Associate of Science", issuer=school.home)
    AchievementAssociation.objects.create(
        achievement=school.courses["MATH 101"], association_type="isChildOf", target=degree
    )
    above = said(school.drafted(learner))
    assert [each["name"] for each in above["achievements"]] == ["Associate of Science"]
    assert above["achievements"][0]["associations"][0]["associationType"] == "isParentOf"
    assert courses(above)[0]["achievement"]["associations"][0]["targetId"] == above["achievements"][0]["id"]
    Assertion.objects.create(learner=learner, achievement=degree, issued_on=date(2025, 6, 1))
    drafting.draft_many([learner.pk], by=school.registrar)
    document = said(Record.objects.get())
    assert "achievements" not in document
    [conferred] = [each for each in document["assertions"] if each["achievement"]["achievementType"] == "Degree"]
    assert [each["value"] for each in conferred["results"]] == ["4.00"]


def test_a_future_date_of_award_becomes_the_day_of_review(school: School):
    """B3: while that lies ahead."""
    learner = school.learner()
    assertion = school.passes(learner, "MATH 101")
    Assertion.objects.filter(pk=assertion.pk).update(issued_on=date(2200, 1, 1))
    issued_on = courses(said(school.drafted(learner)))[0]["issuedOn"]
    assert issued_on[:4] < "2200"


def test_days_begin_in_the_institutions_time_zone(school: School):
    """B3, model, invariant 10."""
    policy = Policy.current()
    policy.time_zone = "America/New_York"
    policy.save()
    assert courses(said(school.drafted()))[0]["issuedOn"] == "2024-12-19T05:00:00Z"


def test_what_has_no_place_on_a_record_is_not_there(school: School):
    """REG-03; birth date only where the institution includes it."""
    learner = school.learner()
    learner.birth_date, learner.telephone = date(2004, 2, 29), "+1-555-0100"
    learner.preferred_given_name = "Nickname"
    learner.save()
    LearnerIdentifier.objects.create(learner=learner, type="ext:SSN", value="078-05-1120", source="sis")
    LearnerIdentifier.objects.create(learner=learner, type="ext:LeaStudentId", value="77", source="sis")
    record = school.drafted(learner)
    text = json.dumps(said(record))
    assert "078-05-1120" not in text
    assert "555-0100" not in text
    assert "2004-02-29" not in text
    assert "Nickname" not in text
    assert "ext:LeaStudentId" in text
    policy = Policy.current()
    policy.include_birth_date = True
    policy.save()
    assert said(record)["learner"]["birthDate"] == "2004-02-29"


@pytest.mark.parametrize(("rule", "name"), [("legal", "Wanjiru Grünwald-Ōtani"), ("chosen", "Wan Grünwald-Ōtani")])
def test_the_policy_says_which_name_a_record_carries(school: School, rule: str, name: str):
    """REG-20: legal or chosen name by a setting; the other one and former names are nowhere in it."""
    learner = school.learner()
    learner.given_name = "Formerly"
    learner.save()
    learner.given_name, learner.preferred_given_name = "Wanjiru", "Wan"
    learner.save()
    policy = Policy.current()
    policy.names_on_records = rule
    policy.save()
    written = json.dumps(said(school.drafted(learner)), ensure_ascii=False)
    assert f'"name": "{name}"' in written
    assert "Formerly" not in written
    assert ("Wanjiru" in written) == (rule == "legal")


def test_evidence_goes_in_with_its_attached_file(school: School):
    """B3: evidence with artifacts; a file becomes a data address."""
    from apps.institution import files

    learner = school.learner()
    assertion = school.passes(learner, "MATH 101")
    piece = Evidence.objects.create(assertion=assertion, name="Report", url="https://example.org/r", genre="Report")
    piece.artifacts.create(name="report.pdf", file_digest=files.put(b"%PDF-"), media_type="application/pdf", size=5)
    [evidence] = courses(said(school.drafted(learner)))[0]["evidence"]
    assert evidence["id"] == "https://example.org/r"
    assert evidence["artifacts"][0]["url"] == "data:application/pdf;base64,JVBERi0="


def test_two_results_of_record_keep_the_class_out_of_review(school: School):
    """B1: an error in the draft, not in the import."""
    learner = school.learner()
    assertion = school.passes(learner, "MATH 101")
    Assertion.objects.filter(pk=assertion.pk).update(problem="There are two results of record for this class.")
    record = school.drafted(learner)
    with pytest.raises(review.StepRefused, match="two results of record"):
        review.submit(record, by=school.registrar, version=record.version)


def test_drafting_takes_a_constant_number_of_queries(school: School):
    """Performance: whatever the number of learners in a chunk."""
    counts = []
    school.drafted(school.learner(999))
    for size in (3, 30):
        learners = [school.learner(1000 + size * 100 + number) for number in range(size)]
        for learner in learners:
            school.passes(learner, "MATH 101")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            drafting.draft_many([learner.pk for learner in learners], by=school.registrar)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_building_content_takes_a_constant_number_of_queries(school: School):
    """No query for each learner or assertion."""
    counts = []
    said(school.drafted(school.learner(999)))
    for size in (2, 12):
        Record.objects.all().delete()
        for number in range(size):
            school.drafted(school.learner(2000 + size * 100 + number))
        with CaptureQueriesContext(connection) as queries:
            drafts = content.drafts_with_all(Draft.objects.all())
            material = content.gather(drafts)
            assert len([material.clr_of(draft) for draft in drafts]) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]
