"""Open Badges at their addresses, and as people see them (OB20-I-03 to I-07, I-17; PRIV-03, I4)."""

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import endorsing
from apps.achievements.models import Assertion
from apps.exchange import hosted_badges
from apps.institution import files, keys
from apps.issuance import badge_documents, badges, documents, publicity, revoking
from apps.issuance.models import Badge
from apps.jobs import outbox
from apps.standards.baking import png, svg
from apps.standards.convert import clr1_ob2
from apps.standards.verify import engine
from apps.standards.verify.sources import OfflineFetcher
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School
from tests.issuance.test_badges import certificate

__all__ = ["own_files", "school"]  # the fixtures
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"}


class Own:
    """Our own addresses as a stranger finds them."""

    def issued(self, id: str) -> None:
        return None

    def served(self, url: str) -> Any:
        return hosted_badges.served(url)


def judged(source: bytes, **options: Any) -> Any:
    """The verdict of a verifier that only has what we host."""
    return engine.verify(
        source, fetcher=OfflineFetcher(), own=Own(), now=timezone.now() + timedelta(seconds=2), **options
    )


@pytest.fixture
def badge(school: School) -> Badge:
    """A badge of somebody who signs in; private, as badges are."""
    learner = school.learner()
    learner.user = User.objects.create_user("wanjiru@students.example", name="Wanjiru")
    give_roles(learner.user, Role.LEARNER)
    learner.save()
    school.passes(learner, "CHEM 141", grade="A-")
    Assertion.objects.create(
        learner=learner, achievement=certificate(school), issued_on=school.fall.end_date, narrative="Mapped the bay."
    )
    school.issued(learner)
    outbox.send_outbox()
    return Badge.objects.select_related("assertion__learner__user", "assertion__achievement").get()


@pytest.fixture
def public(badge: Badge) -> Badge:
    """The same, shown to everybody."""
    badges.show(badge, by=badge.assertion.learner.user)
    return badge


@pytest.fixture
def browser(badge: Badge, client: Client) -> Client:
    """The learner's."""
    assert badge.assertion.learner.user is not None
    client.force_login(badge.assertion.learner.user)
    return client


def at(kind: str, public_id: object) -> str:
    return f"/ims/ob/v2p0/{kind}/{public_id}"


# --- the objects ------------------------------------------------------------------------------


