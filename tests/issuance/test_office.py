"""The registrar's pages of records, classes and batches."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution.models import Erasure
from apps.issuance import batches, choosing, documents, signing
from apps.issuance.models import Batch, IssuedDocument, Record, Snapshot
from apps.jobs import running
from apps.jobs.models import Job
from apps.learners.models import Cohort
from tests.issuance.earning import School


@pytest.fixture
def office(school: School) -> Client:
    """The registrar, signed in."""
    client = Client()
    client.force_login(school.registrar)
    return client


def change(record: Record) -> str:
    return reverse("admin:issuance_record_change", args=[record.pk])


def edit(office: Client, record: Record, **fields: Any) -> Any:
    return office.post(
        reverse("admin:issuance_record_edit", args=[record.pk]),
        {"version": record.version, **fields},
        headers={"HX-Request": "true"},
    )


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_editor_shows_items_form_and_preview(office: Client, school: School) -> None:
    record = school.drafted()
    item = record.draft.items.first()
    page = office.get(change(record), {"item": item.pk}).content.decode()
    assert "Title of MATH 101" in page
    assert "creditsEarned" in page
    assert "JSON-LD source" in page
    assert "The source follows CLR 1.0." in page


def test_an_edit_by_form_answers_the_workspace(office: Client, school: School) -> None:
    record = school.drafted()
    item = record.draft.items.first()
    answer = edit(office, record, action="leave-out", items=item.pk)
    assert answer.status_code == 200
    assert f'data-version="{record.version + 1}"' in answer.content.decode()
    item.refresh_from_db()
    assert not item.included


def test_the_loser_of_a_race_sees_both_states(office: Client, school: School) -> None:
    """REL-25."""
    record = school.drafted()
    item = record.draft.items.first()
    edit(office, record, action="item", item=item.pk, **{"item-narrative": "Theirs stands now."})
    answer = edit(office, record, action="item", item=item.pk, **{"item-narrative": "Mine came late."})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Theirs stands now." in page
    assert "Mine came late." in page
    item.refresh_from_db()
    assert item.edits["narrative"]["now"] == "Theirs stands now."


@pytest.mark.parametrize("version", ["", "-1", "x", "٣", "9" * 30])
def test_a_form_without_a_sound_version_changes_nothing(office: Client, school: School, version: str) -> None:
    record = school.drafted()
    item = record.draft.items.first()
    answer = office.post(
        reverse("admin:issuance_record_edit", args=[record.pk]),
        {"version": version, "action": "leave-out", "items": item.pk},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 409
    item.refresh_from_db()
    assert item.included


def test_an_approver_who_is_no_registrar_cannot_edit(school: School) -> None:
    record = school.drafted()
    client = Client()
    client.force_login(school.approver)
    assert edit(client, record, action="leave-out", items=record.draft.items.first().pk).status_code == 403


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADVISOR])
def test_people_outside_the_office_do_not_get_in(school: School, role: Role) -> None:
    """SEC-51."""
    record = school.issued()
    user = User.objects.create_user("outside@school.example", "a password of some length")
    give_roles(user, role)
    client = Client()
    client.force_login(user)
    for address in (change(record), reverse("admin:issuance_record_changelist"), reverse("admin:issuance_batch_class")):
        assert client.get(address).status_code in {302, 403, 404}


def test_a_record_goes_through_its_steps_by_buttons(office: Client, school: School) -> None:
    record = school.drafted()
    for step, state in (("submit", "in_review"), ("approve", "approved")):
        office.post(reverse("admin:issuance_record_step", args=[record.pk]), {"step": step, "version": record.version})
        record.refresh_from_db()
        assert record.state == state
    office.post(reverse("admin:issuance_record_step", args=[record.pk]), {"step": "issue", "version": record.version})
    signing.issue_due()
    record.refresh_from_db()
    assert record.state == "issued"
    office.post(
        reverse("admin:issuance_record_step", args=[record.pk]),
        {"step": "revoke", "version": record.version, "comment": "Wrong person."},
    )
    record.refresh_from_db()
    assert record.state == "revoked"
    assert "Wrong person." in office.get(change(record)).content.decode()


def test_the_list_takes_the_same_number_of_queries_however_many_rows(office: Client, school: School) -> None:
    """No page takes more than a constant number of queries."""
    address = reverse("admin:issuance_record_changelist")
    school.drafted(school.learner(1))
    few = queries(office, address)
    for number in range(2, 9):
        school.drafted(school.learner(number))
    assert queries(office, address) == few


def test_the_editor_takes_the_same_number_of_queries_however_many_items(office: Client, school: School) -> None:
    """No page takes more than a constant number of queries."""
    learner = school.learner()
    record = school.drafted(learner)
    few = queries(office, change(record))
    for number in range(8):
        school.passes(learner, f"HIST {number}")
    school.drafted(learner)
    record.refresh_from_db()
    assert queries(office, change(record)) == few


def test_lists_of_records_leave_the_content_in_the_database(office: Client, school: School) -> None:
    """No list reads what a record says, which may be large, to show its title."""
    record = school.issued()
    batch = batches.start([record], by=school.registrar, title="One")
    pages = [
        reverse("admin:issuance_record_changelist"),
        reverse("admin:learners_learner_change", args=[record.learner.pk]),
        reverse("admin:issuance_batch_change", args=[batch.pk]),
        f"{reverse('admin:index')}search/?q={record.code}",
    ]
    for address in pages:
        with CaptureQueriesContext(connection) as seen:
            page = office.get(address)
        assert record.learner.name in page.content.decode(), address
        assert not [one["sql"] for one in seen if '"issuance_snapshot"."content"' in one["sql"]], address


@pytest.fixture(params=["erased", "damaged"])
def lost(request: pytest.FixtureRequest, school: School, monkeypatch: pytest.MonkeyPatch) -> tuple[Record, str]:
    """An issued record whose bytes are gone or not those that were issued, and how its page names that."""
    record = school.issued()
    if request.param == "erased":
        Erasure.objects.create(learner_id=record.learner.public_id, ground="asked for")
        IssuedDocument.objects.update(content=None)
        Snapshot.objects.update(content=None)
        return record, "was erased"
    whole = documents.content_of

    def read_from_a_failing_disk(document: IssuedDocument) -> bytes:
        document.content = bytes(document.content or b"")[:-1] + b"?"
        return whole(document)

    monkeypatch.setattr(documents, "content_of", read_from_a_failing_disk)
    return record, "do not match what was signed"


def test_the_office_sees_that_a_record_is_erased_or_damaged(
    office: Client, school: School, lost: tuple[Record, str]
) -> None:
    """REL-14, REL-16: every page of it answers with a sentence; nothing of it is given out, nothing breaks."""
    record, sentence = lost
    answer = office.get(change(record))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert sentence in page
    assert "What happened" in page
    assert "MATH 101" not in page
    assert reverse("admin:issuance_record_preview_pdf", args=[record.pk]) not in page
    for name in ("pdf", "json"):
        answer = office.get(reverse(f"admin:issuance_record_preview_{name}", args=[record.pk]))
        assert answer.status_code == (410 if sentence == "was erased" else 503)
        assert sentence in answer.content.decode()
    for address in (
        reverse("admin:issuance_record_changelist"),
        reverse("admin:learners_learner_change", args=[record.learner.pk]),
        f"/records/{record.public_id}/versions/",
    ):
        assert office.get(address).status_code == 200, address


def test_what_is_in_review_and_damaged_is_not_shown_as_whole(office: Client, school: School) -> None:
    """REL-16: an approver sees that the frozen content is not what was sent, and that it may be returned."""
    record = school.in_review()
    snapshot = record.snapshot
    assert snapshot is not None
    snapshot.content = bytes(snapshot.content or b"") + b" "
    with pytest.raises(documents.DocumentDamaged):
        documents.snapshot_content(snapshot)
    Erasure.objects.create(learner_id=record.learner.public_id, ground="asked for")
    Snapshot.objects.update(content=None)
    answer = office.get(change(record))
    assert answer.status_code == 200
    assert "was erased" in answer.content.decode()


@pytest.mark.parametrize("term", ["S-00001", "wanjiru", "GRÜNWALD", "Gru\u0308nwald-O\u0304tani"])
def test_a_learner_is_found_by_name_in_any_form_and_by_number(office: Client, school: School, term: str) -> None:
    record = school.drafted(school.learner(1))
    school.drafted(school.learner(2, given="Ana", family="Silva"))
    page = office.get(reverse("admin:issuance_record_changelist"), {"q": term}).content.decode()
    assert str(record.public_id) in page
    assert page.count("/change/?") + page.count('/change/"') >= 1
    assert "Silva" not in page


# --- a class and its batch


@pytest.fixture
def a_class(school: School) -> choosing.Choice:
    """Three learners who have earned something."""
    cohort = Cohort.objects.create(title="Class of 2025")
    for number in range(1, 4):
        learner = school.learner(number)
        school.passes(learner, "MATH 101")
        cohort.learners.add(learner)
    return choosing.Choice(cohort=cohort)


def take(office: Client, choice: choosing.Choice, step: str, nonce: str = "") -> Any:
    return office.post(
        reverse("admin:issuance_batch_class"), {**choice.arguments, "step": step, "nonce": nonce or f"n-{step}"}
    )


def finish_jobs() -> None:
    for job in Job.objects.filter(state=Job.State.QUEUED):
        assert running.run_now(job).state == Job.State.DONE


def test_a_class_goes_from_nothing_to_issued(office: Client, school: School, a_class: choosing.Choice) -> None:
    assert a_class.counts()["without"] == 3
    for step in ("draft", "submit", "approve"):
        assert take(office, a_class, step).status_code == 302
        finish_jobs()
    take(office, a_class, "issue")
    signing.issue_due()
    assert a_class.counts() | {"issued": 3, "without": 0} == a_class.counts()
    batch = Batch.objects.get(title="Class of 2025")
    page = office.get(reverse("admin:issuance_batch_change", args=[batch.pk])).content.decode()
    assert "<strong>3</strong> of 3 done" in page


def test_the_same_form_sent_twelve_times_is_one_batch(office: Client, school: School, a_class: choosing.Choice) -> None:
    """REL-10, F17."""
    for step in ("draft", "submit", "approve"):
        take(office, a_class, step)
        finish_jobs()
    for _again in range(12):
        take(office, a_class, "issue", nonce="the same")
    assert Batch.objects.count() == 1


def test_a_draft_with_a_problem_is_named_first_and_stays(
    office: Client, school: School, a_class: choosing.Choice
) -> None:
    take(office, a_class, "draft")
    finish_jobs()
    record = a_class.records().order_by("pk")[0]
    record.draft.items.update(included=False)
    page = office.get(a_class.address).content.decode()
    assert "1 draft that cannot go to review yet" in page
    take(office, a_class, "submit")
    finish_jobs()
    assert a_class.counts()["draft"] == 1
    assert a_class.counts()["in_review"] == 2
    job = Job.objects.get(kind="issuance.submit-class")
    assert job.failed == 1
    assert list(job.result["reasons"].values()) == [[record.learner.student_id]]


def test_only_an_approver_approves_a_class(school: School, a_class: choosing.Choice) -> None:
    user = User.objects.create_user("second@school.example", "a password of some length")
    give_roles(user, Role.REGISTRAR)
    client = Client()
    client.force_login(user)
    assert take(client, a_class, "approve").status_code == 403
