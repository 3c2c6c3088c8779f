"""Every route of the portal, every role, own, foreign and absent: who gets what (SEC-50, SEC-51, I4).

A route that has no row here fails the test, so that nobody adds one without deciding who may use it.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts import inviting
from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import keys
from apps.institution.branding import current_design
from apps.issuance import badges
from apps.issuance.models import Badge, Record
from apps.learners.models import AdvisorAssignment, Learner
from tests.issuance.earning import School, found_school

pytestmark = pytest.mark.django_db

NOBODY: frozenset[str] = frozenset()
ANYONE = frozenset({"anyone", *Role})
MEMBERS = frozenset(map(str, Role))
STUDENT, ADVISOR = frozenset({str(Role.LEARNER)}), frozenset({str(Role.ADVISOR)})
REGISTRAR, ADMIN = frozenset({str(Role.REGISTRAR)}), frozenset({str(Role.ADMIN)})
OFFICE = frozenset({str(Role.REGISTRAR), str(Role.APPROVER), str(Role.ADMIN)})
STAFF = OFFICE | {str(Role.REVIEWER)}


@dataclass(frozen=True)
class World:
    """People of every role, a learner of the student's own, and somebody else's."""

    users: dict[str, User]
    school: School
    own: Learner
    foreign: Learner
    own_record: Record
    foreign_record: Record
    draft: Record
    own_badge: Badge
    foreign_badge: Badge

    def client(self, role: str) -> Client:
        """A browser of somebody with this role."""
        client = Client()
        if role != "anyone":
            client.force_login(self.users[role])
        return client


@pytest.fixture(scope="module")
def founded(module_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small institution, made once for the tests of a module."""
    folder = tmp_path_factory.mktemp("world")
    places = {"KEK_FILE": folder / "kek", "CHECKPOINT_DIR": folder / "c", "FILES_DIR": folder / "f"}
    with override_settings(**places):
        keys.forget_signers()
        yield _found()


@pytest.fixture
def world(founded: World, db: None, settings: Any, tmp_path: Path) -> World:
    """The same, within what this test may change."""
    settings.DATA_DIR = tmp_path
    return founded


def _found() -> World:
    school = found_school()
    users = {}
    for role in Role:
        users[str(role)] = User.objects.create_user(
            f"{role}@people.example", "seven-lanterns-1894", name=str(role.label)
        )
        give_roles(users[str(role)], role)
    own, foreign = school.learner(1), school.learner(2)
    own.user = users[Role.LEARNER]
    own.save()
    AdvisorAssignment.objects.create(advisor=users[Role.ADVISOR], learner=own)
    own_record, foreign_record = school.issued(own), school.issued(foreign)
    own_badge, foreign_badge = (
        badges.make(record, record.learner.assertions.earliest("pk")) for record in (own_record, foreign_record)
    )
    draft = school.drafted(school.learner(3))
    return World(users, school, own, foreign, own_record, foreign_record, draft, own_badge, foreign_badge)


