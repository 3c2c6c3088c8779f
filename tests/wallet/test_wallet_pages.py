"""The wallet's pages: what stands in it, how things come in, what is refused (issue 7, SEC-20, SEC-50, SEC-57)."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.learners.models import Learner
from apps.wallet import intake, refreshing
from apps.wallet.models import OwnAddress, Receipt, WalletEntry, WalletItem, WalletSkill
from tests.standards.verify.manifest import NOW
from tests.wallet.test_intake import Nowhere, record, take


@pytest.fixture
def browser(learner: Learner) -> Client:
    """The learner's browser."""
    learner.user = User.objects.create_user("alma@students.example", "seven-lanterns-1894", name="Alma")
    give_roles(learner.user, Role.LEARNER)
    learner.save()
    client = Client()
    client.force_login(learner.user)
    return client


def achieved(name: str, number: int = 1, **changed: Any) -> dict[str, Any]:
    """An assertion of a record, with one alignment."""
    achievement = {
        "id": f"https://far.example/achievements/{number}",
        "type": "Achievement",
        "name": name,
        "achievementType": "Course",
        "issuer": {"id": "https://far.example/issuers/1", "type": "Profile", "name": "Far College"},
        "alignments": [
            {
                "type": "Alignment",
                "targetName": "Reading maps",
                "targetUrl": "https://frameworks.example/maps",
                "frameworkName": "Outdoors",
            }
        ],
    }
    return {
        "id": f"https://far.example/assertions/{number}",
        "type": "Assertion",
        "issuedOn": "2025-06-01T00:00:00Z",
        "achievement": achievement,
        **changed,
    }


def to_alma(**changed: Any) -> dict[str, Any]:
    """A plain record made out to the learner of these tests."""
    learner = {"id": "urn:uuid:5b1d", "name": "Alma Okonjo", "email": "alma@students.example"}
    return record(**{"learner": learner, "assertions": [achieved("Orienteering")], **changed})


def uploaded(document: Any, name: str = "record.json") -> dict[str, Any]:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return {"file": SimpleUploadedFile(name, content)}


# --- The dashboard ----------------------------------------------------------------------------


def test_an_empty_wallet_leads_to_adding(browser: Client) -> None:
    """A new learner reads what this is for, and the first step."""
    page = browser.get("/wallet/")
    assert page.status_code == 200
    assert 'href="/wallet/add/"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]  # SEC-57


def test_what_was_taken_in_is_found_by_time_issuer_type_skill_and_word(browser: Client, learner: Learner) -> None:
    """Each achievement of a record is an entry, with the skills it stands for."""
    take(learner, to_alma(assertions=[achieved("Orienteering"), achieved("Câble splicing", 2)]))
    for address in ("/wallet/", "/wallet/?by=issuer", "/wallet/?by=type", "/wallet/?type=Course"):
        page = browser.get(address).content.decode()
        assert "Orienteering" in page and "Câble splicing" in page, address
    page = browser.get("/wallet/?q=CABLE").content.decode()
    assert "Câble splicing" in page and "Orienteering" not in page
    assert "Reading maps" in browser.get("/wallet/?by=skill").content.decode()
    key = WalletSkill.objects.first().key  # type: ignore[union-attr]
    assert "Orienteering" in browser.get(f"/wallet/?skill={key}").content.decode()
    assert "Orienteering" not in browser.get(f"/wallet/?skill={'0' * 64}").content.decode()


def test_the_same_skill_of_two_issuers_is_one(learner: Learner) -> None:
    """Alignments across frameworks come together by the address of the statement."""
    take(learner, to_alma())
    other = {"id": "https://near.example/issuers/1", "name": "Near College"}
    take(learner, to_alma(id="urn:uuid:2", publisher=other, assertions=[achieved("Hiking", 9)]))
    assert WalletSkill.objects.count() == 2
    assert WalletSkill.objects.values("key").distinct().count() == 1


@pytest.mark.parametrize("address", ["?by=time", "?by=issuer", "?by=type", "?by=skill"])
def test_two_thousand_items_are_a_page_like_twenty(browser: Client, learner: Learner, address: str) -> None:
    """Issue 7: 2,000 items of 20 issuers open with as many queries as a few, the first page under 300 KB."""
    fill(learner, 20)
    browser.get(f"/wallet/{address}")
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(f"/wallet/{address}")
    fill(learner, 1_980, start=20)
    with CaptureQueriesContext(connection) as many:
        page = browser.get(f"/wallet/{address}")
    assert page.status_code == 200
    assert len(many) <= len(few)
    assert len(page.content) < 300_000


def fill(learner: Learner, count: int, start: int = 0) -> None:
    """Items with an entry and a skill each, straight into the tables."""
    now = timezone.now()
    items = WalletItem.objects.bulk_create(
        WalletItem(
            learner=learner,
            content=b"{}",
            digest=f"{n:064x}",
            size=2,
            form="json",
            format="ob-2.0",
            title=f"Badge {n}",
            issuer_name=f"Issuer {n % 20}",
            verdict="valid",
            checked_at=now,
        )
        for n in range(start, start + count)
    )
    entries = WalletEntry.objects.bulk_create(
        WalletEntry(
            learner=learner,
            item=item,
            position=0,
            name=item.title,
            kind="Badge",
            issuer_name=item.issuer_name,
            issued_on=now,
            search_text=item.title.lower(),
        )
        for item in items
    )
    WalletSkill.objects.bulk_create(
        WalletSkill(entry=entry, key=f"{entry.pk % 50:064x}", name=f"Skill {entry.pk % 50}") for entry in entries
    )


