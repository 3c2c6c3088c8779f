"""Importing bundles: what is stored, what a second import changes, what is refused, undo (ROST-23 to ROST-39)."""

import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from apps.institution.models import AuditEntry, Organization, Policy
from apps.learners import importing
from apps.learners.importing import protocols
from apps.learners.importing.locks import one_import_of
from apps.learners.models import (
    AcademicSession,
    Course,
    CourseResult,
    CourseSection,
    Enrollment,
    GradeScale,
    ImportChange,
    ImportRun,
    Learner,
    LearnerIdentifier,
    LearningObjective,
    LineItem,
    Program,
    RosterPerson,
    SourceRow,
)
from tests.standards.oneroster.bundles import ROWS, bundle, changed

pytestmark = pytest.mark.django_db

STORED = (
    Organization,
    AcademicSession,
    Course,
    CourseSection,
    Learner,
    LearnerIdentifier,
    RosterPerson,
    Enrollment,
    LineItem,
    CourseResult,
    GradeScale,
    LearningObjective,
    SourceRow,
    Program,
    ImportChange,
)


@pytest.fixture(autouse=True)
def hooks(monkeypatch):
    """The rooms above have tests of their own; here an import is alone."""
    for name in ("DEPENDENCIES", "BEFORE_UNDO", "AFTER_IMPORT", "OBJECTIVES"):
        monkeypatch.setattr(protocols, name, [])
    monkeypatch.setattr("apps.learners.importing.bundles.AFTER_IMPORT", protocols.AFTER_IMPORT)
    monkeypatch.setattr("apps.learners.importing.bundles.OBJECTIVES", protocols.OBJECTIVES)
    monkeypatch.setattr("apps.learners.importing.undoing.DEPENDENCIES", protocols.DEPENDENCIES)
    monkeypatch.setattr("apps.learners.importing.undoing.BEFORE_UNDO", protocols.BEFORE_UNDO)


def cases(shared: Path) -> Path:
    return shared / "samples" / "oneroster" / "cases"


def take(path: Path, **more):
    outcome = importing.import_bundle(path, **more)
    assert outcome.accepted, outcome.errors.listed
    return outcome


def refused(path: Path, **more):
    before = everything()
    outcome = importing.import_bundle(path, **more)
    assert not outcome.accepted
    assert everything() == before
    return outcome


def everything() -> dict[str, list]:
    """All that is stored, row by row."""
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in STORED}


def quiet(outcome) -> bool:
    """Whether nothing changed."""
    return not any(
        count for change in outcome.changes.values() for kind, count in change.items() if kind != "unchanged"
    )


def test_it_works(tmp_path):
    outcome = take(bundle(tmp_path / "b.zip"))
    learner = Learner.objects.get()
    assert (learner.name, learner.student_id, learner.birth_date) == ("Ana Ng", "1", date(2004, 5, 6))
    assert [str(identifier) for identifier in learner.identifiers.all()] == ["SIS: 1"]
    assert list(learner.organizations.all()) == [Organization.objects.get(is_home=True)]
    assert RosterPerson.objects.get().role == "teacher"
    result = CourseResult.objects.get()
    assert (result.score, result.learner, result.line_item.section.course.title) == (Decimal("91.5"), learner, "Logic")
    assert [str(session) for session in CourseSection.objects.get().sessions.all()] == ["Fall"]
    assert outcome.run.state == ImportRun.State.APPLIED
    assert outcome.as_json()["changes"]["users"] == {"added": 2, "changed": 0, "unchanged": 0, "ended": 0}


def test_every_row_knows_the_import_and_line_that_made_it(tmp_path):
    """Model, invariant 7."""
    run = take(bundle(tmp_path / "b.zip")).run
    assert (Learner.objects.get().import_run, Learner.objects.get().source_line) == (run, 2)
    assert (RosterPerson.objects.get().import_run, RosterPerson.objects.get().source_line) == (run, 3)
    assert Organization.objects.get().import_id == run.public_id