# --- The table ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A route without an object: who gets it. Others are sent to sign in, or told 403 or 404."""

    roles: frozenset[str]
    kwargs: dict[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class Thing:
    """A route with an object that has an owner: who gets an own or cared-for one, and who anybody's."""

    of: str
    own: frozenset[str]
    any: frozenset[str] = NOBODY


RECORD = Thing("record", STUDENT | ADVISOR | OFFICE, OFFICE)

ROUTES: dict[str, Page | Thing] = {
    "": Page(ANYONE, statuses=frozenset({200, 302})),
    "terms/": Page(ANYONE),
    "privacy/": Page(ANYONE),
    "language/setlang/": Page(ANYONE, statuses=frozenset({302, 405})),
    "account/": Page(MEMBERS),
    "account/sign-out/": Page(ANYONE, statuses=frozenset({200, 302})),
    "account/inactive/": Page(ANYONE),
    "account/confirm/": Page(MEMBERS, statuses=frozenset({200, 302})),
    "account/password/": Page(MEMBERS),
    "account/password/forgotten/": Page(ANYONE),
    "account/password/new/<str:token>/": Page(NOBODY, {"token": "made-up"}),
    "account/second-factor/": Page(MEMBERS),
    "account/second-factor/authenticate/": Page(ANYONE, statuses=frozenset({302})),
    "account/second-factor/reauthenticate/": Page(MEMBERS, statuses=frozenset({200, 302})),
    "account/second-factor/totp/activate/": Page(MEMBERS, statuses=frozenset({200, 302})),
    "account/second-factor/totp/deactivate/": Page(NOBODY),
    "account/second-factor/recovery-codes/": Page(NOBODY),
    "account/second-factor/recovery-codes/generate/": Page(NOBODY),
    "account/second-factor/recovery-codes/download/": Page(NOBODY),
    ".well-known/oauth-authorization-server": Page(ANYONE),
    "o/authorize/": Page(ANYONE, statuses=frozenset({400})),  # without a client: a page, no redirect (SEC-41)
    "o/token/": Page(ANYONE, statuses=frozenset({405})),
    "o/revoke_token/": Page(ANYONE, statuses=frozenset({405})),
    "o/introspect/": Page(ANYONE, statuses=frozenset({405})),
    "o/register/": Page(ANYONE, statuses=frozenset({405})),
    "o/register/<str:client_id>/": Page(ANYONE, {"client_id": "1"}, statuses=frozenset({401})),  # its own token
    "o/logos/<uuid:public_id>.png": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "account/apps/": Page(MEMBERS),
    "account/apps/<uuid:public_id>/": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "account/apps/<uuid:public_id>/receipt.json": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "account/apps/<uuid:public_id>/end/": Page(MEMBERS, {"public_id": str(uuid.uuid4())}, statuses=frozenset({405})),
    "invitation/<str:token>/": Page(NOBODY, {"token": "made-up"}),
    "brand/<str:colour>.css": Page(ANYONE, {"colour": "1f3a5f"}),
    "brand/<uuid:public_id>/logo": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "verify/": Page(ANYONE),
    "verify/report/": Page(ANYONE, statuses=frozenset({200, 302, 400, 405})),
    "^verify/(?P<code>[A-Za-z0-9]{20,40})/?$": Thing("code", ANYONE, ANYONE),
    "api/verify/": Page(ANYONE, statuses=frozenset({405})),
    "api/schema/": Page(ANYONE),
    "api/docs/": Page(ANYONE),
    "ims/clr/v1p0/discovery": Page(ANYONE),
    "ims/clr/v1p0/clrs": Page(ANYONE, statuses=frozenset({401})),  # by token alone
    "ims/clr/v1p0/clrs/<str:name>": Page(ANYONE, {"name": str(uuid.uuid4())}, statuses=frozenset({401})),
    "ims/clr/v1p0/<slug:kind>/<str:name>": Page(NOBODY, {"kind": "keys", "name": "1"}),
    ".well-known/badgeconnect.json": Page(ANYONE),
    "ims/ob/v2p1/assertions": Page(ANYONE, statuses=frozenset({401})),  # by token alone
    "ims/ob/v2p1/profile": Page(ANYONE, statuses=frozenset({401})),
    "clrs/<uuid:public_id>": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "badges/<uuid:public_id>": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "badges/<uuid:public_id>/card.png": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "ims/ob/v2p0/<slug:kind>/<str:name>": Page(NOBODY, {"kind": "keys", "name": "1"}),
    "assertions/<uuid:public_id>": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "achievements/<uuid:public_id>": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "records/<uuid:public_id>/public/": Page(MEMBERS, {"public_id": str(uuid.uuid4())}, statuses=frozenset({405})),
    "records/": Page(MEMBERS),
    "records/<uuid:public_id>/": RECORD,
    "records/badges/<uuid:public_id>/": Thing("assertion", STUDENT),
    "records/badges/<uuid:public_id>/badge.png": Thing("assertion", STUDENT),
    "records/badges/<uuid:public_id>/badge.svg": Thing("assertion", STUDENT),
    "records/badges/<uuid:public_id>/badge.json": Thing("assertion", STUDENT),
    "records/badges/<uuid:public_id>/badge.jws": Thing("assertion", STUDENT),
    "records/badges/<uuid:public_id>/get/": Page(MEMBERS, {"public_id": str(uuid.uuid4())}, statuses=frozenset({405})),
    "records/badges/<uuid:public_id>/public/": Page(
        MEMBERS, {"public_id": str(uuid.uuid4())}, statuses=frozenset({405})
    ),
    "records/<uuid:public_id>/clr.jws": RECORD,
    "records/<uuid:public_id>/clr.json": RECORD,
    "records/<uuid:public_id>/record.pdf": RECORD,
    "records/<uuid:public_id>/certificate-<int:number>.pdf": Page(
        NOBODY, {"public_id": str(uuid.uuid4()), "number": "1"}
    ),
    "records/<uuid:public_id>/versions/": RECORD,
    "wallet/": Page(STUDENT),
    "wallet/add/": Page(STUDENT),
    "wallet/addresses/": Page(STUDENT),
    "wallet/addresses/<str:token>/": Page(STUDENT, {"token": "made-up"}),
    "wallet/items/<uuid:public_id>/": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/items/<uuid:public_id>/file": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/items/<uuid:public_id>/picture.png": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/items/<uuid:public_id>/check/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/<uuid:public_id>/delete/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/": Page(STUDENT),
    "wallet/connections/return/<slug:way_back>/": Page(NOBODY, {"way_back": "made-up"}),
    "wallet/connections/requests/<uuid:public_id>/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/records/<uuid:public_id>/": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/connections/records/<uuid:public_id>/file": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/connections/<uuid:public_id>/": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/connections/<uuid:public_id>/look/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/<uuid:public_id>/again/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/<uuid:public_id>/send/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/<uuid:public_id>/send/<uuid:sending_id>/again/": Page(
        STUDENT, {"public_id": str(uuid.uuid4()), "sending_id": str(uuid.uuid4())}, frozenset({405})
    ),
    "wallet/connections/<uuid:public_id>/by-itself/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/connections/<uuid:public_id>/disconnect/": Page(
        STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})
    ),
    "r/<str:token>/": Page(NOBODY, {"token": "made-up"}),
    "r/<str:token>/items/<int:position>/file": Page(NOBODY, {"token": "made-up", "position": "1"}),
    "r/<str:token>/items/<int:position>/record.pdf": Page(NOBODY, {"token": "made-up", "position": "1"}),
    "r/<str:token>/items/<int:position>/verdict": Page(NOBODY, {"token": "made-up", "position": "1"}),
    "records/<uuid:public_id>/share/": Thing("record", STUDENT),
    "wallet/shares/": Page(STUDENT),
    "wallet/shares/new/": Page(STUDENT),
    "wallet/shares/<uuid:public_id>/": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/shares/<uuid:public_id>/withdraw/": Page(STUDENT, {"public_id": str(uuid.uuid4())}, frozenset({405})),
    "wallet/shares/<uuid:public_id>/qr.svg": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/shares/<uuid:public_id>/receipt.json": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "wallet/shares/<uuid:public_id>/receipt.txt": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "account/disclosures/": Page(STUDENT),
    "account/data/": Page(STUDENT),
    "account/data/copy/": Page(STUDENT, statuses=frozenset({405})),
    "account/data/<uuid:public_id>.zip": Page(NOBODY, {"public_id": str(uuid.uuid4())}),
    "account/data/delete/": Page(STUDENT, statuses=frozenset({405})),
    "advising/": Page(ADVISOR),
    "advising/caseload.csv": Page(ADVISOR),
    "advising/learners/<uuid:public_id>/": Thing("learner", STUDENT | ADVISOR),
    "advising/learners/<uuid:public_id>/items/<uuid:identifier>/": Page(
        NOBODY, {"public_id": str(uuid.uuid4()), "identifier": str(uuid.uuid4())}
    ),
    "advising/groups/<str:key>/": Page(NOBODY, {"key": "cohort-0"}),
    "advising/groups/<str:key>/table.csv": Page(NOBODY, {"key": "cohort-0"}),
    "healthz": Page(ANYONE),
    "readyz": Page(ANYONE, statuses=frozenset({200, 503})),
    "metrics": Page(ANYONE),
}
"""Outside of the office, by the route's own text."""

