"""Endorsements from making to verdict: in the record, at their address, tampered with, revoked (CLR1-V-14)."""

import base64
import json
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from apps.achievements import endorsing
from apps.achievements.endorsing import EndorsementRefused
from apps.achievements.models import Endorsement, Endorser
from apps.exchange import hosted
from apps.institution import keys
from apps.institution.models import Organization, SigningKey
from apps.issuance import documents, published
from apps.issuance.models import Publicity
from apps.standards.clr1 import model, read
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School

__all__ = ["own_files", "school"]  # the fixtures


class Own:
    """Our own addresses as a stranger finds them."""

    def issued(self, id):
        return None

    def served(self, url):
        return hosted.served(url)


def judged(source: bytes):
    """The verdict of a verifier that has only what we host."""
    return engine.verify(source, fetcher=OfflineFetcher(), own=Own(), now=timezone.now() + timedelta(seconds=2))


@pytest.fixture
def board(db: None) -> Endorser:
    """Somebody outside."""
    return Endorser.objects.create(name="Northern Chemistry Board", url="https://board.example/", official="Ayo Bello")


def payload(record) -> dict:
    return json.loads(documents.payload(record))


def path(address: str) -> str:
    return address[address.index("/ims/") :]


def course_in(said: dict, code: str) -> dict:
    [found] = [each["achievement"] for each in said["assertions"] if each["achievement"].get("humanCode") == code]
    return found


def test_a_record_carries_plain_and_signed_endorsements_and_verifies(school: School, board: Endorser):
    """Issue 5, item 4; CLR1-V-14: of an achievement, of the publisher, of what the learner earned; all hold."""
    learner = school.learner()
    earned = school.passes(learner, "CHEM 141")
    endorsing.endorse(earned.achievement, endorser=board, comment="Meets our **outcomes**.", by=school.registrar)
    endorsing.endorse(earned.achievement, by_organization=school.home, sign=True, comment="Ours.", by=school.registrar)
    endorsing.endorse(school.home, endorser=board, comment="A sound school.", by=school.registrar)
    endorsing.endorse(earned, by_organization=school.home, sign=True, comment="Outstanding.", by=school.registrar)
    record = school.issued(learner)
    said = payload(record)
    chemistry = course_in(said, "CHEM 141")
    assert [each["claim"]["id"] for each in chemistry["endorsements"]] == [chemistry["id"]]
    assert "@context" not in chemistry["endorsements"][0]
    assert len(chemistry["signedEndorsements"]) == 1
    assert said["publisher"]["endorsements"][0]["claim"]["id"] == said["publisher"]["id"]
    [assertion] = [each for each in said["assertions"] if each["id"].endswith(str(earned.public_id))]
    [token] = assertion["signedEndorsements"]
    assert bytes(Endorsement.objects.get(assertion=earned).content).decode() == token
    assert read.failures(read.check(said, model.Clr)) == []
    result = judged(documents.jws(record))
    assert result.valid, result.sentence
    assert result.warnings() == []
    assert sorted(each.kind for each in result.credentials) == ["endorsement"] * 4
    assert all(each.valid for each in result.credentials)


def test_the_signed_endorsement_is_what_the_standard_says(school: School):
    """Section 2, "what is required when signed": context, Signed, creator; key and list at the endorser."""
    made = endorsing.endorse(school.course("MATH 101"), by_organization=school.home, sign=True, comment="Good.")
    said = endorsing.document_of(made)
    assert said["@context"] == model.CONTEXT_URL
    assert said["verification"] == {"type": "Signed", "creator": said["issuer"]["publicKey"]["id"]}
    assert said["issuer"]["type"] == "EndorsementProfile"
    assert said["issuer"]["publicKey"]["owner"] == said["issuer"]["id"]
    assert said["issuer"]["revocationList"]
    assert said["claim"]["type"] == "EndorsementClaim"
    assert read.check(said, model.Endorsement) == []
    assert judged(bytes(made.content)).valid


def test_a_tampered_endorsement_fails_and_is_named(school: School):
    """CLR1-V-02, V-14: the check is named after the place of the endorsement that was changed."""
    learner = school.learner()
    earned = school.passes(learner, "CHEM 141")
    made = endorsing.endorse(earned.achievement, by_organization=school.home, sign=True, comment="Good.")
    header, body, signature = bytes(made.content).decode().split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["claim"]["endorsementComment"] = "Best of all."
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    record = payload(school.issued(learner))
    course_in(record, "CHEM 141")["signedEndorsements"] = [f"{header}.{forged}.{signature}"]
    for name in ("id", "issuedOn", "verification"):
        record.pop(name)
    from datetime import UTC, datetime

    from apps.institution import profiles
    from apps.standards.clr1 import write

    key = SigningKey.objects.get(state="active")
    record["publisher"].pop("publicKey")
    envelope = write.Envelope(
        id="urn:uuid:5", issued_on=datetime.now(UTC), key=profiles.cryptographic_key(key, keys.public_base())
    )
    token = keys.signer(key).sign(write.build_payload(write.snapshot_bytes(record), envelope))
    result = judged(token)
    assert result.verdict == "invalid"
    [failed] = result.failures()
    assert failed.code == "SIGNATURE_INVALID"
    assert failed.name == "assertions/0/achievement/signedEndorsements/0"


