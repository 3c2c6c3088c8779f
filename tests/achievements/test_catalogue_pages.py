"""Achievements, earned achievements and awards in the office."""

import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import versions
from apps.achievements.models import Achievement, Assertion, Award, Result, ResultDescription
from apps.institution.models import Organization
from apps.jobs import running
from apps.learners.models import Cohort, Learner
from tests.achievements.factories import achievement

pytestmark = pytest.mark.django_db


def office(*roles: str) -> Client:
    user = User.objects.create_user(email=f"{'-'.join(roles)}@example.edu", password="a long enough password")
    give_roles(user, *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def registrar(settings: Any, tmp_path: Any) -> Client:
    settings.FILES_DIR = tmp_path / "files"
    Organization.objects.get_or_create(name="Cedar Fathom College", defaults={"is_home": True})
    return office(Role.REGISTRAR)


def learner(number: int, given: str = "Amara") -> Learner:
    return Learner.objects.create(given_name=given, family_name=f"Okoye {number}", student_id=f"N{number:03}")


def queries_of(client: Client, address: str) -> int:
    client.get(address)  # what is remembered between requests is no part of the promise
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def posted(client: Client, address: str, **changes: str) -> dict[str, str]:
    """What a browser would send back from the form of a page, with these changes."""
    page = client.get(address).content.decode()
    form = re.search(r'<form[^>]*id="\w+_form".*?</form>', page, re.DOTALL)
    assert form is not None
    said: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and not re.search(r'type="(checkbox|submit|file)"', tag) and "__prefix__" not in name[1]:
            said[name[1]] = value[1] if value else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s?(.*?)</textarea>', form[0], re.DOTALL):
        if "__prefix__" not in name:
            said[name] = text
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        if "__prefix__" not in name:
            said[name] = chosen[1] if chosen else ""
    return {**said, **changes}


# --- achievements ---------------------------------------------------------------------------------


def page_of(one: Any) -> str:
    return reverse(f"admin:achievements_{one._meta.model_name}_change", args=[one.pk])


def test_it_works(registrar: Client) -> None:
    """The list says what is aligned and earned; the page can be saved."""
    one = achievement("Peer tutor", achievement_type="Co-Curricular")
    Assertion.objects.create(learner=learner(1), achievement=one)
    assert "Peer tutor" in registrar.get(reverse("admin:achievements_achievement_changelist")).content.decode()

    answer = registrar.post(page_of(one), posted(registrar, page_of(one), name="Peer mentor"))

    assert answer.status_code == 302
    one.refresh_from_db()
    assert one.name == "Peer mentor" and one.version == 1


def test_rubric_levels_are_lines(registrar: Client) -> None:
    """Levels from low to high; one that somebody achieved stays."""
    one = achievement()
    rubric = ResultDescription.objects.create(achievement=one, name="Clarity", result_type="RubricCriterionLevel")
    lines = {
        "result_descriptions-0-levels": "Emerging | 1\nFluent | 3 | Reads with ease | Level III",
        "result_descriptions-0-level_alignment_lines": "Fluent | Reads aloud | https://a.example/1 | R.1 | Reading",
    }
    registrar.post(page_of(one), posted(registrar, page_of(one), **lines))
    fluent = rubric.rubric_criterion_levels.get(name="Fluent")
    assert (fluent.points, fluent.description, fluent.level, fluent.position) == (
        "3",
        "Reads with ease",
        "Level III",
        1,
    )
    assert rubric.rubric_criterion_levels.get(name="Emerging").level == "Emerging"
    assert [each.target_code for each in fluent.alignments.all()] == ["R.1"]
    fluent.description = "Reads with ease\nand joy"
    fluent.save()
    registrar.post(page_of(one), posted(registrar, page_of(one), name="Reading"))
    fluent.refresh_from_db()
    assert fluent.description == "Reads with ease\nand joy" and fluent.alignments.count() == 1
    nobody = {"result_descriptions-0-level_alignment_lines": "Nobody | Reads aloud | https://a.example/1"}
    answer = registrar.post(page_of(one), posted(registrar, page_of(one), **nobody))
    assert "There is no rubric level of this name." in answer.content.decode()

    held = Assertion.objects.create(learner=learner(1), achievement=one)
    Result.objects.create(assertion=held, result_description=rubric, achieved_level=fluent)
    answer = registrar.post(
        page_of(one), posted(registrar, page_of(one), **{"result_descriptions-0-levels": "Emerging | 1"})
    )
    assert answer.status_code == 200 and "it stays" in answer.content.decode()
    assert rubric.rubric_criterion_levels.count() == 2


def test_what_a_record_names_is_saved_as_a_new_version(registrar: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model: never edited in place; the parts that were changed are changed on the copies."""
    one = achievement("Statistics")
    kept = ResultDescription.objects.create(achievement=one, name="Grade", result_type="LetterGrade")
    monkeypatch.setattr(versions, "NAMED_BY_RECORDS", [lambda asked: asked & {one.pk}])
    assert "Saving makes version 2" in registrar.get(page_of(one)).content.decode()

    said = posted(registrar, page_of(one), name="Statistics I")
    said["result_descriptions-0-name"] = "Final grade"
    answer = registrar.post(page_of(one), said, follow=True)

    one.refresh_from_db()
    kept.refresh_from_db()
    assert (one.name, kept.name) == ("Statistics", "Grade")
    assert one.replaced_by is not None and one.replaced_by.name == "Statistics I"
    assert one.replaced_by.result_descriptions.get().name == "Final grade"
    assert "saved as version 2" in answer.content.decode()


@pytest.mark.parametrize("model", ["achievement", "assertion", "award"])
def test_lists_cost_a_constant_number_of_queries(registrar: Client, model: str) -> None:
    """Issue: however many rows."""

    def more(numbers: range) -> None:
        for number in numbers:
            one = achievement(f"Activity {number}")
            award = Award.objects.create(achievement=one, awarded_on=date(2026, 5, 31))
            held = Assertion.objects.create(learner=learner(number), achievement=one, award=award)
            description = ResultDescription.objects.create(achievement=one, name="Result", result_type="Result")
            Result.objects.create(assertion=held, result_description=description, value="good")

    address = reverse(f"admin:achievements_{model}_changelist")
    more(range(2))
    few = queries_of(registrar, address)
    more(range(2, 9))
    assert queries_of(registrar, address) == few <= 16


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
def test_viewers_look_and_do_not_change(role: str) -> None:
    """Reliability, section 7."""
    one = achievement()
    client = office(role)

    assert client.get(page_of(one)).status_code == 200
    assert client.post(page_of(one), {"name": "Other"}).status_code == 403
    assert client.get(reverse("admin:achievements_award_add")).status_code == 404


# --- earned achievements ---------------------------------------------------------------------------


def test_an_earned_achievement_is_edited_with_its_results(registrar: Client) -> None:
    """Results count as edits of what they belong to: one version further."""
    one = achievement()
    description = ResultDescription.objects.create(
        achievement=one, name="Grade", result_type="LetterGrade", allowed_values=["F", "A"]
    )
    held = Assertion.objects.create(learner=learner(1), achievement=one)
    result = Result.objects.create(assertion=held, result_description=description, value="F")

    answer = registrar.post(page_of(held), posted(registrar, page_of(held), **{"results-0-value": "A"}))

    assert answer.status_code == 302
    held.refresh_from_db()
    result.refresh_from_db()
    assert (result.value, held.version) == ("A", 2)
    answer = registrar.post(page_of(held), posted(registrar, page_of(held), **{"results-0-value": "Z"}))
    assert "The achievement allows F, A." in answer.content.decode()


def test_who_saves_second_sees_both_states(registrar: Client) -> None:
    """REL-25: never overwritten silently; the second one chooses."""
    held = Assertion.objects.create(learner=learner(1), achievement=achievement(), narrative="As it was")
    mine = posted(registrar, page_of(held), narrative="Mine")
    theirs = posted(registrar, page_of(held), narrative="Theirs")
    assert registrar.post(page_of(held), theirs).status_code == 302

    answer = registrar.post(page_of(held), mine)
    told = answer.content.decode()
    assert answer.status_code == 200 and "Somebody else saved this" in told
    assert "Theirs" in told and "Mine" in told
    held.refresh_from_db()
    assert held.narrative == "Theirs"

    again = re.search(r'name="seen_version" value="(\d+)"', told)
    assert again is not None
    assert registrar.post(page_of(held), {**mine, "seen_version": again[1]}).status_code == 302
    held.refresh_from_db()
    assert held.narrative == "Mine"


def test_it_is_withdrawn_and_never_deleted(registrar: Client) -> None:
    """Withdrawn stays, and is only looked at."""
    held = Assertion.objects.create(learner=learner(1), achievement=achievement())
    delete = reverse("admin:achievements_assertion_delete", args=[held.pk])
    assert registrar.post(delete, {"post": "yes"}).status_code == 403
    withdraw = reverse("admin:achievements_assertion_withdraw", args=[held.pk])
    assert "No issued record holds it" in registrar.get(withdraw).content.decode()

    registrar.post(withdraw)

    held.refresh_from_db()
    assert held.withdrawn_at is not None and held.version == 2
    assert registrar.post(page_of(held), {"narrative": "x"}).status_code == 403


def test_search_by_learner_and_achievement(registrar: Client) -> None:
    """Each word in one or the other, in any script."""
    Assertion.objects.create(learner=learner(1, "Λυδία"), achievement=achievement("Peer tutor"))
    Assertion.objects.create(learner=learner(2, "Bruno"), achievement=achievement("Senate"))
    address = reverse("admin:achievements_assertion_changelist")

    shown = registrar.get(address, {"q": "λυδία tutor"}).content.decode()
    assert "Λυδία" in shown and "Bruno" not in shown
    Assertion.objects.create(learner=learner(3, "Zoë"), achievement=achievement("Théâtre"))
    assert "Zoë" in registrar.get(address, {"q": "zoe theatre"}).content.decode()


# --- awards ------------------------------------------------------------------------------------------


def ask(client: Client, one: Achievement, **more: Any) -> Any:
    said = {"achievement": one.pk, "awarded_on": "2026-05-31", **more}
    return client.post(reverse("admin:achievements_award_add"), said)


def asked_and_nonce(answer: Any) -> dict[str, str]:
    page = answer.content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("asked", "nonce")}  # type: ignore[index]


def test_a_cohort_is_awarded_and_taken_back(registrar: Client) -> None:
    """Preview, job, history, undo as a whole."""
    one, cohort = achievement("Honours list"), Cohort.objects.create(title="Class of 2026")
    cohort.learners.set([learner(1), learner(2)])
    Assertion.objects.create(learner=Learner.objects.get(student_id="N002"), achievement=one)
    preview = ask(registrar, one, cohort=cohort.pk)
    assert "1 learner has it already" in preview.content.decode() and not Award.objects.exists()

    start = {**asked_and_nonce(preview), "step": "start"}
    for _twice in range(2):  # REL-10
        answer = registrar.post(reverse("admin:achievements_award_add"), start)
    award = Award.objects.get()
    assert answer.url == page_of(award)
    running.run_now(award.job)  # type: ignore[arg-type]
    assert Assertion.objects.filter(award=award).count() == 1
    shown = registrar.get(page_of(award)).content.decode()
    assert "Take Honours list back from 1 learner?" in shown

    registrar.post(reverse("admin:achievements_award_undo", args=[award.pk]))
    award.refresh_from_db()
    assert award.undone_at is not None
    assert not Assertion.objects.standing().filter(award=award).exists()


def test_a_file_is_shown_line_by_line_before_anything_is_stored(registrar: Client) -> None:
    """SEC-29, SEC-30: line, column, value and reason; what comes out is defused."""
    one = achievement()
    learner(1)
    text = "identifier,date\nN001,2026-06-01\n=HYPERLINK(1),\nN001,\n"
    preview = ask(registrar, one, file=SimpleUploadedFile("honours.csv", text.encode()))
    told = preview.content.decode()
    assert "2 lines cannot be taken" in told and "Nobody has this number." in told and "in line 2 already" in told

    out = registrar.post(reverse("admin:achievements_award_add"), {**asked_and_nonce(preview), "step": "refused"})
    lines = b"".join(out.streaming_content).decode()  # type: ignore[attr-defined]
    assert '"\'=HYPERLINK(1)"' in lines and not Award.objects.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"identifier\n\xff\xfe", "not UTF-8"),
        (b"identifier\nN\x001", "NUL"),
        (b"who\nN001", "The first line must name the columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_sent_back(registrar: Client, content: bytes, told: str) -> None:
    """SEC-29."""
    answer = ask(registrar, achievement(), file=SimpleUploadedFile("a.csv", content))
    assert answer.status_code == 200 and told in answer.content.decode()


def test_an_award_needs_one_way_to_say_whom(registrar: Client) -> None:
    """A form without learners would mean everybody."""
    assert "Choose a cohort" in ask(registrar, achievement()).content.decode()


def test_a_preview_that_was_tampered_with_starts_nothing(registrar: Client) -> None:
    """What is started is what was shown."""
    answer = registrar.post(reverse("admin:achievements_award_add"), {"asked": "made-up", "step": "start"}, follow=True)
    assert "no longer good" in answer.content.decode() and not Award.objects.exists()


def test_identifiers_needed_level_and_alignments_of_a_result_are_lines(registrar: Client) -> None:
    """CLR 1.0, section 2: what the tables hold of an achievement can be edited on its page."""
    one = Achievement.objects.create(name="Reading", issuer=Organization.objects.get(is_home=True))
    rubric = ResultDescription.objects.create(achievement=one, name="Fluency", result_type="RubricCriterion")
    lines = {
        "identifier_lines": "READ-1 | systemCode",
        "result_descriptions-0-levels": "Emerging | 1\nFluent | 3",
        "result_descriptions-0-needed_level": "Fluent",
        "result_descriptions-0-alignment_lines": "Reads aloud | https://a.example/1 | R.1 | Reading",
    }
    assert registrar.post(page_of(one), posted(registrar, page_of(one), **lines)).status_code == 302
    one.refresh_from_db()
    rubric.refresh_from_db()
    assert one.identifiers == [{"identifier": "READ-1", "identifierType": "systemCode"}]
    assert rubric.required_level is not None and rubric.required_level.name == "Fluent"
    (alignment,) = rubric.alignments.all()
    assert (alignment.target_name, alignment.target_code) == ("Reads aloud", "R.1")
    wrong = {"result_descriptions-0-needed_level": "Masterful", "result_descriptions-0-alignment_lines": "No address"}
    page = registrar.post(page_of(one), posted(registrar, page_of(one), **wrong)).content.decode()
    assert "There is no rubric level of this name." in page and "write it as part 2" in page


def test_two_registrars_at_one_achievement(registrar: Client) -> None:
    """REL-25: an edit of a rubric level below counts as an edit of the achievement."""
    one = Achievement.objects.create(name="Reading", issuer=Organization.objects.get(is_home=True))
    rubric = ResultDescription.objects.create(achievement=one, name="Fluency", result_type="RubricCriterion")
    mine = posted(registrar, page_of(one), name="Reading aloud")
    rubric.rubric_criterion_levels.create(name="Added by another")
    page = registrar.post(page_of(one), mine).content.decode()
    assert "Somebody else saved this" in page and "Reading aloud" in page
    one.refresh_from_db()
    assert one.name == "Reading"


def test_artifacts_of_evidence_are_lines(registrar: Client) -> None:
    """Linked artifacts are edited with their evidence; what has no address is refused, an attached file stays."""
    one = Assertion.objects.create(learner=learner(1), achievement=achievement())
    evidence = one.evidence.create(name="Portfolio")
    evidence.artifacts.create(name="scan.pdf", file_digest="a" * 64)
    field = "evidence-0-artifact_lines"
    said = {field: "Essay | https://a.example/essay | Ten pages"}
    assert registrar.post(page_of(one), posted(registrar, page_of(one), **said)).status_code == 302
    assert {each.name for each in evidence.artifacts.all()} == {"scan.pdf", "Essay"}
    refused = registrar.post(page_of(one), posted(registrar, page_of(one), **{field: "Essay"}))
    assert "the second part is the address" in refused.content.decode()
    assert registrar.post(page_of(one), posted(registrar, page_of(one), **{field: ""})).status_code == 302
    assert [each.name for each in evidence.artifacts.all()] == ["scan.pdf"]
