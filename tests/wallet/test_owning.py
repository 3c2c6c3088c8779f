"""One's data is one's own: who was shown what, a copy of everything, leaving (PRIV-01, PRIV-03, PRIV-05)."""

import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.permissions import Role, give_roles
from apps.exchange.models import AccessToken, ClientConsent, Connection, Provider
from apps.institution import erasing, files
from apps.institution.models import Disclosure
from apps.issuance import documents, publicity
from apps.issuance.models import Record
from apps.jobs import retention, running
from apps.jobs.models import Job
from apps.wallet import owning
from apps.wallet.models import DataExport, Share, ShareItem, WalletItem
from tests.exchange.conftest import grant_token
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School
from tests.wallet.sharing_world import Sharing, enrolled, page_of, stranger

ABSENT = "/ims/clr/v1p0/clrs/00000000-0000-4000-8000-000000000000"
__all__ = ["grant_token", "own_files", "school"]  # the fixtures


@pytest.fixture
def mine(school: School) -> Sharing:
    return enrolled(school)


def gathered(mine: Sharing, title: str = "From elsewhere") -> WalletItem:
    return WalletItem.objects.create(
        learner=mine.learner, content=b'{"id": "urn:x"}', digest=uuid.uuid4().hex, size=15, form="json",
        verdict="valid", checked_at=timezone.now(), title=title,
    )  # fmt: skip


def connected(mine: Sharing) -> Connection:
    provider = Provider.objects.create(base="https://b.example/", endpoints_digest="d", name="B", way_back="w")
    return Connection.objects.create(provider=provider, learner=mine.learner)


# --- Who was shown what -----------------------------------------------------------------------


def test_priv_01_the_learner_reads_who_was_shown_what(mine: Sharing, school: School) -> None:
    """PRIV-01, 34 CFR 99.32: who, what, when, purpose, basis; one's own alone, and not to be changed."""
    other = enrolled(school, 2, "Tariq", "Baptiste")
    stranger().get(page_of(mine.link(recipient="Harrow & Vale")))
    stranger().get(page_of(other.link(recipient="Somebody else's reader")))
    page = mine.at_home().get(reverse("disclosures")).content.decode()
    for words in ("Harrow &amp; Vale", "To apply for a job", "34 CFR 99.30"):
        assert words in page
    assert "Somebody else" not in page
    assert mine.at_home().post(reverse("disclosures")).status_code == 405


def test_priv_01_reading_by_code_of_a_record_that_is_not_public_is_noted(mine: Sharing) -> None:
    """PRIV-01: verification by address of a non-public record."""
    assert stranger().get(f"/verify/{mine.record.code}/").status_code == 200
    noted = Disclosure.objects.get(learner_id=mine.learner.public_id)
    assert (noted.object_type, noted.purpose) == ("issuance.record", "verification")


def test_priv_01_what_programs_read_stands_there_too(mine: Sharing, grant_token: Any) -> None:
    token, _ = grant_token(mine.user, "https://purl.imsglobal.org/spec/clr/v1p0/scope/readonly")
    answer = Client(headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}).get(
        "/ims/clr/v1p0/clrs"
    )
    assert answer.status_code == 200
    assert "wallet.example" in mine.at_home().get(reverse("disclosures")).content.decode()


def test_section_7_the_office_views_the_log_and_changes_nothing(mine: Sharing, school: School) -> None:
    stranger().get(page_of(mine.link()))
    office = Client()
    office.force_login(school.registrar)
    assert "Harrow &amp; Vale" in office.get("/admin/institution/disclosure/").content.decode()
    noted = Disclosure.objects.get()
    assert office.post(f"/admin/institution/disclosure/{noted.pk}/delete/").status_code in {403, 404}
    assert Disclosure.objects.filter(pk=noted.pk).exists()


# --- A copy of everything ---------------------------------------------------------------------


def copied(mine: Sharing) -> zipfile.ZipFile:
    """Asks for a copy as the learner does, has it made, and downloads it."""
    home = mine.at_home()
    assert home.post(reverse("own-data-copy")).status_code == 302
    running.run_now(Job.objects.get(kind=owning.KIND))
    address = reverse("own-data-download", args=[DataExport.objects.get().public_id])
    assert address in home.get(reverse("own-data")).content.decode()
    answer = home.get(address)
    assert answer["Cache-Control"].count("no-store") or "private" in answer["Cache-Control"]
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_the_copy_holds_everything_in_forms_that_others_read(mine: Sharing, grant_token: Any) -> None:
    """PRIV-11: records as signed, badges, wallet as it came, links, disclosures, profile, connections, apps."""
    item = gathered(mine)
    badge = mine.badge("MATH 101")
    share = mine.link(mine.record)
    stranger().get(page_of(share))
    connected(mine)
    grant_token(mine.user, "https://purl.imsglobal.org/spec/clr/v1p0/scope/readonly")
    copy = copied(mine)
    assert copy.testzip() is None
    names = set(copy.namelist())
    base = f"records/{mine.record.public_id}"
    assert copy.read(f"{base}/clr.jws") == documents.jws(mine.record)
    assert copy.read(f"{base}/clr.json") == documents.payload(mine.record)
    assert copy.read(f"{base}/record.pdf").startswith(b"%PDF")
    assert copy.read(f"wallet/{item.public_id}.json") == bytes(item.content)
    assert copy.read(f"badges/{badge.public_id}.jws") == bytes(badge.jws or b"")
    assert json.loads(copy.read("profile.json"))["email"] == mine.learner.email
    [shared] = json.loads(copy.read("shares.json"))
    assert shared["receipt"]["recipient"] == "Harrow & Vale" and len(shared["looks"]) == 1
    assert json.loads(copy.read("disclosures.json"))[0]["recipient"] == "Harrow & Vale"
    assert json.loads(copy.read("connections.json"))[0]["address"] == "https://b.example/"
    assert json.loads(copy.read("apps.json"))[0]["host"] == "wallet.example"
    described = copy.read("README.txt").decode()
    for name in ("profile.json", "shares.json", "disclosures.json", "connections.json", "apps.json", "clr.jws"):
        assert name in described
    assert not any(share.token in copy.read(name).decode("latin-1") for name in names)