VIEWERS: dict[str, frozenset[str]] = {
    "accounts.User": ADMIN,
    "accounts.Invitation": REGISTRAR | ADMIN,
    "institution.Organization": OFFICE,
    "institution.Policy": ADMIN,
    "institution.SigningKey": ADMIN,
    "institution.CertificateDesign": OFFICE,
    "institution.AuditEntry": OFFICE,
    "institution.Disclosure": REGISTRAR | ADMIN,
    "jobs.Job": OFFICE,
    "learners.Learner": OFFICE,
    "learners.AcademicSession": OFFICE,
    "learners.Program": OFFICE,
    "learners.Course": OFFICE,
    "learners.Cohort": OFFICE,
    "learners.AdvisorAssignment": OFFICE,
    "learners.ImportRun": OFFICE,
    "achievements.Achievement": OFFICE,
    "achievements.Assertion": OFFICE,
    "achievements.Award": OFFICE,
    "achievements.BadgeDesign": OFFICE,
    "achievements.Framework": OFFICE,
    "achievements.Endorsement": OFFICE,
    "achievements.Endorser": OFFICE,
    "issuance.Record": OFFICE,
    "issuance.Batch": OFFICE,
    "exchange.IntakeRequest": REGISTRAR,
    "verification.PinnedKey": ADMIN,
}
"""Who sees the office's list of a model, and its rows."""

