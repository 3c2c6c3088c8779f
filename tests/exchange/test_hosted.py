"""What stands at the ids of our objects, for anybody (CLR1-P-13 to P-18, REL-13, I4)."""

import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.exchange import hosted
from apps.institution import keys, profiles
from apps.issuance import documents, published, revoking
from apps.issuance.models import IssuedDocument, Publicity
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School

__all__ = ["own_files", "school"]  # the fixtures


def path(address: str) -> str:
    """The path of one of our addresses."""
    return address[address.index("/ims/") :]


class Own:
    """Our own addresses as a stranger finds them."""

    def issued(self, id):
        return None

    def served(self, url):
        return hosted.served(url)


def judged(token: bytes):
    """The verdict of a verifier that only has what we host."""
    return engine.verify(token, fetcher=OfflineFetcher(), own=Own(), now=timezone.now() + timedelta(seconds=2))


def test_a_stranger_can_verify_an_issued_record_from_what_we_host(school: School):
    """CLR1-P-14 to P-17: profile, key and list are public and agree."""
    record = school.issued()
    assert judged(documents.jws(record)).valid


def test_the_profile_names_the_key_and_the_key_names_the_profile(school: School, client: Client):
    """CLR1-P-15, P-16."""
    record = school.issued()
    publisher = json.loads(documents.payload(record))["publisher"]
    profile = client.get(path(publisher["id"])).json()
    key = client.get(path(profile["publicKey"]["id"])).json()
    assert profile["id"] == publisher["id"] == key["owner"]
    assert profile["publicKey"]["id"] == key["id"] == publisher["publicKey"]["id"]
    assert profile["revocationList"]
    assert profile["verification"]["type"] == "Verification"
    assert key["@context"] == profile["@context"]


@pytest.mark.parametrize("kind", ["profiles", "keys", "revocations", "achievements"])
def test_public_objects_are_open_to_every_origin_and_have_an_etag(school: School, client: Client, kind: str):
    """SEC-57, CLR1-P-14: no sign-in, CORS, `ETag`, a short lifetime."""
    record = school.issued()
    ids = {
        "profiles": school.home.public_id,
        "revocations": school.home.public_id,
        "keys": IssuedDocument.objects.get(record=record).key.public_id,
        "achievements": school.courses["MATH 101"].public_id,
    }
    address = f"/ims/clr/v1p0/{kind}/{ids[kind]}"
    response = client.get(address)
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in response["Cache-Control"]
    assert response.json()["id"].endswith(address)
    assert client.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_an_achievement_is_served_as_records_hold_it(school: School, client: Client):
    """CLR1-P-21: equal in both places."""
    record = school.issued()
    [held] = [
        each["achievement"]
        for each in json.loads(documents.payload(record))["assertions"]
        if each["achievement"].get("humanCode") == "MATH 101"
    ]
    served = client.get(path(held["id"])).json()
    del served["@context"]
    assert served == held


def test_a_private_record_and_an_absent_one_answer_alike(school: School, client: Client):
    """I4, contract: 401 alike."""
    record = school.issued()
    private = client.get(f"/ims/clr/v1p0/clrs/{record.public_id}")
    absent = client.get(f"/ims/clr/v1p0/clrs/{uuid.uuid4()}")
    assert private.status_code == absent.status_code == 401
    assert private.content == absent.content
    for response in (private, absent):
        del response["X-Request-ID"]
    assert dict(private.headers) == dict(absent.headers)
    assert private["WWW-Authenticate"].startswith("Bearer")


def test_a_private_assertion_and_an_absent_one_answer_alike(school: School, client: Client):
    """I4: 404 alike."""
    record = school.issued()
    assertion = json.loads(documents.payload(record))["assertions"][0]
    private = client.get(path(assertion["id"]))
    absent = client.get(f"/ims/clr/v1p0/assertions/{uuid.uuid4()}")
    assert private.status_code == absent.status_code == 404
    assert private.content == absent.content


def test_a_public_record_answers_its_bytes_and_its_jws(school: School, client: Client):
    """CLR1-P-04, P-12: as issued, byte for byte."""
    record = school.issued()
    Publicity.objects.create(record=record, is_public=True)
    address = f"/ims/clr/v1p0/clrs/{record.public_id}"
    assert client.get(address).content == documents.payload(record)
    signed = client.get(address, headers={"Accept": "application/jose"})
    assert signed.content == documents.jws(record)
    assert signed["Content-Type"] == "application/jose"
    assertion = json.loads(documents.payload(record))["assertions"][0]
    assert client.get(path(assertion["id"])).json()["id"] == assertion["id"]


def test_revoking_puts_the_id_on_the_list_at_once(school: School, client: Client):
    """REL-13, CLR1-P-13, P-18: list, hosted answer and verdict change together; entries are strings."""
    record = school.issued()
    Publicity.objects.create(record=record, is_public=True)
    token, document = documents.jws(record), IssuedDocument.objects.get(record=record)
    revoking.revoke(record, by=school.registrar, reason="Issued to the wrong person.")
    listed = client.get(f"/ims/clr/v1p0/revocations/{school.home.public_id}").json()
    assert listed["revokedAssertions"] == [document.document_id]
    gone = client.get(f"/ims/clr/v1p0/clrs/{record.public_id}")
    assert gone.status_code == 410
    assert "Issued to the wrong person." in gone.json()["imsx_description"]
    assert "REVOKED" in [check.code for check in judged(token).failures()]


def test_after_a_rotation_old_records_stay_valid(school: School):
    """Digest CLR 1.0, 8.5: the hosted profile lists every key still honoured."""
    record = school.issued()
    keys.rotate(school.home)
    assert isinstance(published.profile_document(school.home, keys.public_base())["publicKey"], list)
    assert judged(documents.jws(record)).valid


def test_the_documents_of_a_compromised_key_do_not_count_any_more(school: School, client: Client):
    """SEC-61: its document answers 410, what it signed is invalid here too; corrections are opened."""
    record = school.issued()
    token, key = documents.jws(record), IssuedDocument.objects.get(record=record).key
    assert keys.compromise(key, since=timezone.now()) == 1
    assert client.get(path(keys.address(key))).status_code == 410
    assert not judged(token).valid
    assert record.correction.record.state == "draft"


@pytest.mark.parametrize(
    "address", ["nothing/x", "keys/x", "keys/00000000-0000-4000-8000-000000000000", "profiles/1", "endorsements/1"]
)
def test_unknown_addresses_answer_with_the_status_object(db, client: Client, address: str):
    """CLR1-P-08."""
    response = client.get(f"/ims/clr/v1p0/{address}")
    assert response.status_code == 404
    assert response.json()["imsx_codeMajor"] == "failure"


def test_writing_is_refused_with_the_status_object(school: School, client: Client):
    """CLR1-P-08, P-25: not offered here."""
    response = client.delete(f"/ims/clr/v1p0/keys/{uuid.uuid4()}")
    assert response.status_code == 405
    assert response.json()["imsx_codeMajor"] == "unsupported"


def test_an_address_is_ours_whatever_host_the_portal_runs_on_now(school: School, settings):
    """Contract, *Settings*."""
    record = school.issued()
    before = profiles.profile_address(school.home, keys.public_base())
    settings.BASE_URL = "https://moved.example"
    assert hosted.served(before) is not None
    assert hosted.served(before.replace(keys.public_base(), "https://moved.example")) is not None
    assert hosted.served(before.replace(keys.public_base(), "https://other.example")) is None
    assert judged(documents.jws(record)).valid
