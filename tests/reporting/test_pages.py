"""The advisor's pages: what they show, and that who is not in care is not there (SEC-50, PRIV-09)."""

import uuid

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.accounts.permissions import Role
from apps.achievements.models import Framework, FrameworkItem
from apps.learners.models import AdvisorAssignment, Cohort, Learner
from apps.reporting.figures import may_show
from tests.reporting.factories import advisor, aligned, earned, learner, person


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def care(cedar: Framework) -> tuple[User, list[Learner], Cohort]:
    """An advisor with twelve learners, ten of them of one cohort."""
    user = advisor()
    cohort = Cohort.objects.create(title="Class of 2026")
    people = [learner(f"L{n:02}", in_care_of=user) for n in range(12)]
    cohort.learners.set(people[:10])
    what = aligned("CF.1.1")
    for who in people[:5]:
        earned(who, what)
    earned(people[6], aligned("CF.2.1"), status="Failed")
    return user, people, cohort


def test_the_caseload_shows_the_most_needy_first(care: tuple[User, list[Learner], Cohort]) -> None:
    """Product: sorted by need, each need in words."""
    user, _people, _cohort = care
    page = signed_in(user).get("/advising/").content.decode()

    assert page.index("L06") < page.index("L05") < page.index("L00")
    assert "1 result not passed" in page


def test_search_filter_and_sort_live_in_the_address(care: tuple[User, list[Learner], Cohort]) -> None:
    """Product: they combine."""
    user, _people, cohort = care
    client = signed_in(user)

    assert b"L03" in client.get("/advising/?q=l03").content
    assert b"L04" not in client.get("/advising/?q=l03").content
    found = client.get(f"/advising/?group=cohort-{cohort.public_id}&need=results&sort=name").content
    assert b"L06" in found and b"L05" not in found
    assert "No learner fits" in client.get("/advising/?q=nobody").content.decode()


