"""The learner's pages: the newest record first, every form of it, every version, and nobody else's."""

import hashlib
import json
import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements.models import Achievement, Assertion
from apps.issuance import batches, documents, review, revoking, signing
from apps.issuance.models import IssuedDocument, Record
from apps.learners.models import AdvisorAssignment, Learner
from tests.issuance.earning import School

pytestmark = pytest.mark.django_db


@pytest.fixture
def learner(school: School) -> Learner:
    """A learner with a sign-in."""
    user = User.objects.create_user("wanjiru@students.example", "seven-lanterns-1894")
    give_roles(user, Role.LEARNER)
    learner = school.learner()
    learner.user = user
    learner.save()
    return learner


@pytest.fixture
def browser(learner: Learner) -> Client:
    """The learner's own browser."""
    client = Client()
    client.force_login(learner.user)  # type: ignore[arg-type]
    return client


def corrected(school: School, record: Record) -> Record:
    """A correction of the record, issued."""
    new = revoking.reissue(record, by=school.registrar, reason="A grade was wrong.")
    review.submit(new, by=school.registrar, version=new.version)
    new.refresh_from_db()
    review.approve(new, by=school.approver, version=new.version)
    batches.start([new], by=school.registrar)
    signing.issue_due()
    new.refresh_from_db()
    return new


def test_it_works(school: School, learner: Learner, browser: Client) -> None:
    """The newest record is on the first page, its PDF one tap away."""
    record = school.issued(learner)
    page = browser.get("/records/")
    assert page.status_code == 200
    assert f"/records/{record.public_id}/record.pdf" in page.content.decode()
    page = browser.get(f"/records/{record.public_id}/")
    assert learner.name in page.content.decode()
    assert "MATH 101" in page.content.decode()


def test_downloads_are_what_was_issued(school: School, learner: Learner, browser: Client) -> None:
    """REL-16: the same bytes at each download, with the right type, as an attachment, never cached."""
    record = school.issued(learner)
    document = IssuedDocument.objects.get(record=record)
    base = f"/records/{record.public_id}/"
    signed = [browser.get(f"{base}clr.jws") for _ in range(2)]
    assert signed[0].content == signed[1].content == bytes(document.content or b"")
    assert hashlib.sha256(signed[0].content).hexdigest() == document.digest
    assert signed[0]["Content-Type"] == "application/jose"
    plain = browser.get(f"{base}clr.json")
    assert plain.content == documents.payload(record)
    assert plain["Content-Type"] == "application/ld+json"
    for answer in (*signed, plain):
        assert answer["Content-Disposition"].startswith("attachment; filename=")
        assert answer["Cache-Control"] == "no-store"


def test_the_pdf_holds_the_signed_bytes(school: School, learner: Learner, browser: Client) -> None:
    """One truth: what is attached to the PDF is what was signed."""
    import io

    import pikepdf

    record = school.issued(learner)
    answer = browser.get(f"/records/{record.public_id}/record.pdf")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(answer.content)) as pdf:
        assert list(pdf.attachments) == ["clr.jws"]
        assert pdf.attachments["clr.jws"].get_file().read_bytes() == documents.jws(record)


def with_degree(school: School, learner: Learner) -> Record:
    """An issued record of two courses and a degree."""
    degree = Achievement.objects.create(
        achievement_type="Degree", name="Bachelor of Arts in Tidal Studies", issuer=school.home
    )
    Assertion.objects.create(learner=learner, achievement=degree, issued_on=school.spring.end_date)
    school.passes(learner, "MATH 101")
    return school.issued(learner)


def test_a_degree_has_a_certificate_that_verifies_like_the_record(
    school: School, learner: Learner, browser: Client
) -> None:
    """One landscape page of the degree; the signed record is inside, and the verifier says valid."""
    import io

    import pikepdf

    from apps.verification.judging import judge_while_waiting

    record = with_degree(school, learner)
    address = f"/records/{record.public_id}/certificate-1.pdf"
    for page in ("/records/", f"/records/{record.public_id}/"):
        assert address in browser.get(page).content.decode()
    answer = browser.get(address)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="certificate-1.pdf"'
    with pikepdf.open(io.BytesIO(answer.content)) as pdf:
        (only,) = pdf.pages
        assert only.MediaBox[2] > only.MediaBox[3]
        assert pdf.attachments["clr.jws"].get_file().read_bytes() == documents.jws(record)
    assert judge_while_waiting(answer.content).verdict == "valid"
    assert browser.get(address).content == answer.content