def test_search_finds_what_was_imported_in_any_script(shared):
    take(cases(shared) / "valid-1.1-main.zip")
    learner = Learner.objects.exclude(family_name="").first()
    fields = (learner.search_text, learner.sort_name)
    learner.set_search_fields()
    assert fields == (learner.search_text, learner.sort_name)
    assert learner in Learner.objects.matching(learner.family_name.upper())


@pytest.mark.parametrize("case", ["valid-1.1-main", "valid-1.2-main", "valid-1.1-school", "edge-combining"])
def test_rost_25_the_second_time_nothing_changes(shared, case):
    take(cases(shared) / f"{case}.zip")
    before = everything()
    assert quiet(take(cases(shared) / f"{case}.zip"))
    assert everything() == before


@pytest.mark.parametrize("case", ["valid-1.1-delta", "valid-1.2-delta"])
def test_rost_39_deltas_change_what_the_manifest_says_and_only_once(shared, case):
    """ROST-26: a second time every row is as old as what is stored."""
    manifest = json.loads((cases(shared).parent / "manifest.json").read_text(encoding="utf-8"))["cases"]
    expected = next(entry for entry in manifest if entry["id"] == case)
    take(cases(shared) / f"{expected['after']}.zip")
    outcome = take(cases(shared) / f"{case}.zip")
    for table, changes in expected["changes"].items():
        assert {kind: outcome.changes[table][kind] for kind in changes} == changes
    again = take(cases(shared) / f"{case}.zip")
    assert quiet(again)
    assert {issue.code for issue in again.warnings.listed} == {"row.stale"}


def test_a_changed_name_keeps_the_person_and_the_former_name(tmp_path):
    """A8."""
    take(bundle(tmp_path / "a.zip"))
    learner = Learner.objects.get()
    take(bundle(tmp_path / "b.zip", rows=changed("users", familyName="Ng-Larsen")))
    learner.refresh_from_db()
    assert learner.name == "Ana Ng-Larsen"
    assert [entry.family_name for entry in learner.history.order_by("history_id")] == ["Ng", "Ng-Larsen"]


def test_rost_24_a_dry_run_reports_and_stores_nothing(tmp_path):
    take(bundle(tmp_path / "a.zip"))
    before = everything()
    runs = ImportRun.objects.count(), AuditEntry.objects.count()
    outcome = take(bundle(tmp_path / "b.zip", rows=changed("users", familyName="Sol")), dry_run=True)
    assert outcome.changes["users"] == {"added": 0, "changed": 1, "unchanged": 1, "ended": 0}
    assert outcome.preview["changed"]["users"][0]["fields"] == [
        {"field": "family name", "before": "Ng", "after": "Sol"}
    ]
    assert everything() == before
    assert (ImportRun.objects.count(), AuditEntry.objects.count()) == runs


def people(count: int) -> list[dict[str, str]]:
    return [
        ROWS["users"][0] | {"sourcedId": f"p{n}", "username": f"p{n}", "userIds": "", "identifier": ""}
        for n in range(count)
    ]


def roster(path: Path, count: int) -> Path:
    rows = {"users": people(count)}
    return bundle(path, rows=rows, only=("orgs",))


def test_rost_27_who_is_gone_from_a_full_export_is_ended_and_shown(tmp_path):
    take(roster(tmp_path / "a.zip", 10))
    outcome = take(roster(tmp_path / "b.zip", 8))
    assert outcome.changes["users"]["ended"] == 2
    assert Learner.objects.count() == 10
    assert Learner.objects.filter(ended_at__isnull=False).count() == 2
    assert {person["key"] for person in outcome.preview["missing"]} == {"p8", "p9"}
    assert "bulk.ended" in {issue.code for issue in outcome.warnings.listed}
    assert take(roster(tmp_path / "c.zip", 10)).changes["users"]["changed"] == 2
    assert not Learner.objects.filter(ended_at__isnull=False).exists()