def test_the_caseload_takes_a_constant_number_of_queries(
    care: tuple[User, list[Learner], Cohort], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Issue: constant, however many rows."""
    user, _people, _cohort = care
    client = signed_in(user)
    client.get("/advising/")
    for n in range(30):
        learner(f"M{n:02}", in_care_of=user)

    with django_assert_max_num_queries(32):
        client.get("/advising/")


def test_a_learner_s_page_shows_tree_and_evidence(care: tuple[User, list[Learner], Cohort]) -> None:
    """Product: achieved / in progress / not yet, evidence beside it."""
    user, people, _cohort = care
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1.a")
    page = signed_in(user).get(f"/advising/learners/{people[0].public_id}/?item={item.identifier}").content.decode()

    assert 'role="tree"' in page and "Shows CF.1.1" in page
    assert "Achieved" in page and "Not yet" in page
    assert "Counts through CF.1.1" in page


def test_items_are_fetched_when_their_parent_is_opened(care: tuple[User, list[Learner], Cohort]) -> None:
    """Look: opened lazily."""
    user, people, _cohort = care
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    address = f"/advising/learners/{people[0].public_id}/items/{item.identifier}/?level=3"
    page = signed_in(user).get(address).content.decode()

    assert page.count('role="treeitem"') == 2 and 'aria-level="3"' in page
    assert 'hx-target="#grounds"' in page and "<html" not in page


def test_a_group_s_table_leads_down(care: tuple[User, list[Learner], Cohort]) -> None:
    """Product: a drill-down in each cell and column."""
    user, people, cohort = care
    client = signed_in(user)
    page = client.get(f"/advising/groups/cohort-{cohort.public_id}/?sort=-whole").content.decode()
    area = FrameworkItem.objects.get(human_coding_scheme="CF.1")

    assert f"below={area.identifier}" in page
    assert str(people[0].public_id) in page and str(people[11].public_id) not in page
    below = client.get(f"/advising/groups/all/?below={area.identifier}").content.decode()
    assert "CF.1.1" in below and str(people[11].public_id) in below


def test_means_of_few_are_left_out(care: tuple[User, list[Learner], Cohort]) -> None:
    """PRIV-09: ten of twelve leave two over, so only the mean of all twelve is shown."""
    user, _people, cohort = care
    client = signed_in(user)

    whole = client.get("/advising/groups/all/").context["table"]
    part = client.get(f"/advising/groups/cohort-{cohort.public_id}/").context["table"]
    assert whole.mean is not None
    assert part.mean is None and set(part.means) == {None}


@pytest.mark.parametrize(
    ("size", "within", "shown"),
    [(9, (), False), (10, (), True), (10, (12,), False), (10, (20,), True), (10, (10,), True), (0, (), False)],
)
def test_small_groups_are_suppressed(size: int, within: tuple[int, ...], shown: bool) -> None:
    """PRIV-09: under ten, also by difference."""
    assert may_show(size, within=within) is shown


ADDRESSES = ("", "items/{item}/")


@pytest.mark.parametrize("rest", ADDRESSES)
def test_a_foreign_learner_is_as_absent(care: tuple[User, list[Learner], Cohort], rest: str) -> None:
    """SEC-50, I4: not in care, not existing: the same answer."""
    user, _people, _cohort = care
    stranger = learner("Stranger")
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1").identifier
    client = signed_in(user)
    answers = [
        client.get(f"/advising/learners/{public_id}/{rest.format(item=item)}")
        for public_id in (stranger.public_id, uuid.uuid4())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert b"Stranger" not in answers[0].content


def test_a_foreign_group_is_as_absent(care: tuple[User, list[Learner], Cohort]) -> None:
    """SEC-50."""
    user, _people, _cohort = care
    foreign = Cohort.objects.create(title="Foreign")
    foreign.learners.add(learner("Stranger"))
    client = signed_in(user)

    for key in (f"cohort-{foreign.public_id}", f"cohort-{uuid.uuid4()}", "cohort-x", "program-", "nothing"):
        assert client.get(f"/advising/groups/{key}/").status_code == 404, key


def test_a_group_in_care_shows_nobody_else(care: tuple[User, list[Learner], Cohort]) -> None:
    """SEC-50: the rest of the cohort stays with its own advisors."""
    user, _people, cohort = care
    learner("Stranger", cohort=cohort)

    assert b"Stranger" not in signed_in(user).get(f"/advising/groups/cohort-{cohort.public_id}/").content


@pytest.mark.parametrize("role", [Role.LEARNER, Role.REGISTRAR, Role.APPROVER, Role.ADMIN, Role.EMPLOYER])
def test_other_roles_have_no_dashboards(care: tuple[User, list[Learner], Cohort], role: str) -> None:
    """Reliability, section 7: progress is for learner and advisor."""
    _user, people, _cohort = care
    client = signed_in(person("other@example.edu", role))

    assert client.get("/advising/").status_code == 404
    assert client.get("/advising/caseload.csv").status_code == 404
    assert client.get("/advising/groups/all/").status_code == 404
    assert client.get(f"/advising/learners/{people[0].public_id}/").status_code == 404


def test_a_learner_sees_own_progress(care: tuple[User, list[Learner], Cohort]) -> None:
    """Reliability, section 7: own."""
    _user, people, _cohort = care
    user = person("student@example.edu", Role.LEARNER)
    people[0].user = user
    people[0].save()
    client = signed_in(user)

    assert client.get(f"/advising/learners/{people[0].public_id}/").status_code == 200
    assert client.get(f"/advising/learners/{people[1].public_id}/").status_code == 404


def test_nobody_signed_in_is_asked_to_sign_in(care: tuple[User, list[Learner], Cohort]) -> None:
    """SEC-50."""
    assert Client().get("/advising/").status_code == 302


def test_files_are_safe_for_spreadsheets(care: tuple[User, list[Learner], Cohort]) -> None:
    """SEC-30: what would be calculated gets an apostrophe; numbers stay numbers."""
    user, people, cohort = care
    Learner.objects.filter(pk=people[0].pk).update(given_name="=cmd()")
    client = signed_in(user)

    caseload = client.get("/advising/caseload.csv").content.decode("utf-8-sig")
    table = client.get(f"/advising/groups/cohort-{cohort.public_id}/table.csv").content.decode("utf-8-sig")
    assert '"\'=cmd() Example"' in caseload and '"\'=cmd() Example"' in table
    assert '"Covered","Of"' in caseload


def test_priv_03_who_withholds_is_in_no_file_of_a_cohort(care: tuple[User, list[Learner], Cohort]) -> None:
    """PRIV-03: the advisor sees the learner on the page; the files that are handed on leave them out."""
    user, people, cohort = care
    Learner.objects.filter(pk=people[0].pk).update(given_name="Withheldia", withholds_directory=True)
    client = signed_in(user)

    assert "Withheldia" in client.get("/advising/").content.decode()
    for address in ("/advising/caseload.csv", f"/advising/groups/cohort-{cohort.public_id}/table.csv"):
        table = client.get(address).content.decode("utf-8-sig")
        assert "Withheldia" not in table and people[1].family_name in table


def test_care_by_program_or_cohort_counts(cedar: Framework) -> None:
    """Advisors are assigned by cohort too."""
    user = advisor()
    cohort = Cohort.objects.create(title="C")
    member = learner("Member", cohort=cohort)
    AdvisorAssignment.objects.create(advisor=user, cohort=cohort)

    assert signed_in(user).get(f"/advising/learners/{member.public_id}/").status_code == 200
