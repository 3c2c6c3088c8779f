"""Frameworks in the office: browser, alignment, import with preview and undo (CASE-14, CASE-18 to CASE-20)."""

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import versions
from apps.achievements.importing import import_package
from apps.achievements.models import Alignment, Framework, FrameworkItem
from apps.jobs import running
from apps.jobs.models import Job
from apps.learners.models import ImportRun
from tests.achievements.factories import achievement

pytestmark = pytest.mark.django_db


def office(*roles: str) -> Client:
    user = User.objects.create_user(email=f"{'-'.join(roles)}@example.edu", password="a long enough password")
    give_roles(user, *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def registrar() -> Client:
    return office(Role.REGISTRAR)


def stored(shared: Path, name: str) -> Framework:
    framework = import_package((shared / f"samples/case/cases/{name}.json").read_bytes(), file_name=name).framework
    assert framework is not None
    return framework


def page(framework: Framework, **query: str) -> str:
    address = reverse("admin:achievements_framework_change", args=[framework.pk])
    return address + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_the_browser_shows_licence_source_and_tree(shared: Path, registrar: Client) -> None:
    """D12, CASE-19."""
    shown = registrar.get(page(stored(shared, "own-cedar-fathom"))).content.decode()

    assert "CC0 1.0" in shown and "To the extent possible under law" in shown
    assert "https://case.cedarfathom.example/ims/case/v1p1/CFDocuments/" in shown
    assert shown.count('role="treeitem"') == 9


def test_the_browser_costs_a_constant_number_of_queries(
    shared: Path, registrar: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Issue: constant, however many items."""
    large = stored(shared, "ccss-ela")
    registrar.get(page(large))

    with django_assert_max_num_queries(25):
        registrar.get(page(large))


def test_children_are_fetched_when_opened(shared: Path, registrar: Client) -> None:
    """Look: 1,000 items stay smooth."""
    framework = stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1")
    address = reverse("admin:framework_items", args=[framework.pk, item.identifier])
    shown = registrar.get(address, {"level": "2"}).content.decode()

    assert shown.count('role="treeitem"') == 4 and "1.4" in shown


def test_an_item_shows_relations_and_alignments(shared: Path, registrar: Client) -> None:
    """CASE-19: both directions, external ends by their title."""
    framework = stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.4.1")
    Alignment.objects.create(achievement=achievement("Ethics seminar"), item=item, target_name="x", target_url=item.uri)
    shown = registrar.get(page(framework, item=str(item.identifier))).content.decode()

    assert "Ethics seminar" in shown
    assert "Weigh benefit and harm" in shown and "outside this portal" in shown
    retired = FrameworkItem.objects.get(human_coding_scheme="CF.2.0")
    assert "Replaced by" in registrar.get(page(framework, item=str(retired.identifier))).content.decode()


def test_text_of_strangers_runs_nowhere(shared: Path, registrar: Client) -> None:
    """CASE-18, SEC-31."""
    framework = stored(shared, "own-hostile-text")
    for item in framework.items.all():
        shown = registrar.get(page(framework, item=str(item.identifier))).content.decode()
        assert "<script>alert" not in shown and "<img src=x" not in shown
    assert (
        "<strong>bold</strong>"
        in registrar.get(page(framework, item="017f9ee6-725e-409d-ba05-62d56abd685a")).content.decode()
    )


def test_search_in_any_script(shared: Path, registrar: Client) -> None:
    """CASE-19."""
    framework = stored(shared, "own-hostile-text")

    assert "1 competency found" in registrar.get(page(framework, q="中文")).content.decode()
    assert "No competency has all" in registrar.get(page(framework, q="nowhere")).content.decode()


def test_aligning_and_taking_away(shared: Path, registrar: Client) -> None:
    """CASE-20: from the item, and from the achievement."""
    framework = stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    course = achievement("Statistics")
    shown = registrar.get(page(framework, item=str(item.identifier), achievement="stat")).content.decode()
    assert "Statistics" in shown

    registrar.post(reverse("admin:framework_align", args=[framework.pk]), {"item": item.pk, "achievement": course.pk})
    assert course.alignments.get().item == item
    of_course = reverse("admin:framework_align_achievement", args=[course.pk])
    assert "CF.1.2" in registrar.get(of_course, {"q": "cf.1.2"}).content.decode()
    registrar.post(of_course, {"remove": course.alignments.get().pk})
    assert not course.alignments.exists()


def test_what_an_issued_record_names_gets_a_new_version(
    shared: Path, registrar: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Model: an achievement that an issued record names is never edited in place."""
    framework = stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    course = achievement("Statistics")
    monkeypatch.setattr(versions, "NAMED_BY_RECORDS", [lambda asked: asked & {course.pk}])

    registrar.post(reverse("admin:framework_align", args=[framework.pk]), {"item": item.pk, "achievement": course.pk})

    course.refresh_from_db()
    assert not course.alignments.exists()
    assert course.replaced_by is not None and course.replaced_by.alignments.get().item == item


def test_viewers_look_and_do_not_align(shared: Path) -> None:
    """Reliability, section 7: approver and admin view."""
    framework = stored(shared, "own-cedar-fathom")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    client = office(Role.APPROVER)
    align = reverse("admin:framework_align", args=[framework.pk])

    assert client.get(page(framework)).status_code == 200
    assert client.post(align, {"item": item.pk, "achievement": achievement().pk}).status_code == 404
    assert client.get(reverse("admin:framework_import")).status_code == 404
    assert not Alignment.objects.exists()


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADVISOR, Role.EMPLOYER])
def test_others_do_not_get_in(shared: Path, role: str) -> None:
    """SEC-51."""
    framework = stored(shared, "own-cedar-fathom")

    assert office(role).get(page(framework)).status_code in (302, 403, 404)