# --- Adding -----------------------------------------------------------------------------------


def test_a_file_is_added_once_and_shown(browser: Client, learner: Learner) -> None:
    """The page of the thing follows; the same file again is the same thing."""
    for _ in range(2):
        answer = browser.post("/wallet/add/", uploaded(to_alma()), follow=True)
        assert answer.status_code == 200
        assert "Orienteering" in answer.content.decode()
    assert WalletItem.objects.get().receipts.get().source == Receipt.Source.UPLOAD


def test_a_pasted_text_is_added(browser: Client) -> None:
    """As a file is."""
    assert browser.post("/wallet/add/", {"text": json.dumps(to_alma())}).status_code == 302
    assert WalletItem.objects.count() == 1


def test_somebody_elses_record_is_not_made_ones_own(browser: Client) -> None:
    """The refusal says so, and that an address can be confirmed; nothing is kept."""
    learner = {"id": "urn:uuid:9", "name": "Somebody Else", "email": "someone.else@students.example"}
    answer = browser.post("/wallet/add/", uploaded(to_alma(learner=learner, assertions=[])))
    assert answer.status_code == 422
    assert "/wallet/addresses/" in answer.content.decode()
    assert not WalletItem.objects.exists()


def test_an_address_counts_once_it_is_confirmed(browser: Client, learner: Learner) -> None:
    """What is made out to another address of one's own is taken after the link of the letter was followed."""
    from apps.wallet import identities

    person = {"id": "urn:uuid:9", "name": "Alma O.", "email": "alma@home.example"}
    document = to_alma(learner=person, assertions=[])
    assert browser.post("/wallet/addresses/", {"email": "alma@home.example"}).status_code == 302
    assert browser.post("/wallet/add/", uploaded(document)).status_code == 422
    link = identities.link_of(OwnAddress.objects.get())
    path = link[link.index("/wallet/") :]
    assert browser.get(path).status_code == 200
    assert OwnAddress.objects.get().verified_at is None  # a machine that looks at mail confirms nothing
    assert browser.post(path).status_code == 302
    assert browser.post("/wallet/add/", uploaded(document)).status_code == 302


@pytest.mark.parametrize(
    "handed_in",
    [
        {},
        {"url": "file:///etc/passwd"},
        {"url": "http://127.0.0.1:9/badge.json"},
        {"text": "<script>alert(1)</script>"},
        {"text": '{"a": 1'},
    ],
    ids=["nothing", "file-address", "inner-address", "page", "broken"],
)
def test_what_cannot_be_read_is_refused_in_plain_words(browser: Client, handed_in: dict[str, str]) -> None:
    """SEC-20, SEC-12: a page that says why, nothing stored, nothing of it given back as code."""
    answer = browser.post("/wallet/add/", handed_in)
    assert answer.status_code in {400, 422}
    assert 'role="alert"' in answer.content.decode()
    assert "<script>alert(1)" not in answer.content.decode()
    assert not WalletItem.objects.exists()


# --- One thing --------------------------------------------------------------------------------


def test_a_thing_is_deleted_with_what_was_found_in_it(browser: Client, learner: Learner) -> None:
    """PRIV-05: entries and skills go with it."""
    item = take(learner, to_alma()).item
    assert browser.get(f"/wallet/items/{item.public_id}/").status_code == 200
    assert browser.post(f"/wallet/{item.public_id}/delete/").status_code == 302
    assert browser.get(f"/wallet/items/{item.public_id}/").status_code == 404
    assert not WalletEntry.objects.exists() and not WalletSkill.objects.exists()


def test_sec_50_foreign_and_absent_answer_alike(browser: Client) -> None:
    """404 for both, whatever is asked."""
    foreign = take(Learner.objects.create(given_name="Bo"), record()).item.public_id
    for public_id in (foreign, uuid.UUID(int=7)):
        assert browser.get(f"/wallet/items/{public_id}/").status_code == 404
        assert browser.get(f"/wallet/items/{public_id}/file").status_code == 404
        assert browser.post(f"/wallet/items/{public_id}/check/").status_code == 404
        assert browser.post(f"/wallet/{public_id}/delete/").status_code == 404
    assert WalletItem.objects.count() == 1


# --- On a schedule ----------------------------------------------------------------------------


def test_what_expires_is_marked_by_the_next_check_and_stays(learner: Learner) -> None:
    """Checked again after a day, once; connections check what they brought."""
    soon = (NOW + timedelta(hours=30)).isoformat()
    item = take(learner, to_alma(assertions=[achieved("Orienteering", expires=soon)])).item
    take(learner, record(id="urn:uuid:4"), source=Receipt.Source.CONNECTION, sender="c")
    assert refreshing.check_due(fetcher=Nowhere(), now=NOW + timedelta(hours=23)) == 0
    assert refreshing.check_due(fetcher=Nowhere(), now=NOW + timedelta(hours=25)) == 1
    assert refreshing.check_due(fetcher=Nowhere(), now=NOW + timedelta(hours=26)) == 0
    item.refresh_from_db()
    assert item.checked_at == NOW + timedelta(hours=25)
    assert item.state != WalletItem.State.DELETED
    assert intake.documents_in(bytes(item.content)) == [bytes(item.content)]
