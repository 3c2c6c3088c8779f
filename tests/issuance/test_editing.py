"""Hand edits of a draft, each from a named version (REL-25; model, invariant 8)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.institution.models import AuditEntry
from apps.issuance import editing, evidence, previewing
from apps.issuance.models import DraftItem, Record
from tests.issuance.earning import School

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@pytest.fixture
def record(school: School) -> Record:
    """A draft with two courses."""
    return school.drafted()


def item_of(record: Record, code: str) -> DraftItem:
    return record.draft.items.select_related("assertion__achievement").get(assertion__achievement__human_code=code)


def test_an_edit_stands_beside_its_source_and_moves_the_version(school: School, record: Record) -> None:
    item, began = item_of(record, "MATH 101"), record.version
    editing.edit_item(record, item.pk, by=school.registrar, version=began, changes={"narrative": "With *honors*."})
    item.refresh_from_db()
    assert item.edits == {"narrative": {"was": "", "now": "With *honors*."}}
    assert editing.value_of(item, "narrative") == "With *honors*."
    assert item.assertion.narrative == ""
    assert record.version == began + 1
    record.draft.refresh_from_db()
    assert record.draft.edited_by == school.registrar
    entry = AuditEntry.objects.order_by("-seq")[0]
    assert (entry.action, entry.actor, entry.object_id) == ("record.edited", school.registrar, str(record.public_id))


def test_the_second_of_two_editors_is_refused_and_loses_nothing_of_the_first(school: School, record: Record) -> None:
    """REL-25."""
    item, began = item_of(record, "MATH 101"), record.version
    editing.edit_item(record, item.pk, by=school.registrar, version=began, changes={"narrative": "first"})
    other = Record.objects.get(pk=record.pk)
    with pytest.raises(editing.EditConflict):
        editing.edit_item(other, item.pk, by=school.approver, version=began, changes={"narrative": "second"})
    item.refresh_from_db()
    assert item.edits["narrative"]["now"] == "first"


@pytest.mark.parametrize("edit", ["include", "reorder", "regroup", "edit_draft"])
def test_ordering_ticking_and_heading_count_as_edits_too(school: School, record: Record, edit: str) -> None:
    """REL-25."""
    item = item_of(record, "MATH 101")
    how = {"by": school.registrar, "version": record.version - 1}
    with pytest.raises(editing.EditConflict):
        if edit == "include":
            editing.include(record, [item.pk], False, **how)
        elif edit == "reorder":
            editing.reorder(record, [item.pk], **how)
        elif edit == "regroup":
            editing.regroup(record, [item.pk], "Honors", **how)
        else:
            editing.edit_draft(record, changes={"title": "Other"}, **how)
    item.refresh_from_db()
    assert (item.included, item.group) == (True, "")


def test_an_edit_that_says_what_the_source_says_is_taken_back(school: School, record: Record) -> None:
    item = item_of(record, "MATH 101")
    for value in ("Spring 2031", item.assertion.term):
        editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={"term": value})
    item.refresh_from_db()
    assert item.edits == {}


def test_restoring_lets_the_source_stand_again(school: School, record: Record) -> None:
    item = item_of(record, "MATH 101")
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={"role": "Captain"})
    editing.restore(record, item.pk, "role", by=school.registrar, version=record.version)
    item.refresh_from_db()
    assert editing.value_of(item, "role") == "Student"


def test_a_source_that_changed_under_an_edit_is_shown_not_overwritten(school: School, record: Record) -> None:
    item = item_of(record, "MATH 101")
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={"term": "Autumn 2024"})
    item.assertion.term = "Fall Semester 2024"
    item.assertion.save()
    item = item_of(record, "MATH 101")
    assert editing.conflicts(item) == {
        "term": {"was": "Fall 2024", "now": "Autumn 2024", "source": "Fall Semester 2024"}
    }


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("credits_earned", "three", "number"),
        ("credits_earned", "-1", "number"),
        ("credits_earned", "NaN", "number"),
        ("credits_earned", "1e9", "number"),
        ("issued_on", "31.5.2026", "2026-05-31"),
        ("issued_on", "2026-02-30", "2026-05-31"),
        ("activity_end_date", "1500-01-01", "2026-05-31"),
        ("narrative", "x" * 100_001, "100,000"),
        ("learner", "1", "cannot be edited"),
        ("result:00000000-0000-4000-8000-000000000000", {"value": "A"}, "no such result"),
        ("evidence", [{"name": " "}], "name"),
    ],
)
def test_a_senseless_edit_is_refused_with_what_is_wrong(
    school: School, record: Record, field: str, value: object, said: str
) -> None:
    item, began = item_of(record, "MATH 101"), record.version
    with pytest.raises(editing.EditRefused, match=said) as refusal:
        editing.edit_item(record, item.pk, by=school.registrar, version=began, changes={field: value})
    assert refusal.value.field == field
    item.refresh_from_db()
    record.refresh_from_db()
    assert item.edits == {}
    assert record.version == began


def test_what_somebody_else_earned_is_not_added(school: School, record: Record) -> None:
    stranger = school.passes(school.learner(2), "ART 200")
    with pytest.raises(editing.EditRefused, match="somebody else"):
        editing.add(record, [stranger], by=school.registrar, version=record.version)


def test_adding_the_same_twice_adds_it_once(school: School, record: Record) -> None:
    earned = school.passes(record.learner, "ART 200")
    for _again in range(2):
        editing.add(record, [earned], by=school.registrar, version=record.version)
    assert record.draft.items.filter(assertion=earned).count() == 1


def test_items_not_named_in_an_order_follow_as_they_stood(school: School, record: Record) -> None:
    first, second = record.draft.items.order_by("position")
    editing.reorder(record, [second.pk, 10**12], by=school.registrar, version=record.version)
    assert list(record.draft.items.order_by("position").values_list("pk", flat=True)) == [second.pk, first.pk]


# --- evidence


def attach(record: Record, school: School, name: str, content: bytes) -> DraftItem:
    item = item_of(record, "MATH 101")
    piece = {"name": "Portfolio", "file": SimpleUploadedFile(name, content)}
    evidence.attach(record, item.pk, piece, by=school.registrar, version=record.version)
    return item_of(record, "MATH 101")


def test_a_file_is_kept_by_content_and_its_name_cleaned(school: School, record: Record) -> None:
    """SEC-35."""
    item = attach(record, school, "..\\..\\etc/\u202efdp.exe.pdf", PDF)
    [piece] = editing.value_of(item, "evidence")
    [artifact] = piece["artifacts"]
    assert artifact["media_type"] == "application/pdf"
    assert artifact["name"] == "fdp.exe.pdf"
    assert item.assertion.evidence.count() == 0


@pytest.mark.parametrize("content", [b"<script>", b"MZ\x90", b"", b"GIF89a"])
def test_only_kinds_that_a_record_can_carry_are_attached(school: School, record: Record, content: bytes) -> None:
    """SEC-35: by content, whatever the name says."""
    with pytest.raises(editing.EditRefused):
        attach(record, school, "photo.png", content)
    assert editing.value_of(item_of(record, "MATH 101"), "evidence") == []


def test_a_file_too_large_for_a_record_is_refused(school: School, record: Record) -> None:
    with pytest.raises(editing.EditRefused, match="larger"):
        attach(record, school, "big.pdf", PDF + b"0" * evidence.LIMIT)


def test_evidence_can_be_left_out_again(school: School, record: Record) -> None:
    item = attach(record, school, "a.pdf", PDF)
    evidence.drop(record, item.pk, 0, by=school.registrar, version=record.version)
    assert editing.value_of(item_of(record, "MATH 101"), "evidence") == []
    with pytest.raises(editing.EditRefused):
        evidence.drop(record, item.pk, 0, by=school.registrar, version=record.version)


# --- what the registrar sees


def test_the_source_names_the_line_of_each_pointer() -> None:
    text, lines = previewing.numbered({"a": [1, {"b/c": []}], "d": {}})
    shown = text.split("\n")
    assert shown[lines["/a/1/b~1c"] - 1].strip() == '"b/c": []'
    assert shown[lines["/d"] - 1].strip() == '"d": {}'
    assert lines[""] == 1


def test_a_fault_leads_to_its_line_and_its_item(school: School, record: Record) -> None:
    item = item_of(record, "CHEM 141")
    key = next(
        f"result:{one.public_id}"
        for one in item.assertion.achievement.result_descriptions.all()
        if one.result_type == "LetterGrade"
    )
    editing.edit_item(record, item.pk, by=school.registrar, version=record.version, changes={key: {"value": "Z"}})
    found = previewing.preview(record)
    [fault] = [one for one in found.faults if one.item == item.pk]
    assert '"Z"' in found.source.split("\n")[fault.line - 1] or fault.is_warning


def test_items_stand_under_their_term_or_the_heading_given(school: School, record: Record) -> None:
    item = item_of(record, "MATH 101")
    assert [heading for heading, _items in previewing.outline(record).groups] == ["Fall 2024", "Spring 2025"]
    editing.regroup(record, [item.pk], "Honors program", by=school.registrar, version=record.version)
    assert [heading for heading, _items in previewing.outline(record).groups] == ["Honors program", "Spring 2025"]


def test_differences_are_told_in_words(school: School) -> None:
    before = {"assertions": [{"id": "1", "achievement": {"name": "Chemistry"}, "creditsEarned": 3}]}
    after = {"assertions": [{"id": "1", "achievement": {"name": "Chemistry"}, "creditsEarned": 4}], "partial": True}
    rows = previewing.compare(before, after)
    assert {"field": "Partial", "before": "", "after": "yes"} in rows
    assert any(row["field"] == "Chemistry" and "3" in row["before"] and "4" in row["after"] for row in rows)