ADDERS: dict[str, frozenset[str]] = {
    "accounts.Invitation": ADMIN,
    "institution.Organization": ADMIN,
    "institution.CertificateDesign": REGISTRAR,
    "learners.Learner": REGISTRAR | ADMIN,
    "exchange.IntakeRequest": REGISTRAR,
    "learners.AcademicSession": REGISTRAR,
    "learners.Program": REGISTRAR,
    "learners.Course": REGISTRAR,
    "learners.Cohort": REGISTRAR,
    "learners.AdvisorAssignment": ADMIN,
    "achievements.Achievement": REGISTRAR,
    "achievements.Assertion": REGISTRAR,
    "achievements.Award": REGISTRAR,
    "achievements.BadgeDesign": REGISTRAR,
    "achievements.Endorsement": REGISTRAR,
    "achievements.Endorser": REGISTRAR,
    "issuance.Record": REGISTRAR,
    "verification.PinnedKey": ADMIN,
    "issuance.Batch": OFFICE,  # leads to the page of a class, where only registrars act
}
"""Who may begin a new one; nobody where it is not named."""

DELETABLE = {
    "learners.Cohort": REGISTRAR,
    "learners.AdvisorAssignment": ADMIN,
    "achievements.BadgeDesign": REGISTRAR,
}
"""What can be deleted at all, and by whom; never what was issued, the trail, or keys."""

SPECIAL: dict[str, frozenset[str]] = {
    "institution_certificatedesign_preview": REGISTRAR,
    "institution_auditentry_download": OFFICE,
    "institution_disclosure_download": REGISTRAR | ADMIN,
    "jobs_job_progress": OFFICE,
    "jobs_job_step": REGISTRAR,
    "learners_importrun_upload": REGISTRAR,
    "learners_importrun_part": OFFICE,
    "learners_importrun_step": REGISTRAR,
    "learners_importrun_faults": OFFICE,
    "learners_importrun_import_file": REGISTRAR,
    "learners_learner_invite_one": REGISTRAR | ADMIN,
    "learners_advisorassignment_from_file": ADMIN,
    "framework_import": REGISTRAR,
    "endorsement_upload": REGISTRAR,
    "endorsement_revoke": REGISTRAR,
    "achievements_endorsement_receive_file": REGISTRAR,
    "framework_items": OFFICE,
    "framework_align": REGISTRAR,
    "framework_align_achievement": REGISTRAR,
    "achievements_framework_import_framework": REGISTRAR,
    "achievements_achievement_find_competencies": REGISTRAR,
    "achievements_achievement_award_to_many": REGISTRAR,
    "achievements_achievement_design_badge": REGISTRAR,
    "achievements_badgedesign_preview": REGISTRAR,
    "achievements_award_undo": REGISTRAR,
    "achievements_assertion_withdraw": REGISTRAR,
    "issuance_batch_class": OFFICE,
    "issuance_batch_progress": OFFICE,
    "issuance_batch_step": REGISTRAR,
    "issuance_record_edit": REGISTRAR,
    "issuance_record_step": REGISTRAR | {str(Role.APPROVER)},
    "issuance_record_preview_pdf": OFFICE,
    "issuance_record_preview_json": OFFICE,
    "issuance_record_revoke": REGISTRAR | {str(Role.APPROVER)},
}
"""Pages of the office beyond list, form and history: who may look at them."""

GENERIC = ("_changelist", "_add", "_change", "_delete", "_history", "_simple_history")
SITE = {"index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "search"}
SITE |= {"app_list", "view_on_site"}


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, str]]:
    """Every route as text, with its name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, text)
        else:
            assert isinstance(pattern, URLPattern)
            yield text, pattern.name or ""


def own_models() -> list[Any]:
    """The models that the office has pages for."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(route: str, value: str) -> str:
    """A route with its one variable filled in."""
    return "/" + re.sub(r"<\w+:\w+>|\(\?P<\w+>.+?\)", value, route.lstrip("^").removesuffix("/?$"))