def test_an_endorsement_stands_at_its_address(school: School, board: Endorser, client: Client):
    """CLR1-P-14: JSON for machines, by the hosted method genuine, its endorser's profile beside it."""
    made = endorsing.endorse(school.course("MATH 101"), endorser=board, comment="Good.")
    answer = client.get(path(made.document_id))
    assert answer.status_code == 200
    assert answer.json()["id"] == made.document_id
    assert answer.json()["verification"] == {"type": "Hosted"}
    assert answer.content == endorsing.payload_of(made)
    profile = client.get(path(answer.json()["issuer"]["id"])).json()
    assert profile["name"] == "Northern Chemistry Board"
    assert profile["verification"]["type"] == "Verification"
    result = judged(answer.content)
    assert result.valid and result.warnings() == [], result.sentence
    assert judged(made.document_id.encode()).valid


def test_a_signed_endorsement_also_answers_its_signed_form(school: School, board: Endorser, client: Client):
    """Contract: Accept application/jose gives the JWS; one without has none."""
    signed = endorsing.endorse(school.course("MATH 101"), by_organization=school.home, sign=True)
    plain = endorsing.endorse(school.course("MATH 101"), endorser=board)
    answer = client.get(path(signed.document_id), headers={"Accept": "application/jose"})
    assert answer.content == bytes(signed.content)
    assert client.get(path(plain.document_id), headers={"Accept": "application/jose"}).status_code == 406


def test_revoking_is_seen_at_once_everywhere(school: School, board: Endorser, client: Client):
    """REL-13, CLR1-P-13, P-18: list, address, verdict, and no new record holds it."""
    learner = school.learner()
    earned = school.passes(learner, "CHEM 141")
    made = endorsing.endorse(earned.achievement, by_organization=school.home, sign=True, comment="Good.")
    token = documents.jws(school.issued(learner))
    assert judged(token).valid
    endorsing.revoke(made, by=school.registrar, reason="Said of another course.")
    listed = client.get(f"/ims/clr/v1p0/revocations/{school.home.public_id}").json()
    assert listed["revokedAssertions"] == [made.document_id]
    gone = client.get(path(made.document_id))
    assert gone.status_code == 410 and gone.json()["imsx_description"] == "Said of another course."
    result = judged(token)
    assert [check.code for check in result.failures()] == ["REVOKED"]
    assert "signedEndorsements" not in published.achievement_document(earned.achievement)
    with pytest.raises(EndorsementRefused, match="before"):
        endorsing.revoke(made, by=school.registrar, reason="Again.")


def test_an_endorsement_of_what_a_learner_earned_is_as_private_as_that(school: School, client: Client):
    """I4, PRIV-03: 404 like one that is absent, until the learner shows the record; never while withheld."""
    learner = school.learner()
    earned = school.passes(learner, "CHEM 141")
    made = endorsing.endorse(earned, by_organization=school.home, sign=True, comment="Outstanding.")
    record = school.issued(learner)
    private, absent = client.get(path(made.document_id)), client.get(f"/ims/clr/v1p0/endorsements/{uuid.uuid4()}")
    assert private.status_code == absent.status_code == 404
    assert private.content == absent.content
    Publicity.objects.create(record=record, is_public=True)
    assert client.get(path(made.document_id)).status_code == 200
    learner.withholds_directory = True
    learner.save()
    assert client.get(path(made.document_id)).content == absent.content


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"both": True},
        {"sign": True, "endorser": True},
        {"department": True, "sign": True},
        {"on": timezone.now() + timedelta(days=2), "endorser": True},
    ],
)
def test_what_cannot_be_endorsed_is_refused_in_words(school: School, board: Endorser, wrong: dict):
    arguments = {key: value for key, value in wrong.items() if key in {"sign", "on"}}
    if wrong.get("endorser") or wrong.get("both"):
        arguments["endorser"] = board
    if wrong.get("both"):
        arguments["by_organization"] = school.home
    if wrong.get("department"):
        arguments["by_organization"] = Organization.objects.create(name="Chemistry", parent=school.home)
    with pytest.raises(EndorsementRefused):
        endorsing.endorse(school.course("MATH 101"), **arguments)
    assert not Endorsement.objects.exists()


def test_nobody_endorses_themselves(school: School):
    with pytest.raises(EndorsementRefused):
        endorsing.endorse(school.home, by_organization=school.home)


def test_an_endorsement_never_changes(school: School, board: Endorser):
    """REL-14: the database refuses; what it was revoked for is told beside it."""
    made = endorsing.endorse(school.course("MATH 101"), endorser=board, comment="Good.")
    for change in ({"content": b"{}"}, {"comment": "Bad."}, {"issuer_name": "Me"}, {"document_id": "urn:x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Endorsement.objects.filter(pk=made.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        made.delete()


def test_what_a_compromised_key_signed_is_left_out(school: School):
    """SEC-61."""
    made = endorsing.endorse(school.course("MATH 101"), by_organization=school.home, sign=True)
    keys.compromise(made.key, since=timezone.now())
    made.refresh_from_db()
    assert made.state == Endorsement.State.FAILS
    assert "signedEndorsements" not in published.achievement_document(school.course("MATH 101"))


def test_another_issuers_endorsement_stands_once_in_the_record(school: School, board: Endorser):
    """Section 2, Clr.endorsements: of a profile in it; not repeated at each achievement."""
    department = Organization.objects.create(name="School of Chemistry", parent=school.home, issues_in_own_name=True)
    learner = school.learner()
    earned = school.passes(learner, "CHEM 141")
    earned.achievement.issuer = department
    earned.achievement.save()
    endorsing.endorse(department, endorser=board, comment="Sound laboratories.")
    record = school.issued(learner)
    said = payload(record)
    assert len(said["endorsements"]) == 1
    assert "endorsements" not in said["publisher"]
    assert judged(documents.jws(record)).valid