def test_rost_27_more_than_one_in_five_stops_the_import(tmp_path):
    take(roster(tmp_path / "a.zip", 10))
    outcome = refused(roster(tmp_path / "b.zip", 7))
    assert [issue.code for issue in outcome.errors.listed] == ["bulk.shrink"]
    assert take(roster(tmp_path / "b.zip", 7), allow_shrink=True).changes["users"]["ended"] == 3


def test_a_key_that_names_another_person_now_is_refused(tmp_path):
    """A8: another identifier and another birth date; one of them alone is a correction."""
    take(bundle(tmp_path / "a.zip"))
    take(bundle(tmp_path / "b.zip", rows=changed("users", identifier="2")))
    rows = changed("users", identifier="3") | changed("demographics", birthDate="1999-01-01")
    outcome = refused(bundle(tmp_path / "c.zip", rows=rows))
    issue = outcome.errors.listed[0]
    assert (issue.code, issue.file, issue.row) == ("row.identity", "users.csv", 2)


def test_rost_23_a_refused_import_leaves_its_entry_alone(tmp_path):
    outcome = refused(bundle(tmp_path / "b.zip", rows=changed("results", score="1,5")))
    assert outcome.run.state == ImportRun.State.REFUSED
    assert outcome.run.errors[0]["row"] == 2
    assert AuditEntry.objects.get().action == "import.refused"


def test_rel_27_a_fault_in_the_middle_of_storing_leaves_nothing(tmp_path, monkeypatch):
    def broken(*_args):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("apps.learners.importing.applying._Applying.finish", broken)
    before = everything()
    with pytest.raises(RuntimeError):
        importing.import_bundle(bundle(tmp_path / "b.zip"))
    assert everything() == before
    monkeypatch.undo()
    take(bundle(tmp_path / "b.zip"))


def test_rost_36_two_imports_of_one_source_never_run_at_once(tmp_path):
    with one_import_of("larch"):
        outcome = refused(bundle(tmp_path / "b.zip"))
        assert [issue.code for issue in outcome.errors.listed] == ["import.busy"]
        take(bundle(tmp_path / "c.zip", source="other"))
    take(bundle(tmp_path / "b.zip"))


def test_rost_28_nothing_sensitive_is_stored(tmp_path):
    rows = changed("users", password="hunter2hunter2")
    take(bundle(tmp_path / "b.zip", rows=rows))
    assert "hunter2" not in repr(everything()) + repr(list(ImportRun.objects.values()))
    assert SourceRow.objects.get(table="demographics").data == {"birth_date": "2004-05-06"}
    Policy.objects.create(import_demographics=True)
    take(bundle(tmp_path / "c.zip", rows=rows))
    assert SourceRow.objects.get(table="demographics").data["sex"] == "female"


def test_an_import_makes_no_sign_in_and_no_staff(tmp_path):
    from apps.accounts.models import User

    take(bundle(tmp_path / "b.zip", rows=changed("users", 1, role="administrator", email="registrar@demo.example")))
    assert not User.objects.exists()


def test_rost_29_extension_columns_are_kept_and_mapped(tmp_path):
    """B2: the names are the institution's."""
    Policy.objects.create(metadata_names={"credits": "metadata.ects", "program": "metadata.program"})
    rows = {
        "courses": [ROWS["courses"][0] | {"metadata.ects": "7.5"}],
        "users": [ROWS["users"][0] | {"metadata.program": "BA Logic"}],
    }
    extra = {"courses": ("metadata.ects",), "users": ("metadata.program",)}
    take(bundle(tmp_path / "b.zip", rows=rows, extra=extra))
    assert Course.objects.get().credits == Decimal("7.5")
    assert Course.objects.get().metadata == {"metadata.ects": "7.5"}
    assert Learner.objects.get().program == Program.objects.get(title="BA Logic")
    rows["courses"][0]["metadata.ects"] = "many"
    outcome = refused(bundle(tmp_path / "c.zip", rows=rows, extra=extra))
    assert outcome.errors.listed[0].column == "metadata.ects"