def plain(content: bytes) -> bytes:
    """A page without what differs in every answer."""
    content = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", content)
    return re.sub(rb"<code>[0-9a-f]{16}</code>", b"", content)


def is_given(response: Any, statuses: frozenset[int] = frozenset({200})) -> bool:
    """Whether the page was given; being sent to sign in is not."""
    if response.status_code in {301, 302, 303} and response["Location"].startswith("/?next="):
        return False
    return response.status_code in statuses


# --- The tests ----------------------------------------------------------------------------------------


def test_every_route_has_a_row() -> None:
    """SEC-50: a new route without a row fails here."""
    unknown = [text for text, _name in routes() if not text.startswith("admin/") and text not in ROUTES]
    assert unknown == []


def test_every_page_of_the_office_has_a_row() -> None:
    """SEC-50, SEC-51: so does a new model in the office, or a page of its own."""
    labels = {model._meta.label for model in own_models()}
    assert labels - set(VIEWERS) == set()
    stems = {f"{model._meta.app_label}_{model._meta.model_name}" for model in own_models()}
    for text, name in routes():
        if not text.startswith("admin/") or not name or name in SITE or name in SPECIAL:
            continue
        known = any(name == each + end for each in stems for end in GENERIC)
        assert known, f"{text} ({name}) has no row"


def test_pages(world: World) -> None:
    """SEC-50: each page for each role."""
    faults = []
    for route, row in ROUTES.items():
        if isinstance(row, Page):
            faults += check_page(world, route, row)
    assert not faults, "\n".join(faults)


def check_page(world: World, route: str, row: Page) -> list[str]:
    """What is wrong with who gets a page."""
    faults = []
    path = "/" + re.sub(r"<\w+:(\w+)>", lambda found: row.kwargs[found[1]], route)
    for role in ("anyone", *Role):
        response = world.client(role).get(path, REMOTE_ADDR="127.0.0.1")
        given = is_given(response, row.statuses)
        if given != (role in row.roles) or (not given and response.status_code not in {302, 403, 404}):
            faults.append(f"{path} for {role}: {response.status_code}")
    return faults


def test_things(world: World) -> None:
    """SEC-50: own, foreign and absent; foreign equals absent in status and body (I4)."""
    faults = []
    for route, row in ROUTES.items():
        if isinstance(row, Thing):
            faults += check_thing(world, route, row)
    assert not faults, "\n".join(faults)


def check_thing(world: World, route: str, row: Thing) -> list[str]:
    """What is wrong with who gets a thing."""
    faults = []
    ids = {
        "record": (world.own_record.public_id, world.foreign_record.public_id, uuid.uuid4()),
        "learner": (world.own.public_id, world.foreign.public_id, uuid.uuid4()),
        "assertion": (world.own_badge.assertion.public_id, world.foreign_badge.assertion.public_id, uuid.uuid4()),
        "code": (world.own_record.code, world.foreign_record.code, "a" * 26),
    }[row.of]
    for role in ("anyone", *Role):
        client = world.client(role)
        own, foreign, absent = (client.get(address(route, str(one))) for one in ids)
        if is_given(absent):
            faults.append(f"{route} absent for {role}")
        if is_given(own) != (role in row.own):
            faults.append(f"{route} own for {role}: {own.status_code}")
        if is_given(foreign) != (role in row.any):
            faults.append(f"{route} foreign for {role}: {foreign.status_code}")
        if role not in row.any and role != "anyone":
            same = foreign.status_code == absent.status_code and plain(foreign.content) == plain(absent.content)
            faults += [] if same else [f"{route}: foreign and absent differ for {role}"]
    return faults


def test_drafts_are_nobodys_but_the_offices(world: World) -> None:
    """A record that was not issued has no page outside of the office, for its own learner neither."""
    world.draft.learner.user = None
    Learner.objects.filter(user=world.users[Role.LEARNER]).update(user=None)
    Learner.objects.filter(pk=world.draft.learner_id).update(user=world.users[Role.LEARNER])
    for role in Role:
        assert world.client(role).get(f"/records/{world.draft.public_id}/").status_code == 404