def test_sec_50_nobody_elses_copy_is_given(mine: Sharing, school: School) -> None:
    copied(mine)
    other = enrolled(school, 2, "Tariq", "Baptiste").at_home()
    foreign = DataExport.objects.get().public_id
    for public_id in (foreign, uuid.uuid4()):
        assert other.get(reverse("own-data-download", args=[public_id])).status_code == 404


def test_asking_twice_makes_one_copy_and_old_ones_go(mine: Sharing) -> None:
    """PRIV-05: kept for a week."""
    for _ in range(2):
        mine.at_home().post(reverse("own-data-copy"))
    export = DataExport.objects.get()
    running.run_now(Job.objects.get(kind=owning.KIND))
    export.refresh_from_db()
    DataExport.objects.update(asked_at=timezone.now() - timedelta(days=8))
    retention.purge(dry_run=False)
    assert not DataExport.objects.exists() and not files.path_of(export.digest).exists()


# --- Deleting ---------------------------------------------------------------------------------


def test_emptying_the_wallet_leaves_what_was_issued(mine: Sharing) -> None:
    gathered(mine)
    share = mine.link()
    mine.at_home().post(reverse("own-data-delete"), {"what": "wallet"})
    assert not WalletItem.objects.exists() and not Share.objects.exists()
    assert Record.objects.filter(pk=mine.record.pk, state=Record.State.ISSUED).exists()
    assert stranger().get(page_of(share)).status_code == 404


def test_priv_05_leaving_takes_copies_links_tokens_connections_consents_sessions(
    mine: Sharing, grant_token: Any
) -> None:
    """PRIV-05: all of it in one go; the issued transcript stays, unpublished."""
    gathered(mine)
    share = mine.link()
    publicity.show(mine.record, by=mine.user)
    connected(mine)
    grant_token(mine.user, "https://purl.imsglobal.org/spec/clr/v1p0/scope/readonly")
    owning.ask(mine.learner, by=mine.user)
    elsewhere, home = mine.at_home(), mine.at_home()
    hosted = f"/ims/clr/v1p0/clrs/{mine.record.public_id}"
    assert stranger().get(hosted).status_code == 200
    answer = home.post(reverse("own-data-delete"), {"what": "everything", "sure": "yes"})
    assert answer.status_code == 200
    for table in (WalletItem, Share, ShareItem, DataExport, Connection, ClientConsent, AccessToken):
        assert not table._default_manager.exists(), table
    assert elsewhere.get("/records/").status_code == 302 and home.get("/records/").status_code == 302
    assert stranger().get(page_of(share)).status_code == 404
    assert stranger().get(hosted).status_code == stranger().get(ABSENT).status_code == 401
    assert Record.objects.filter(pk=mine.record.pk, state=Record.State.ISSUED).exists()
    assert documents.jws(mine.record)


def test_leaving_asks_whether_one_is_sure(mine: Sharing) -> None:
    for said, status in (({"what": "everything"}, 302), ({"what": "nonsense"}, 400), ({}, 400)):
        assert mine.at_home().post(reverse("own-data-delete"), said).status_code == status
    mine.learner.refresh_from_db()
    assert mine.learner.user is not None


def test_erasing_again_finds_nothing(mine: Sharing) -> None:
    """F24: a restored backup is brought up to the journal, however often."""
    gathered(mine)
    for _ in range(2):
        gone = erasing.erase(mine.learner.public_id, ground="asked for it")
    assert gone["wallet"] == gone["exchange"] == 0


# --- Directory information (PRIV-03) -----------------------------------------------------------


def test_priv_03_who_withholds_is_on_no_public_page_but_may_share(mine: Sharing) -> None:
    """PRIV-03: no public page, no hosted object, no answer of search; a link is the learner's own consent."""
    publicity.show(mine.record, by=mine.user)
    mine.learner.withholds_directory = True
    mine.learner.save()
    pages = [f"/ims/clr/v1p0/clrs/{mine.record.public_id}", "/endorsements/", "/issuers/", "/sitemap.xml", "/"]
    for address in pages:
        answer = stranger().get(address, headers={"Accept": "text/html"})
        assert mine.learner.name not in answer.content.decode(), address
    assert stranger().get(pages[0]).status_code == stranger().get(ABSENT).status_code == 401
    assert mine.learner.name in stranger().get(page_of(mine.link())).content.decode()


def test_staff_who_are_learners_too_keep_their_sign_in(mine: Sharing) -> None:
    give_roles(mine.user, Role.LEARNER, Role.ADVISOR)
    assert 'value="everything"' not in mine.at_home().get(reverse("own-data")).content.decode()