def test_the_office_finds_the_certificate_on_the_record(school: School, learner: Learner) -> None:
    """The registrar downloads it from the issued record's page."""
    record = with_degree(school, learner)
    give_roles(school.registrar, Role.REGISTRAR)
    client = Client()
    client.force_login(school.registrar)
    address = f"/records/{record.public_id}/certificate-1.pdf"
    assert address in client.get(f"/admin/issuance/record/{record.pk}/change/").content.decode()
    assert client.get(address).content.startswith(b"%PDF")


@pytest.mark.parametrize("number", ["0", "2", "999999999999", "9" * 5000])
def test_there_is_no_certificate_of_another_number(
    school: School, learner: Learner, browser: Client, number: str
) -> None:
    """404 for a number that the record has no degree of."""
    record = with_degree(school, learner)
    assert browser.get(f"/records/{record.public_id}/certificate-{number}.pdf").status_code == 404


def test_a_certificate_is_only_its_learners(school: School, learner: Learner, browser: Client) -> None:
    """SEC-50: somebody else's certificate is not there."""
    foreign = with_degree(school, school.learner(2, "Ama", "Owusu"))
    assert browser.get(f"/records/{foreign.public_id}/certificate-1.pdf").status_code == 404


def test_structured_data_says_what_the_page_says(school: School, learner: Learner, browser: Client) -> None:
    """HTML with JSON-LD inside, escaped so that no text of a record can end it (SEC-56)."""
    learner.family_name = "</script><script>alert(1)</script>"
    learner.save()
    record = school.issued(learner)
    page = browser.get(f"/records/{record.public_id}/").content.decode()
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert "<" not in block
    data = json.loads(block)
    assert data["@type"] == "EducationalOccupationalCredential"
    assert data["@id"] == json.loads(documents.payload(record))["id"]
    assert data["about"]["name"] == learner.name
    assert {part["identifier"] for part in data["hasPart"]} == {"MATH 101", "CHEM 141"}
    assert "<script>alert" not in page


def test_earlier_versions_are_there_and_linked_both_ways(school: School, learner: Learner, browser: Client) -> None:
    """A correction supersedes: the old one says so and leads on; both can be downloaded."""
    old = school.issued(learner)
    new = corrected(school, old)
    page = browser.get("/records/").content.decode()
    assert page.index(str(new.public_id)) < page.index(str(old.public_id))
    assert f'href="/records/{new.public_id}/"' in browser.get(f"/records/{old.public_id}/").content.decode()
    for record in (old, new):
        versions = browser.get(f"/records/{record.public_id}/versions/").content.decode()
        assert f"/records/{old.public_id}/record.pdf" in versions
        assert f"/records/{new.public_id}/record.pdf" in versions
        assert browser.get(f"/records/{record.public_id}/clr.jws").status_code == 200


def test_a_revoked_record_says_so_with_the_reason(school: School, learner: Learner, browser: Client) -> None:
    """The learner sees that it no longer holds, since when and why."""
    record = school.issued(learner)
    revoking.revoke(record, by=school.registrar, reason="Issued for the wrong programme.")
    page = browser.get(f"/records/{record.public_id}/").content.decode()
    assert "Issued for the wrong programme." in page and "revoked" in page
    data = json.loads(re.findall(r'ld\+json">(.*?)</script>', page, re.S)[0])
    assert data["creativeWorkStatus"] == "Revoked"
    assert 'data-state="revoked"' in browser.get("/records/").content.decode()


def test_without_records_the_page_says_what_will_come(learner: Learner, browser: Client) -> None:
    """An empty list tells what it is for."""
    page = browser.get("/records/")
    assert page.status_code == 200
    assert b'class="empty"' in page.content


