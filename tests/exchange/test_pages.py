"""Pages for people, and where machines are sent; what is private answers as what is absent (issue 5, item 3)."""

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import endorsing
from apps.achievements.models import Endorser
from apps.exchange import hosted
from apps.issuance import documents, publicity, revoking
from apps.issuance.models import IssuedDocument, Record
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School

__all__ = ["own_files", "school"]  # the fixtures
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"}
MACHINES = [{}, {"Accept": "*/*"}, {"Accept": "application/ld+json"}, {"Accept": "application/json, text/html;q=0.5"}]


class Own:
    """Our own addresses as a stranger finds them."""

    def issued(self, id):
        return None

    def served(self, url):
        return hosted.served(url)


@pytest.fixture
def learner(school: School):
    """A learner who signs in."""
    found = school.learner()
    found.user = User.objects.create_user("wanjiru@students.example", name="Wanjiru")
    give_roles(found.user, Role.LEARNER)
    found.save()
    school.passes(found, "CHEM 141")
    return found


@pytest.fixture
def record(school: School, learner) -> Record:
    """An issued record that its learner shows to everybody."""
    issued = school.issued(learner)
    publicity.show(issued, by=learner.user)
    return issued


def addresses(record: Record) -> dict[str, str]:
    said = json.loads(documents.payload(record))["assertions"][0]
    return {
        "clrs": f"/clrs/{record.public_id}",
        "assertions": "/assertions/" + said["id"].rpartition("/")[2],
        "achievements": "/achievements/" + said["achievement"]["id"].rpartition("/")[2],
    }


@pytest.mark.parametrize("kind", ["clrs", "assertions", "achievements"])
def test_people_get_a_page_with_structured_data(record: Record, client: Client, kind: str):
    """Look and product: a page, JSON-LD of schema.org where it is public, and the way to the data."""
    response = client.get(addresses(record)[kind], headers=BROWSER)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    text = response.content.decode()
    assert f"/ims/clr/v1p0/{kind}/" in text
    [block] = re.findall(r'<script type="application/ld\+json">(.+?)</script>', text)
    structured = json.loads(block)
    assert structured["@type"] == "EducationalOccupationalCredential"
    assert structured["recognizedBy"]["name"] == "Harbour Lantern University"
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize("accept", MACHINES)
@pytest.mark.parametrize("kind", ["clrs", "assertions", "achievements"])
def test_machines_are_sent_to_the_standards_address(record: Record, client: Client, kind: str, accept: dict):
    """Contract: 303 to the CLR 1.0 address, where the document has that very id."""
    response = client.get(addresses(record)[kind], headers=accept)
    assert response.status_code == 303
    assert response["Location"] == "/ims/clr/v1p0" + addresses(record)[kind]
    document = client.get(response["Location"], headers=accept)
    assert document.status_code == 200
    assert document.json()["id"].endswith(response["Location"])


@pytest.mark.parametrize("kind", ["clrs", "assertions", "achievements"])
def test_a_browser_at_the_standards_address_is_sent_to_the_page(record: Record, client: Client, kind: str):
    """CLR1-P-23."""
    response = client.get("/ims/clr/v1p0" + addresses(record)[kind], headers=BROWSER)
    assert response.status_code == 303
    assert response["Location"] == addresses(record)[kind]


@pytest.mark.parametrize("headers", [BROWSER, {}])
@pytest.mark.parametrize("kind", ["clrs", "assertions"])
def test_private_and_absent_answer_alike(record: Record, learner, client: Client, kind: str, headers: dict):
    """I4, contract: 404 for both, in the same words; also while directory information is withheld (PRIV-03)."""
    address = addresses(record)[kind]
    absent = client.get(f"/{kind}/{uuid.uuid4()}", headers=headers)
    assert absent.status_code == 404
    learner.withholds_directory = True
    learner.save()
    assert same(client.get(address, headers=headers), absent)
    learner.withholds_directory = False
    learner.save()
    assert not same(client.get(address, headers=headers), absent)
    publicity.hide(record, by=learner.user)
    assert same(client.get(address, headers=headers), absent)


def same(one, other) -> bool:
    def plain(response):
        return re.sub(rb"[0-9a-f]{16}", b"", response.content)

    return one.status_code == other.status_code and plain(one) == plain(other)


def test_what_stands_at_the_addresses_verifies_by_the_hosted_method(record: Record):
    """CLR1-V-08, P-12: a stranger who has only the address of a thing gets a verdict on it."""
    said = json.loads(documents.payload(record))
    for id in (said["id"], said["assertions"][0]["id"]):
        now = timezone.now() + timedelta(seconds=2)
        result = engine.verify_address(id, fetcher=OfflineFetcher(), own=Own(), now=now)
        if result.verdict != "valid":  # a signed record is judged by its signed form
            token = documents.jws(record)
            result = engine.verify(token, fetcher=OfflineFetcher(), own=Own(), now=now)
        assert result.valid, result.sentence