def test_lists_of_the_office(world: World) -> None:
    """SEC-51: each list and each form for something new, for each role."""
    faults = []
    for role in ("anyone", *Role):
        client = world.client(role)
        for model in own_models():
            stem, label = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._meta.label
            response = client.get(reverse(f"{stem}_changelist"))
            given = is_given(response) or (label == "institution.Policy" and "/change/" in response.get("Location", ""))
            if given != (role in VIEWERS[label]):
                faults.append(f"list of {label} for {role}: {response.status_code}")
            response = client.get(reverse(f"{stem}_add"), follow=True)
            if (is_given(response) and response.request["PATH_INFO"].startswith(("/admin/", "/account/confirm/"))) != (
                role in ADDERS.get(label, NOBODY)
            ):
                faults.append(f"new {label} for {role}: {response.status_code} {response.get('Location', '')}")
    assert not faults, "\n".join(faults)


def goes_on(response: Any) -> bool:
    """Whether the answer leads on within the office, or asks for the password first."""
    where = response.get("Location", "") if response.status_code == 302 else ""
    return where.startswith(("/account/confirm/", "/admin/")) and not where.startswith("/admin/login")


def test_rows_of_the_office(world: World) -> None:
    """SEC-51: each row's page and its deletion, for each role; hardly anybody deletes anything."""
    current_design(world.school.home)
    inviting.invite("new@people.example", subject_id=world.own.public_id)
    faults = []
    for role in ("anyone", *Role):
        client = world.client(role)
        for model in own_models():
            stem, label = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._meta.label
            row = model._default_manager.order_by("pk").first()
            if row is None:
                continue
            response = client.get(reverse(f"{stem}_change", args=(row.pk,)))
            if (is_given(response) or goes_on(response)) != (role in VIEWERS[label]):
                faults.append(f"{label} for {role}: {response.status_code} {response.get('Location', '')}")
            response = client.get(reverse(f"{stem}_delete", args=(row.pk,)))
            if is_given(response) != (role in DELETABLE.get(label, NOBODY)):
                faults.append(f"delete {label} for {role}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_other_pages_of_the_office(world: World) -> None:
    """SEC-51: whoever may not use a page is refused, by GET and by POST."""
    current_design(world.school.home)
    known = {name: text for text, name in routes()}
    faults = []
    for role in ("anyone", *Role):
        client = world.client(role)
        for name in SPECIAL.keys() & known.keys():
            if role in SPECIAL[name]:
                continue
            path = "/" + re.sub(r"<path:object_id>|<int:pk>", "1", known[name])
            path = path.replace("<uuid:identifier>", str(uuid.uuid4()))
            for response in (client.get(path), client.post(path)):
                away = response.status_code == 302 and response["Location"].startswith(("/?next=", "/admin/"))
                if response.status_code not in {403, 404, 405} and not away:
                    faults.append(f"{path} for {role}: {response.status_code}")
    assert not faults, "\n".join(faults)


def test_no_look_into_secrets(world: World) -> None:
    """SEC-51: a filter in the address does not reach into passwords, keys or tokens."""
    client = world.client(Role.ADMIN)
    for path in (
        "/admin/accounts/user/?password__startswith=a",
        "/admin/institution/auditentry/?actor__password__startswith=a",
        "/admin/institution/signingkey/?private_encrypted__gt=a",
        "/admin/accounts/invitation/?token_digest__startswith=a",
        "/admin/learners/learner/?user__password__startswith=p",
    ):
        assert client.get(path).status_code in {302, 400}


def test_choosers_show_what_the_role_may_see(world: World) -> None:
    """SEC-51: the autocomplete answers by the same rules as the lists."""
    path = "/admin/autocomplete/?app_label=institution&model_name=auditentry&field_name=actor&term="
    assert world.client(Role.ADMIN).get(path).status_code == 200
    for role in ("anyone", Role.LEARNER, Role.ADVISOR, Role.REVIEWER):
        assert not is_given(world.client(role).get(path))


def test_private_pages_are_not_kept(world: World) -> None:
    """SEC-57: whatever is behind the sign-in is `no-store`."""
    client = world.client(Role.LEARNER)
    for path in ("/records/", f"/records/{world.own_record.public_id}/", "/account/"):
        assert "no-store" in client.get(path)["Cache-Control"]


def test_every_model_of_ours_is_known() -> None:
    """The table names models that exist."""
    for label in {*VIEWERS, *ADDERS, *DELETABLE}:
        apps.get_model(label)