@pytest.mark.parametrize("below", ["", "clr.jws", "clr.json", "record.pdf", "certificate-1.pdf", "versions/"])
def test_foreign_and_absent_are_alike(school: School, learner: Learner, browser: Client, below: str) -> None:
    """SEC-50, I4: 404 with the same page for somebody else's, for a draft and for nothing."""
    foreign = school.issued(school.learner(2, "Ama", "Owusu"))
    draft = school.drafted(learner)
    absent = "9b2d9c1e-7d5b-4a57-9a52-1f2f3f4f5f6f"
    answers = [browser.get(f"/records/{one}/{below}") for one in (foreign.public_id, draft.public_id, absent)]
    assert [answer.status_code for answer in answers] == [404] * 3
    bodies = {re.sub(rb"<code>\w+</code>", b"", answer.content) for answer in answers}
    assert len(bodies) == 1


@pytest.mark.parametrize("path", ["/records/1/", "/records/abc/", "/records/1%27%20OR%201=1/", "/records/%00/"])
def test_other_addresses_are_no_records(learner: Learner, browser: Client, path: str) -> None:
    """Numbers tried in turn, quotes, NUL: there is no such page."""
    assert browser.get(path).status_code == 404


def test_the_advisor_sees_learners_in_care_alone(school: School, learner: Learner) -> None:
    """REG: an advisor reads what was issued to a learner in care; nobody else's, and no longer than the care lasts."""
    advisor = User.objects.create_user("advisor@people.example", "seven-lanterns-1894")
    give_roles(advisor, Role.ADVISOR)
    record = school.issued(learner)
    client = Client()
    client.force_login(advisor)
    assert client.get(f"/records/{record.public_id}/").status_code == 404
    care = AdvisorAssignment.objects.create(advisor=advisor, learner=learner)
    assert client.get(f"/records/{record.public_id}/").status_code == 200
    care.delete()
    assert client.get(f"/records/{record.public_id}/").status_code == 404


def test_an_erased_record_says_that_it_was(school: School, learner: Learner, browser: Client, monkeypatch: Any) -> None:
    """REL-14: after erasure there is nothing to show, and the page says so; nothing breaks."""

    def erased(document: Any) -> bytes:
        raise documents.DocumentErased("gone")

    record = school.issued(learner)
    monkeypatch.setattr(documents, "content_of", erased)
    for below in ("", "clr.jws", "clr.json", "record.pdf", "certificate-1.pdf"):
        assert browser.get(f"/records/{record.public_id}/{below}").status_code == 410


def test_damaged_bytes_are_never_given_out(school: School, learner: Learner, browser: Client, monkeypatch: Any) -> None:
    """REL-16: 503 when what is stored is not what was issued."""
    record = school.issued(learner)
    real = IssuedDocument.objects.get(record=record)
    real.content = b"x" + bytes(real.content or b"")[1:]
    monkeypatch.setattr(documents, "document_of", lambda *_args, **_more: real)
    for below in ("", "clr.jws", "clr.json", "record.pdf", "certificate-1.pdf"):
        assert browser.get(f"/records/{record.public_id}/{below}").status_code == 503


def test_reading_changes_nothing(school: School, learner: Learner, browser: Client) -> None:
    """SEC-55: other methods than GET are refused."""
    record = school.issued(learner)
    for method in (browser.post, browser.put, browser.delete, browser.patch):
        assert method(f"/records/{record.public_id}/").status_code == 405


def test_many_records_cost_the_same_queries(school: School, learner: Learner, browser: Client) -> None:
    """A constant number of queries, however many records."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    school.issued(learner)
    browser.get("/records/")
    with CaptureQueriesContext(connection) as one:
        browser.get("/records/")
    for _ in range(3):
        school.issued(learner)
    with CaptureQueriesContext(connection) as four:
        browser.get("/records/")
    assert len(four) == len(one)


def test_titles_of_pages_are_not_personal(school: School, learner: Learner, browser: Client) -> None:
    """PRIV-04: names do not stand in the title, which browsers keep in their history."""
    record = school.issued(learner)
    for path in ("/records/", f"/records/{record.public_id}/", f"/records/{record.public_id}/versions/"):
        title = re.search(r"<title>(.*?)</title>", browser.get(path).content.decode())
        assert title and learner.family_name not in title[1]