@pytest.mark.parametrize("query", ["?item=00000000-0000-4000-8000-000000000000", "?item=../../x"])
def test_an_unknown_item_is_absent(shared: Path, registrar: Client, query: str) -> None:
    """SEC-60: 404, never a trace."""
    framework = stored(shared, "own-cedar-fathom")

    assert registrar.get(reverse("admin:achievements_framework_change", args=[framework.pk]) + query).status_code == 404


# -- importing ------------------------------------------------------------------------------------


def upload(client: Client, data: bytes, name: str = "cedar.json") -> ImportRun:
    answer = client.post(reverse("admin:framework_import"), {"package": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302, answer.content.decode()
    run = ImportRun.objects.latest("pk")
    work(run)
    return run


def work(run: ImportRun) -> Job:
    """Does the job that an import waits for, as a worker would."""
    run.refresh_from_db()
    assert run.job is not None
    done = running.run_now(run.job)
    run.refresh_from_db()
    return done


def step(client: Client, run: ImportRun, name: str) -> None:
    client.post(reverse("admin:learners_importrun_step", args=[run.pk]), {"step": name})


def shown(client: Client, run: ImportRun) -> str:
    return str(client.get(reverse("admin:learners_importrun_change", args=[run.pk])).content.decode())


def test_a_package_is_previewed_started_and_taken_back(shared: Path, registrar: Client) -> None:
    """Issue: the same from an upload page, with preview, job, undo as a whole."""
    run = upload(registrar, (shared / "samples/case/cases/own-cedar-fathom.json").read_bytes())
    assert run.state == ImportRun.State.PREVIEWED and run.changes["added"] == 58
    assert not Framework.objects.exists()
    assert "Start the import" in shown(registrar, run)

    step(registrar, run, "start")
    assert work(run).state == Job.State.DONE
    assert run.state == ImportRun.State.APPLIED and FrameworkItem.objects.count() == 58
    assert re.search(r"58 × competencies will be removed", shown(registrar, run))

    step(registrar, run, "undo")
    work(run)
    assert run.state == ImportRun.State.UNDONE and not FrameworkItem.objects.exists()


def test_a_newer_version_is_shown_field_by_field(shared: Path, registrar: Client) -> None:
    """Product: a preview of what would change, before and after in words."""
    stored(shared, "own-cedar-fathom")
    run = upload(registrar, (shared / "samples/case/cases/own-cedar-fathom-2.json").read_bytes())
    told = shown(registrar, run)

    assert "Gather data, note where it came from and keep the licence" in told
    assert "Explain a model to somebody who did not build it" in told
    assert "5e268fa0-8bcc-47cd-b3fd-c19413446df8" in told


def test_a_bad_package_says_where_and_stores_nothing(shared: Path, registrar: Client) -> None:
    """CASE-17."""
    run = upload(registrar, (shared / "samples/case/cases/bad-dangling-parent.json").read_bytes())

    assert run.state == ImportRun.State.REFUSED
    told = shown(registrar, run)
    assert "/CFAssociations/4/destinationNodeURI" in told and "case.dangling" in told
    assert not Framework.objects.exists()


def test_an_older_version_asks_first(shared: Path, registrar: Client) -> None:
    """D8."""
    for name in ("own-cedar-fathom", "own-cedar-fathom-2"):
        stored(shared, name)
    run = upload(registrar, (shared / "samples/case/cases/own-cedar-fathom.json").read_bytes())
    assert run.state == ImportRun.State.REFUSED
    assert "An older version is wanted" in shown(registrar, run)

    step(registrar, run, "allow")
    work(run)
    assert run.state == ImportRun.State.PREVIEWED
    step(registrar, run, "start")
    work(run)
    assert run.state == ImportRun.State.APPLIED


def test_an_address_that_may_not_be_asked_is_refused(registrar: Client) -> None:
    """D1, SEC-01 to SEC-04: by the job, in a sentence."""
    registrar.post(reverse("admin:framework_import"), {"address": "https://169.254.169.254/package"})
    run = ImportRun.objects.get()
    job = work(run)

    assert job.state == Job.State.FAILED and run.state == ImportRun.State.REFUSED
    assert "Nothing was imported" in shown(registrar, run)


def test_a_form_without_one_source_is_sent_back(registrar: Client) -> None:
    """Errors say what to do."""
    answer = registrar.post(reverse("admin:framework_import"), {})

    assert answer.status_code == 200 and "Choose a file or give an address" in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_what_depends_on_it_is_named_instead_of_an_undo(shared: Path, registrar: Client) -> None:
    """Undo while nothing depends on it."""
    run = upload(registrar, (shared / "samples/case/cases/own-cedar-fathom.json").read_bytes())
    step(registrar, run, "start")
    work(run)
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    Alignment.objects.create(achievement=achievement(), item=item, target_name="x", target_url=item.uri)

    assert "cannot be undone now" in shown(registrar, run)
    step(registrar, run, "undo")
    run.refresh_from_db()
    assert run.state == ImportRun.State.APPLIED
