"""Imports in the office: upload, preview, start, progress, undo (ROST-35), and who may (SEC-51)."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.jobs import running
from apps.jobs.models import Job
from apps.learners.models import ImportRun, Learner
from tests.standards.oneroster.bundles import bundle, changed

pytestmark = pytest.mark.django_db
UPLOAD = "admin:learners_importrun_upload"


def office(*roles: str) -> Client:
    user = User.objects.create_user(email=f"{'-'.join(roles)}@example.edu", password="a long enough password")
    give_roles(user, *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def registrar() -> Client:
    return office(Role.REGISTRAR)


def upload(client: Client, path: Path, name: str = "export.zip") -> ImportRun:
    answer = client.post(reverse(UPLOAD), {"bundle": SimpleUploadedFile(name, path.read_bytes())})
    assert answer.status_code == 302, answer.content.decode()
    return work(ImportRun.objects.latest("pk"))


def work(run: ImportRun) -> ImportRun:
    """Does what the import waits for, as a worker would."""
    run.refresh_from_db()
    running.run_now(run.job)
    run.refresh_from_db()
    return run


def step(client: Client, run: ImportRun, name: str) -> ImportRun:
    client.post(reverse("admin:learners_importrun_step", args=[run.pk]), {"step": name})
    return work(run)


def shown(client: Client, run: ImportRun) -> str:
    return client.get(reverse("admin:learners_importrun_change", args=[run.pk])).content.decode()


def test_it_works(tmp_path, registrar):
    """Upload, preview, start, undo."""
    run = upload(registrar, bundle(tmp_path / "b.zip"))
    assert (run.state, run.source, Learner.objects.count()) == (ImportRun.State.PREVIEWED, "larch", 0)
    assert "Preview: nothing is stored yet." in shown(registrar, run)
    run = step(registrar, run, "start")
    assert (run.state, Learner.objects.count()) == (ImportRun.State.APPLIED, 1)
    assert run.job.state == Job.State.DONE
    assert "1 × learners will be removed." in shown(registrar, run)
    run = step(registrar, run, "undo")
    assert (run.state, Learner.objects.count()) == (ImportRun.State.UNDONE, 0)


def test_while_it_waits_the_page_asks_again(tmp_path, registrar):
    registrar.post(reverse(UPLOAD), {"bundle": SimpleUploadedFile("b.zip", bundle(tmp_path / "b.zip").read_bytes())})
    run = ImportRun.objects.get()
    assert reverse("admin:learners_importrun_part", args=[run.pk]) in shown(registrar, run)
    part = registrar.get(reverse("admin:learners_importrun_part", args=[run.pk])).content.decode()
    assert "<html" not in part
    work(run)
    assert "hx-get" not in registrar.get(reverse("admin:learners_importrun_part", args=[run.pk])).content.decode()


def test_a_bad_file_says_where_and_changes_nothing(tmp_path, registrar):
    """The file's name and its cells are text, never mark-up."""
    rows = changed("users", enabledUser="<script>alert(1)</script>")
    run = upload(registrar, bundle(tmp_path / "b.zip", rows=rows), "<img src=x>.zip")
    page = shown(registrar, run)
    assert run.state == ImportRun.State.REFUSED
    assert "Only true or false may stand here." in page
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page
    assert not Learner.objects.exists()
    assert "Start the import" not in page


def test_sec_30_the_list_of_faults_is_defused(tmp_path, registrar):
    run = upload(registrar, bundle(tmp_path / "b.zip", rows=changed("users", givenName="=HYPERLINK(1)")))
    answer = registrar.get(reverse("admin:learners_importrun_faults", args=[run.pk]))
    text = b"".join(answer.streaming_content).decode()
    assert '"\'=HYPERLINK(1)"' in text
    assert answer["Content-Disposition"].startswith("attachment")


def test_people_missing_from_a_newer_full_export_are_shown(tmp_path, registrar):
    more = [*changed("users")["users"]]
    more += [more[0] | {"sourcedId": f"p{n}", "userIds": "", "givenName": f"Zoë {n}"} for n in range(6)]
    step(registrar, upload(registrar, bundle(tmp_path / "a.zip", rows={"users": more})), "start")
    run = upload(registrar, bundle(tmp_path / "b.zip", rows={"users": more[:-1]}))
    assert "Zoë 5" in shown(registrar, run)


def test_so_much_missing_asks_first(tmp_path, registrar):
    more = [*changed("users")["users"]]
    more += [more[0] | {"sourcedId": f"p{n}", "userIds": ""} for n in range(6)]
    step(registrar, upload(registrar, bundle(tmp_path / "a.zip", rows={"users": more})), "start")
    run = upload(registrar, bundle(tmp_path / "b.zip"))
    assert run.state == ImportRun.State.REFUSED
    assert "allow it" in shown(registrar, run)
    assert step(registrar, run, "allow").state == ImportRun.State.PREVIEWED


def test_rel_10_asked_twice_it_starts_once(tmp_path, registrar):
    run = upload(registrar, bundle(tmp_path / "b.zip"))
    for _ in range(2):
        registrar.post(reverse("admin:learners_importrun_step", args=[run.pk]), {"step": "start"})
    assert Job.objects.filter(kind="oneroster-import").count() == 1


def test_the_history_costs_a_constant_number_of_queries(tmp_path, registrar, django_assert_num_queries):
    upload(registrar, bundle(tmp_path / "b.zip"))
    address = reverse("admin:learners_importrun_changelist")
    registrar.get(address)
    with CaptureQueriesContext(connection) as few:
        registrar.get(address)
    asked = len(few)
    for _ in range(3):
        upload(registrar, bundle(tmp_path / "b.zip"))
    with django_assert_num_queries(asked):
        registrar.get(address)


def test_a_form_without_a_file_is_sent_back(registrar):
    assert registrar.post(reverse(UPLOAD), {}).status_code == 200
    assert not ImportRun.objects.exists()


def test_sec_55_another_sites_page_cannot_upload(tmp_path):
    user = User.objects.create_user(email="r@example.edu", password="a long enough password")
    give_roles(user, Role.REGISTRAR)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    content = SimpleUploadedFile("b.zip", bundle(tmp_path / "b.zip").read_bytes())
    assert client.post(reverse(UPLOAD), {"bundle": content}).status_code == 403


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
def test_sec_51_viewers_look_and_do_not_import(tmp_path, registrar, role):
    run = upload(registrar, bundle(tmp_path / "b.zip"))
    viewer = office(role)
    assert "Start the import" not in shown(viewer, run)
    assert viewer.get(reverse(UPLOAD)).status_code == 404
    answer = viewer.post(reverse("admin:learners_importrun_step", args=[run.pk]), {"step": "start"})
    assert answer.status_code == 404


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADVISOR])
def test_sec_51_others_do_not_get_in(role):
    answer = office(role).get(reverse(UPLOAD))
    assert answer.status_code in {302, 404}


def test_sec_51_learners_are_found_by_name_and_number_in_any_script(tmp_path, registrar):
    step(registrar, upload(registrar, bundle(tmp_path / "b.zip", rows=changed("users", givenName="浩"))), "start")
    address = reverse("admin:learners_learner_changelist")
    for text in ("浩", "NG", "1"):
        assert "浩 Ng" in registrar.get(address, {"q": text}).content.decode()
    assert "浩 Ng" not in registrar.get(address, {"q": "nobody"}).content.decode()