def test_a_public_badge_is_served_as_it_was_issued(public: Badge, client: Client) -> None:
    """OB20-I-03, OB20-I-04, REL-16: hosted bytes are stored bytes."""
    response = client.get(at("assertions", public.public_id))
    assert response.status_code == 200
    assert response.content == bytes(public.content or b"")
    assert response["Content-Type"] == "application/ld+json"
    assert response["Access-Control-Allow-Origin"] == "*"
    plain = client.get(at("assertions", public.public_id), headers={"Accept": "application/json"})
    assert plain["Content-Type"] == "application/json" and plain.content == response.content
    again = client.get(at("assertions", public.public_id), headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    signed = client.get(at("assertions", public.public_id), headers={"Accept": "application/jose"})
    assert signed.content == bytes(public.jws or b"")


def test_everything_that_a_badge_names_is_there(public: Badge, client: Client) -> None:
    """OB20-I-03, OB20-I-05, OB20-I-08"""
    said = client.get(at("assertions", public.public_id)).json()
    there = {"badges": said["badge"]["id"], "profiles": said["badge"]["issuer"]["id"]}
    profile = client.get(there["profiles"][there["profiles"].index("/ims/") :]).json()
    there |= {"keys": profile["publicKey"], "revocations": profile["revocationList"]}
    for kind, address in there.items():
        response = client.get(address[address.index("/ims/") :])
        assert response.status_code == 200, kind
        assert response.json()["id"] == address
    assert said["id"].startswith(profile["verification"]["startsWith"][0])
    for address in (said["image"], said["badge"]["image"]):
        response = client.get(address[address.index("/ims/") :])
        assert response["Content-Type"] == "image/png"
        Image.open(io.BytesIO(response.content)).load()


def test_our_verifier_accepts_every_form(public: Badge) -> None:
    """OB20-I-16: hosted, signed, and both baked in both ways."""
    email = public.assertion.learner.email
    for source in (
        bytes(public.content or b""),
        bytes(public.jws or b""),
        *(
            badge_documents.baked(public, kind, signed=s)
            for kind in ("image/png", "image/svg+xml")
            for s in (True, False)
        ),
    ):
        result = judged(source, expected_recipients=[email])
        assert result.valid, result.sentence
    assert not judged(bytes(public.jws or b""), expected_recipients=["somebody@else.example"]).valid


def test_a_private_badge_answers_as_one_that_does_not_exist(badge: Badge, client: Client) -> None:
    """I4; its signed form verifies all the same."""
    for kind in ("assertions", "images"):
        private, absent = client.get(at(kind, badge.public_id)), client.get(at(kind, uuid.uuid4()))
        assert private.status_code == absent.status_code == 404
        assert set(private.headers) == set(absent.headers)
    assert client.get(f"/badges/{badge.public_id}", headers=BROWSER).status_code == 404
    assert judged(bytes(badge.jws or b"")).valid


def test_a_revoked_badge_is_gone_with_its_reason(public: Badge, client: Client, school: School) -> None:
    """OB20-I-06, OB20-I-07, OB20-I-11"""
    revoking.revoke(public.record, by=school.registrar, reason="Issued in error.")
    response = client.get(at("assertions", public.public_id))
    assert response.status_code == 410
    said = response.json()
    assert said["revoked"] is True and said["revocationReason"] == "Issued in error."
    assert said["id"].endswith(at("assertions", public.public_id))
    for form in (public.content, public.jws):
        result = judged(bytes(form or b""))
        assert not result.valid
        assert "REVOKED" in str(result)
    page = client.get(f"/badges/{public.public_id}", headers=BROWSER)
    assert page.status_code == 410 and "Issued in error." in page.content.decode()


def test_the_record_s_link_leads_to_the_badge(public: Badge, client: Client) -> None:
    """Bridge: what the CLR assertion names answers with the badge that stands for it."""
    said = json.loads(documents.payload(public.record))
    links = [each[clr1_ob2.BADGE] for each in said["assertions"] if clr1_ob2.BADGE in each]
    link = next(each for each in links if each.endswith(str(public.assertion.public_id)))
    response = client.get(link[link.index("/ims/") :])
    assert response.status_code == 302
    assert response["Location"].endswith(at("assertions", public.public_id))
    badges.hide(public, by=public.assertion.learner.user)
    assert client.get(link[link.index("/ims/") :]).status_code == 404


def test_a_badge_goes_back_into_a_record(public: Badge) -> None:
    """Bridge: what both can say is the same again."""
    said = json.loads(documents.payload(public.record))
    own = next(e for e in said["assertions"] if e["id"].endswith(str(public.assertion.public_id)))
    back = clr1_ob2.assertion_from_badge(json.loads(bytes(public.content or b"")))
    assert back.id == own["id"]
    assert back.achievement is not None and back.achievement.id == own["achievement"]["id"]
    assert back.achievement.achievement_type == own["achievement"]["achievementType"]
    assert (back.issued_on, back.narrative) == (own["issuedOn"], own["narrative"])


def test_an_endorsement_of_an_achievement_endorses_its_badge(public: Badge, client: Client, school: School) -> None:
    """Digest, A9: claim is the badge class, hosted in our scope."""
    endorsing.endorse(public.assertion.achievement, comment="Fit for practice.", by_organization=school.home)
    document = client.get(at("badges", public.assertion.achievement.public_id)).json()
    [address] = document["endorsement"]
    said = client.get(address[address.index("/ims/") :]).json()
    assert said["claim"]["id"] == document["id"]
    assert said["claim"]["endorsementComment"] == "Fit for practice."
    assert judged(bytes(public.content or b"")).valid


@pytest.mark.parametrize("suffix", [".png", ".svg", ""])
def test_the_picture_of_a_class_is_for_everybody(suffix: str, badge: Badge, client: Client) -> None:
    """OB20-I-05"""
    path = at("images", badge.assertion.achievement.public_id) + suffix
    response = client.get(path, headers={"Accept": "image/svg+xml"} if not suffix else {})
    assert response.status_code == 200
    assert response["Content-Type"] == ("image/png" if suffix == ".png" else "image/svg+xml")
    assert "sandbox" in response["Content-Security-Policy"]
    assert client.get(path, headers={"If-None-Match": response["ETag"], "Accept": "*/*"}).status_code in {200, 304}


@pytest.mark.parametrize("name", ["1", "x" * 36, "0" * 36, str(uuid.UUID(int=42)).upper(), f"{uuid.UUID(int=43)}.gif"])
def test_odd_addresses_are_absent(name: str, badge: Badge, client: Client) -> None:
    """SEC-21"""
    for kind in (*hosted_badges.KINDS, "clrs", "x"):
        assert client.get(at(kind, name)).status_code == 404


def test_objects_are_only_read(badge: Badge, client: Client) -> None:
    response = client.post(at("badges", badge.assertion.achievement.public_id), b"{}", "application/json")
    assert response.status_code == 405 and "GET" in response["Allow"]


def test_a_compromised_key_is_withdrawn(public: Badge, client: Client) -> None:
    """SEC-61: nothing signed with it counts any more."""
    key = public.key
    address = at("keys", key.public_id)
    assert client.get(address).status_code == 200
    keys.compromise(key, since=timezone.now())
    assert client.get(address).status_code == 410
    assert not judged(bytes(public.jws or b"")).valid


def test_rel_16_damaged_bytes_are_never_given_out(public: Badge, client: Client) -> None:
    """REL-16"""
    files.path_of(public.png_digest).write_bytes(b"\x89PNG something else")
    assert client.get(at("images", public.public_id) + ".png").status_code == 503


# --- pages ------------------------------------------------------------------------------------


def test_people_see_a_public_badge(public: Badge, client: Client) -> None:
    """Structured data and a picture for previews; no results."""
    response = client.get(f"/badges/{public.public_id}", headers=BROWSER)
    text = response.content.decode()
    assert response.status_code == 200
    for told in ("Field methods – 漢字", "Wanjiru", "Mapped the bay.", "EducationalOccupationalCredential"):
        assert told in text
    assert f'property="og:image" content="{settings.BASE_URL}/badges/{public.public_id}/card.png"' in text
    assert public.assertion.learner.email not in text
    card = client.get(f"/badges/{public.public_id}/card.png")
    assert Image.open(io.BytesIO(card.content)).size == (1200, 630)


def test_machines_are_sent_on(public: Badge, client: Client) -> None:
    response = client.get(f"/badges/{public.public_id}")
    assert (response.status_code, response["Location"]) == (303, at("assertions", public.public_id))
    people = client.get(at("assertions", public.public_id), headers=BROWSER)
    assert (people.status_code, people["Location"]) == (303, f"/badges/{public.public_id}")


def test_the_page_of_an_assertion_shows_the_picture(public: Badge, client: Client) -> None:
    publicity.show(public.record, by=public.assertion.learner.user)
    text = client.get(f"/assertions/{public.assertion.public_id}", headers=BROWSER).content.decode()
    assert f"{at('images', public.assertion.achievement.public_id)}.svg" in text
    assert f"/badges/{public.public_id}" in text


# --- the learner ------------------------------------------------------------------------------


def test_the_record_offers_each_achievement_as_a_badge(badge: Badge, browser: Client) -> None:
    text = browser.get(f"/records/{badge.record.public_id}/").content.decode()
    for assertion in Assertion.objects.all():
        assert f"/records/badges/{assertion.public_id}/" in text


def test_a_learner_takes_the_badge_along(badge: Badge, browser: Client) -> None:
    """OB20-I-17"""
    base = f"/records/badges/{badge.assertion.public_id}/"
    assert "Mapped the bay." in browser.get(base).content.decode()
    token, content = bytes(badge.jws or b""), bytes(badge.content or b"")
    assert png.extract(browser.get(f"{base}badge.png").content) == token.decode()
    assert svg.extract(browser.get(f"{base}badge.svg").content) == token.decode()
    assert browser.get(f"{base}badge.jws").content == token
    response = browser.get(f"{base}badge.json")
    assert response.content == content
    assert "no-store" in response["Cache-Control"]


def test_a_learner_asks_for_a_badge_of_a_course(badge: Badge, browser: Client) -> None:
    course = Assertion.objects.get(achievement__achievement_type="Course")
    base = f"/records/badges/{course.public_id}/"
    assert "Get as badge" in browser.get(base).content.decode()
    assert browser.get(f"{base}badge.png").status_code == 404
    for _ in range(2):
        assert browser.post(f"{base}get/").status_code == 302
    [made] = Badge.objects.filter(assertion=course)
    assert "A-" not in bytes(made.content or b"").decode()
    assert judged(bytes(made.jws or b"")).valid


def test_a_learner_shows_and_hides_a_badge(badge: Badge, browser: Client) -> None:
    """PRIV-03: at once, either way."""
    base = f"/records/badges/{badge.assertion.public_id}/"
    browser.post(f"{base}public/", {"public": "yes"})
    stranger = Client()
    assert stranger.get(at("assertions", badge.public_id)).status_code == 200
    assert f"/badges/{badge.public_id}" in browser.get(base).content.decode()
    browser.post(f"{base}public/", {"public": "no"})
    assert stranger.get(at("assertions", badge.public_id)).status_code == 404


@pytest.mark.parametrize("name", ["", "badge.png", "badge.svg", "badge.json", "badge.jws"])
def test_nobody_else_reaches_these_pages(name: str, badge: Badge, client: Client, school: School) -> None:
    """SEC-50"""
    client.force_login(school.registrar)
    assert client.get(f"/records/badges/{badge.assertion.public_id}/{name}").status_code == 404
    assert Client().get(f"/records/badges/{badge.assertion.public_id}/{name}").status_code == 302