def test_an_assertion_says_that_its_address_vouches_for_it(record: Record, client: Client):
    said = client.get("/ims/clr/v1p0" + addresses(record)["assertions"]).json()
    assert said["verification"] == {"type": "Hosted"}
    now = timezone.now() + timedelta(seconds=2)
    result = engine.verify(json.dumps(said).encode(), fetcher=OfflineFetcher(), own=Own(), now=now)
    assert result.valid and result.warnings() == []
    said["term"] = "Spring 1999"
    result = engine.verify(json.dumps(said).encode(), fetcher=OfflineFetcher(), own=Own(), now=now)
    assert [each.code for each in result.warnings()] == ["CONTENT_OUTDATED"]


def test_a_revoked_record_says_so_and_nothing_else(school: School, record: Record, client: Client):
    """CLR1-P-13 for people: 410, when and why; no results any more."""
    revoking.revoke(record, by=school.registrar, reason="Issued to the wrong person.")
    response = client.get(f"/clrs/{record.public_id}", headers=BROWSER)
    assert response.status_code == 410
    text = response.content.decode()
    assert "Issued to the wrong person." in text
    assert "CHEM 141" not in text and "ld+json" not in text


def test_small_objects_have_pages_too(school: School, record: Record, client: Client):
    """Issue 5, item 3: profile, key, revocation list and endorsement, at their own addresses."""
    board = Endorser.objects.create(name="Northern Board", url="https://board.example/")
    achievement = school.courses["CHEM 141"]
    made = endorsing.endorse(achievement, endorser=board, comment="Meets our *outcomes*. <script>x</script>")
    key = IssuedDocument.objects.get(record=record).key
    pages = {
        f"profiles/{school.home.public_id}": "Marta Quispe",
        f"profiles/{board.public_id}": "https://board.example/",
        f"keys/{key.public_id}": "BEGIN PUBLIC KEY",
        f"revocations/{school.home.public_id}": "Revocation list",
        f"endorsements/{made.public_id}": "<em>outcomes</em>",
    }
    for name, words in pages.items():
        response = client.get(f"/ims/clr/v1p0/{name}", headers=BROWSER)
        assert response.status_code == 200, name
        assert words in response.content.decode(), name
        assert "<script>x" not in response.content.decode()
        assert client.get(f"/ims/clr/v1p0/{name}").json()["id"].endswith(name)
    endorsing.revoke(made, by=school.registrar, reason="Said in error.")
    gone = client.get(f"/ims/clr/v1p0/endorsements/{made.public_id}", headers=BROWSER)
    assert gone.status_code == 410 and "Said in error." in gone.content.decode()


def test_no_list_of_endorsements_names_what_a_learner_earned(school: School, record: Record, learner, client: Client):
    """PRIV-03: an endorser's page lists achievements and issuers alone."""
    board = Endorser.objects.create(name="Northern Board")
    endorsing.endorse(learner.assertions.first(), endorser=board, comment="Wanjiru was outstanding.")
    endorsing.endorse(school.courses["CHEM 141"], endorser=board)
    text = client.get(f"/ims/clr/v1p0/profiles/{board.public_id}", headers=BROWSER).content.decode()
    assert "CHEM 141" in text
    assert "Wanjiru" not in text and "Grünwald" not in text


# --- The learner's choice ---------------------------------------------------------------------


def test_the_learner_shows_a_record_and_takes_it_back(school: School, learner, client: Client):
    """Issue 5, item 3: visibility is the learner's choice, on the record's own page, in plain words."""
    record = school.issued(learner)
    client.force_login(learner.user)
    page = client.get(f"/records/{record.public_id}/").content.decode()
    assert "Let anybody with the address read it" in page
    answer = client.post(f"/records/{record.public_id}/public/", {"public": "yes"})
    assert answer.status_code == 302
    page = client.get(f"/records/{record.public_id}/").content.decode()
    assert f"/clrs/{record.public_id}" in page and "Make it private again" in page
    assert Client().get(f"/clrs/{record.public_id}", headers=BROWSER).status_code == 200
    client.post(f"/records/{record.public_id}/public/", {"public": "no"})
    assert Client().get(f"/clrs/{record.public_id}", headers=BROWSER).status_code == 404
    assert Client().get(f"/ims/clr/v1p0/clrs/{record.public_id}").status_code == 401


def test_nobody_but_the_learner_chooses(school: School, learner, client: Client):
    """SEC-50: 404 for others, the office included."""
    record = school.issued(learner)
    client.force_login(school.registrar)
    assert client.post(f"/records/{record.public_id}/public/", {"public": "yes"}).status_code == 404
    assert not publicity.is_public(record)
    with pytest.raises(publicity.PublicityRefused):
        publicity.show(record, by=school.registrar)


def test_who_withholds_directory_information_shows_nothing(school: School, learner, client: Client):
    """PRIV-03: the choice is not offered, and refused when asked for all the same."""
    record = school.issued(learner)
    learner.withholds_directory = True
    learner.save()
    client.force_login(learner.user)
    page = client.get(f"/records/{record.public_id}/").content.decode()
    assert "withhold your directory information" in page and 'name="public"' not in page
    client.post(f"/records/{record.public_id}/public/", {"public": "yes"})
    assert not publicity.is_public(Record.objects.get(pk=record.pk))