def test_rost_37_scales_and_objectives_of_1_2(shared):
    outcome = take(cases(shared) / "valid-1.2-main.zip")
    scale = GradeScale.objects.get()
    assert scale.values[0] == ["A", "4.0"]
    assert LineItem.objects.filter(grade_scale=scale).count() == 20
    assert LearningObjective.objects.filter(result__isnull=False).count() == 139
    assert "row.objective_unknown" in {issue.code for issue in outcome.warnings.listed}
    assert Learner.objects.count() == 60
    assert not Learner.objects.filter(organizations=None).exists()


def test_objectives_that_are_known_give_no_warning(shared):
    importing.register_objectives(lambda identifiers: identifiers)
    outcome = take(cases(shared) / "valid-1.2-main.zip")
    assert "row.objective_unknown" not in {issue.code for issue in outcome.warnings.listed}


def test_a_known_learner_under_a_new_key_by_the_master_identifier(shared, tmp_path):
    """A8: by the master identifier, never by name or e-mail."""
    take(cases(shared) / "valid-1.2-main.zip")
    learner = Learner.objects.exclude(master_identifier="").first()
    with zipfile.ZipFile(cases(shared) / "valid-1.2-main.zip") as old, zipfile.ZipFile(tmp_path / "n.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(learner.source_id.encode(), b"new-key-1"))
    outcome = take(tmp_path / "n.zip", allow_shrink=True)
    assert outcome.changes["users"]["added"] == 0
    assert Learner.objects.count() == 60
    learner.refresh_from_db()
    assert learner.source_id == "new-key-1"
    assert CourseResult.objects.filter(learner=learner, ended_at=None).exists()
    assert quiet(take(tmp_path / "n.zip"))


def test_a_learner_known_from_another_system_is_linked_not_doubled(shared, tmp_path):
    take(cases(shared) / "valid-1.2-main.zip")
    with zipfile.ZipFile(cases(shared) / "valid-1.2-main.zip") as old, zipfile.ZipFile(tmp_path / "n.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"source.systemCode,cfc", b"source.systemCode,two"))
    before = everything()
    run = take(tmp_path / "n.zip").run
    assert Learner.objects.count() == 60
    assert CourseResult.objects.filter(source="two", learner__source="cfc").count() == 325
    again = take(tmp_path / "n.zip")
    assert quiet(again)
    importing.undo(again.run)
    importing.undo(run)
    assert everything() == before


def test_a_teacher_who_becomes_a_student_becomes_a_learner(tmp_path):
    teaching = ROWS["enrollments"][0] | {"sourcedId": "e2", "userSourcedId": "ben", "role": "teacher"}
    rows = {"enrollments": [*ROWS["enrollments"], teaching]}
    take(bundle(tmp_path / "a.zip", rows=rows))
    learning = ROWS["enrollments"][0] | {"sourcedId": "e3", "userSourcedId": "ben"}
    take(bundle(tmp_path / "b.zip", rows={"enrollments": [*rows["enrollments"], learning]}))
    learner = Learner.objects.get(source_id="ben")
    assert set(learner.enrollments.values_list("source_id", flat=True)) == {"e2", "e3"}
    assert RosterPerson.objects.get().ended_at is not None


def test_the_first_top_organization_is_the_home_and_later_ones_hang_below(tmp_path):
    """Contract, *Addresses*."""
    take(bundle(tmp_path / "a.zip"))
    home = Organization.objects.get(is_home=True)
    orgs = [{"sourcedId": "z", "name": "Zed College", "type": "school"}]
    take(bundle(tmp_path / "b.zip", rows={"orgs": orgs}, only=("orgs",), source="zed"))
    assert Organization.objects.get(name="Zed College").parent == home
    assert Organization.objects.get(is_home=True) == home


# Undo


def test_an_import_is_undone_as_a_whole(shared):
    take(cases(shared) / "valid-1.1-main.zip")
    before = everything()
    outcome = take(cases(shared) / "valid-1.1-delta.zip")
    assert everything() != before
    importing.undo(outcome.run)
    assert everything() == before
    assert ImportRun.objects.get(pk=outcome.run.pk).state == ImportRun.State.UNDONE
    assert quiet(take(cases(shared) / "valid-1.1-main.zip"))


@pytest.mark.parametrize("case", ["valid-1.1-main", "valid-1.2-main"])
def test_undoing_the_first_import_leaves_the_home_institution_alone(shared, case):
    outcome = take(cases(shared) / f"{case}.zip")
    importing.undo(outcome.run)
    assert [model.__name__ for model in STORED if model.objects.exists()] == ["Organization"]
    assert Organization.objects.get().is_home
    take(cases(shared) / f"{case}.zip")


def test_an_undone_full_import_brings_back_links_and_people(tmp_path):
    take(bundle(tmp_path / "a.zip"))
    before = everything()
    terms = [ROWS["academicSessions"][0], ROWS["academicSessions"][0] | {"sourcedId": "t2", "title": "Spring"}]
    rows = {"academicSessions": terms} | changed("classes", termSourcedIds="t2")
    rows |= changed("users", userIds="{SIS:9}", familyName="Sol") | changed("demographics", birthDate="2004-05-07")
    links = list(CourseSection.sessions.through.objects.values())
    outcome = take(bundle(tmp_path / "b.zip", rows=rows))
    assert [str(session) for session in CourseSection.objects.get().sessions.all()] == ["Spring"]
    assert LearnerIdentifier.objects.get().value == "9"
    importing.undo(outcome.run)
    assert everything() == before
    assert list(CourseSection.sessions.through.objects.values()) == links


def test_a_later_import_must_be_undone_first(tmp_path):
    first = take(bundle(tmp_path / "a.zip")).run
    second = take(bundle(tmp_path / "b.zip", rows=changed("users", familyName="Sol"))).run
    with pytest.raises(importing.UndoRefused, match="later import"):
        importing.undo(first)
    importing.undo(second)
    importing.undo(first)


def test_what_depends_on_it_stops_the_undo(tmp_path):
    run = take(bundle(tmp_path / "a.zip")).run
    importing.register_dependency(lambda _run: ["A record was issued."])
    before = everything()
    with pytest.raises(importing.UndoRefused, match="A record was issued"):
        importing.undo(run)
    assert everything() == before


def test_a_learner_on_a_list_of_people_stops_the_undo(tmp_path):
    from apps.learners.models import Cohort

    run = take(bundle(tmp_path / "a.zip")).run
    Cohort.objects.create(title="Class of 2026").learners.add(Learner.objects.get())
    with pytest.raises(importing.UndoRefused):
        importing.undo(run)
    assert Learner.objects.exists()


def test_what_was_derived_goes_first(tmp_path):
    run = take(bundle(tmp_path / "a.zip")).run
    seen = []
    importing.before_undo(lambda undone: seen.append((undone.pk, Learner.objects.count())))
    importing.undo(run)
    assert seen == [(run.pk, 1)]


def test_what_follows_an_import_starts_once_it_is_in(tmp_path, django_capture_on_commit_callbacks):
    seen = []
    importing.after_import(lambda run: seen.append(run.state))
    with django_capture_on_commit_callbacks(execute=True):
        take(bundle(tmp_path / "a.zip"))
        take(bundle(tmp_path / "a.zip"), dry_run=True)
    assert seen == [ImportRun.State.APPLIED]


@pytest.mark.parametrize("typed", ["María", "maria", "MARÍA", "Mari\u0301a", "o\u2019brien maria"])
def test_sec_32_names_are_found_in_any_letter_case_and_form_and_without_accents(db: None, typed: str) -> None:
    """SEC-32: the name itself is kept code point for code point."""
    kept = "Mari\u0301a"
    learner = Learner.objects.create(given_name=kept, family_name="O\u2019Brien")
    Learner.objects.create(given_name="Marta", family_name="O\u2019Brien")
    assert list(Learner.objects.matching(typed)) == [learner]
    assert Learner.objects.get(pk=learner.pk).given_name == kept
    assert not Learner.objects.matching("हन").exists()
