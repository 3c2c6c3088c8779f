"""The audit trail and the disclosures in the office: to look at, to filter, to take along (SEC-30, SEC-51)."""

import csv
import io

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import audit
from apps.institution.models import AuditEntry, Disclosure, Organization
from apps.network.spreadsheets import csv_lines, safe_cell

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(home: Organization) -> Client:
    """An admin's."""
    user = User.objects.create_user("a@people.example", "seven-lanterns-1894")
    give_roles(user, Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def test_it_works(browser: Client, home: Organization) -> None:
    """The list shows who did what to what, and is filtered in the address."""
    audit.record("record.issued", home)
    audit.record("record.revoked", home)
    page = browser.get("/admin/institution/auditentry/?action=record.revoked").content.decode()
    assert "record.revoked" in page
    assert AuditEntry.objects.count() >= 2


def test_the_download_is_what_is_filtered(browser: Client, home: Organization) -> None:
    """CSV of the rows that the list shows, with both digests, so that the chain can be checked elsewhere."""
    audit.record("record.issued", home)
    kept = audit.record("record.revoked", home)
    answer = browser.get("/admin/institution/auditentry/download/?action=record.revoked")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["digest"] for row in rows] == [kept.digest]
    assert "attachment" in answer["Content-Disposition"] and "no-store" in answer["Cache-Control"]


def test_nobody_changes_the_trail(browser: Client, home: Organization) -> None:
    """No form, no deletion, not for the admin either."""
    entry = audit.record("record.issued", home)
    path = f"/admin/institution/auditentry/{entry.pk}"
    assert browser.get(f"{path}/change/").status_code == 200
    assert browser.post(f"{path}/change/", {"action": "x"}).status_code == 403
    assert browser.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get("/admin/institution/auditentry/add/").status_code == 403


def test_cells_are_never_formulas(browser: Client) -> None:
    """SEC-30: the recipient of a disclosure may have called themselves anything."""
    Disclosure.objects.create(
        learner_id="9b2d9c1e-7d5b-4a57-9a52-1f2f3f4f5f6f",
        object_type="record",
        object_id="1",
        recipient="=HYPERLINK(1)",
        purpose="+1",
        basis="consent",
    )
    text = b"".join(browser.get("/admin/institution/disclosure/download/").streaming_content).decode()
    assert "'=HYPERLINK(1)" in text and "'+1" in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_each_start_of_a_formula_is_defused(start: str) -> None:
    """SEC-30, each of them."""
    assert safe_cell(f"{start}x") == f"'{start}x"
    assert safe_cell(f"x{start}") == f"x{start}"


def test_numbers_stay_numbers() -> None:
    """SEC-30: a negative figure is a figure; everything else is quoted."""
    assert list(csv_lines(["a", "b"], [(-3, "-3")])) == ["\ufeff", '"a","b"\r\n', '-3,"\'-3"\r\n']


def test_secrets_of_keys_are_not_in_the_office(browser: Client, home: Organization) -> None:
    """SEC-61: of a key the office shows the public part."""
    from apps.institution import keys

    key = keys.ensure_active_key(home)
    page = browser.get(f"/admin/institution/signingkey/{key.pk}/change/").content
    assert b"BEGIN PUBLIC KEY" in page
    assert bytes(key.private_encrypted).hex().encode() not in page and b"private_encrypted" not in page
