"""Open Badges from records (digest, OB20-I-…): made once, judged before they are out, ended with their record."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.achievements.models import Achievement, Alignment, Assertion, BadgeDesign
from apps.institution import audit, erasing, files, keys
from apps.institution.models import Organization
from apps.issuance import badge_documents, badges, batches, documents, review, revoking, signing
from apps.issuance.models import Badge, Record
from apps.jobs import outbox, retention
from apps.standards import identities
from apps.standards.baking import png, svg
from apps.standards.convert import clr1_ob2
from apps.standards.proofs import jws
from tests.issuance.earning import School


def certificate(school: School, **changes: Any) -> Achievement:
    achievement = Achievement.objects.create(
        **{
            "achievement_type": "Certificate",
            "name": "Field methods – 漢字",
            "description": "Maps and samples.",
            "criteria_narrative": "Two weeks outdoors.",
            "human_code": "GEO 320",
            "issuer": school.home,
            **changes,
        }
    )
    Alignment.objects.create(
        achievement=achievement, target_name="Investigates", target_url="https://case.example/CFItems/1"
    )
    return achievement


def holding(school: School, number: int = 1, **changes: Any) -> tuple[Record, Assertion]:
    """An issued record of a learner with a course and a certificate; and the certificate's assertion."""
    learner = school.learner(number)
    school.passes(learner, "MATH 101")
    assertion = Assertion.objects.create(
        learner=learner,
        achievement=certificate(school, **changes),
        issued_on=school.fall.end_date,
        narrative="Mapped the bay.",
    )
    return school.issued(learner), assertion


@pytest.fixture
def held(school: School) -> tuple[Record, Assertion]:
    return holding(school)


def run_outbox() -> None:
    outbox.send_outbox()


def test_a_badge_is_made_when_a_record_is_issued(held: tuple[Record, Assertion]) -> None:
    """OB20-I-01, OB20-I-02, OB20-I-16: hosted and signed, both judged valid before they are stored."""
    record, assertion = held
    run_outbox()
    [badge] = badges.badges_of(record.learner)
    assert badge.assertion == assertion
    assert badge.is_whole and not badge.is_public
    said = json.loads(bytes(badge.content or b""))
    assert said["id"].endswith(f"/ims/ob/v2p0/assertions/{badge.public_id}")
    assert said["verification"] == {"type": "HostedBadge"}
    assert said["narrative"] == "Mapped the bay."
    assert said["badge"]["name"] == "Field methods – 漢字"
    assert said["badge"]["criteria"]["narrative"] == "Two weeks outdoors."
    assert said["badge"]["alignment"][0]["targetUrl"] == "https://case.example/CFItems/1"
    assert said["badge"]["issuer"]["email"] and said["badge"]["issuer"]["url"]


def test_the_signed_form_says_the_same(held: tuple[Record, Assertion]) -> None:
    """OB20-I-09, OB20-I-10: urn:uuid, creator, RS256."""
    run_outbox()
    badge = Badge.objects.get()
    token = jws.split(bytes(badge.jws or b""))
    said = json.loads(token.payload)
    assert token.algorithm == "RS256"
    assert said["id"] == f"urn:uuid:{badge.public_id}" and badge.public_id.version == 4
    assert said["verification"]["type"] == "SignedBadge"
    found = badge_documents.parse(said["verification"]["creator"])
    assert found is not None
    owned = badge_documents.key_at(found[1])
    assert owned is not None
    profile = badge_documents.profile_document(owned[1], keys.public_base())
    assert badge_documents.key_document(*owned, keys.public_base())["owner"] == profile["id"]
    assert profile["publicKey"] == said["verification"]["creator"]
    hosted = json.loads(bytes(badge.content or b""))
    own = ("id", "verification", "image")
    assert {k: v for k, v in said.items() if k not in own} == {k: v for k, v in hosted.items() if k not in own}


def test_priv_06_the_recipient_is_hashed_with_a_salt_of_its_own(school: School) -> None:
    """PRIV-06, OB20-I-12"""
    for number in (1, 2):
        holding(school, number)
    run_outbox()
    recipients = [json.loads(bytes(each.content or b""))["recipient"] for each in Badge.objects.order_by("pk")]
    salts = {each["salt"] for each in recipients}
    assert len(salts) == 2 and all(len(bytes.fromhex(salt)) >= 16 for salt in salts)
    for number, recipient in enumerate(recipients, start=1):
        assert recipient["hashed"] is True
        mine = f"s{number}@students.example"
        assert identities.matches(recipient["identity"], [mine], salt=recipient["salt"])
        assert mine not in json.dumps(recipients)


def test_somebody_without_an_address_is_named_by_number(school: School) -> None:
    learner = school.learner()
    learner.email = ""
    learner.save()
    Assertion.objects.create(learner=learner, achievement=certificate(school), issued_on=school.fall.end_date)
    school.issued(learner)
    run_outbox()
    recipient = json.loads(bytes(Badge.objects.get().content or b""))["recipient"]
    assert recipient["type"] == "id"
    assert identities.matches(recipient["identity"], [f"urn:uuid:{learner.public_id}"], salt=recipient["salt"])


def test_grades_stay_in_the_record(school: School) -> None:
    """PRIV-06: a badge is shown around, a grade need not be."""
    learner = school.learner()
    assertion = school.passes(learner, "MATH 101", grade="C")
    record = school.issued(learner)
    badge = badges.make(record, assertion)
    text = bytes(badge.content or b"").decode()
    assert '"C"' not in text and "creditsEarned" not in text and "resultDescription" not in text


def test_a_course_becomes_a_badge_when_the_learner_asks(held: tuple[Record, Assertion]) -> None:
    record, _ = held
    run_outbox()
    course = Assertion.objects.get(achievement__achievement_type="Course")
    assert not Badge.objects.filter(assertion=course).exists()
    assert badges.make(record, course) == badges.make(record, course)
    assert Badge.objects.filter(assertion=course).count() == 1


def test_a_designed_course_becomes_one_by_itself(school: School) -> None:
    learner = school.learner()
    assertion = school.passes(learner, "MATH 101")
    BadgeDesign.objects.create(achievement=assertion.achievement, shape="seal", letters="M1")
    school.issued(learner)
    run_outbox()
    assert Badge.objects.get().assertion == assertion


def test_making_it_again_makes_nothing(held: tuple[Record, Assertion]) -> None:
    """I1, REL-02: the work may run any number of times."""
    record, _ = held
    assert badges.look_after(record) == 1
    assert badges.look_after(record) == 0
    run_outbox()
    assert Badge.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Badge.objects.create(
            **{
                name: getattr(Badge.objects.get(), name)
                for name in (
                    *("assertion", "record", "learner_id", "content", "digest", "jws", "jws_digest"),
                    *("said_digest", "png_digest", "key", "issued_on"),
                )
            }
        )


def test_rel_14_bytes_never_change(held: tuple[Record, Assertion]) -> None:
    """REL-14, invariant 2"""
    run_outbox()
    for change in ({"content": b"{}"}, {"jws": b"x"}, {"content": None}, {"digest": "0" * 64}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Badge.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Badge.objects.all()._raw_delete("default")  # type: ignore[attr-defined]
    assert Badge.objects.get().is_whole


def test_revoking_the_record_ends_its_badges(held: tuple[Record, Assertion], school: School) -> None:
    """OB20-I-11, invariant 5: nothing revoked comes back."""
    record, assertion = held
    run_outbox()
    revoking.revoke(record, by=school.registrar, reason="Issued in error.")
    badge = Badge.objects.get()
    assert badge.revoked_at is not None and badge.revocation_reason == "Issued in error."
    assert not badges.badges_of(record.learner).exists()
    listed = badge_documents.revocation_document(school.home, keys.public_base())["revokedAssertions"]
    assert listed == [{"id": f"urn:uuid:{badge.public_id}", "revocationReason": "Issued in error."}]
    record.refresh_from_db()
    with pytest.raises(badges.BadgeRefused):
        badges.make(record, assertion)
    with pytest.raises(IntegrityError), transaction.atomic():
        Badge.objects.update(revoked_at=None)


def test_a_badge_stays_while_another_record_holds_it(held: tuple[Record, Assertion], school: School) -> None:
    first, _ = held
    school.issued(first.learner)
    run_outbox()
    revoking.revoke(first, by=school.registrar, reason="A copy too many.")
    assert badges.badges_of(first.learner).count() == 1


def test_revoking_what_was_earned_ends_its_badge(held: tuple[Record, Assertion], school: School) -> None:
    record, assertion = held
    run_outbox()
    revoking.revoke_assertion(assertion, by=school.registrar, reason="Not earned.")
    assert Badge.objects.get().revocation_reason == "Not earned."
    with pytest.raises(badges.BadgeRefused):
        badges.make(record, assertion)


def issue_correction(school: School, fresh: Record) -> None:
    fresh.refresh_from_db()
    review.submit(fresh, by=school.registrar, version=fresh.version)
    review.approve(fresh, by=school.approver, version=fresh.version)
    batches.start([fresh], by=school.registrar)
    signing.issue_due()
    fresh.refresh_from_db()
    assert fresh.state == Record.State.ISSUED


def test_a_correction_replaces_the_badge_when_it_says_something_else(
    held: tuple[Record, Assertion], school: School
) -> None:
    record, assertion = held
    run_outbox()
    old = Badge.objects.get()
    Badge.objects.update(is_public=True)
    assertion.narrative = "Mapped the whole bay."
    assertion.version += 1
    assertion.save()
    issue_correction(school, revoking.reissue(record, by=school.registrar, reason="Wrong text."))
    run_outbox()
    [new] = badges.badges_of(record.learner)
    old.refresh_from_db()
    assert new.replaces == old and old.replaced_at is not None and new.is_public
    assert "whole bay" in bytes(new.content or b"").decode()


def test_a_correction_elsewhere_leaves_the_badge(held: tuple[Record, Assertion], school: School) -> None:
    record, _ = held
    run_outbox()
    old = Badge.objects.get()
    issue_correction(school, revoking.reissue(record, by=school.registrar, reason="Wrong text."))
    run_outbox()
    assert list(badges.badges_of(record.learner)) == [old]


def test_what_a_correction_leaves_out_has_no_badge_any_more(held: tuple[Record, Assertion], school: School) -> None:
    record, assertion = held
    run_outbox()
    fresh = revoking.reissue(record, by=school.registrar, reason="Wrong person.")
    fresh.draft.items.filter(assertion=assertion).update(included=False)
    issue_correction(school, fresh)
    run_outbox()
    assert Badge.objects.get().revoked_at is not None


def test_baked_pictures_carry_one_badge(held: tuple[Record, Assertion]) -> None:
    """OB20-I-05, OB20-I-13, OB20-I-14, OB20-I-15"""
    run_outbox()
    badge = Badge.objects.get()
    token, content = bytes(badge.jws or b"").decode(), bytes(badge.content or b"").decode()
    picture = badge_documents.baked(badge, "image/png", signed=True)
    assert png.extract(picture) == token
    assert picture.count(b"iTXtopenbadges\0\0\0\0\0") == 1
    again = png.bake(picture, token)
    assert again == picture
    assert png.extract(badge_documents.baked(badge, "image/png", signed=False)) == content
    drawing = badge_documents.baked(badge, "image/svg+xml", signed=False)
    assert svg.extract(drawing) == content and svg.verify_attribute(drawing) == json.loads(content)["id"]
    assert svg.extract(badge_documents.baked(badge, "image/svg+xml", signed=True)) == token


def test_the_picture_stays_as_issued(held: tuple[Record, Assertion]) -> None:
    """REL-16"""
    _, assertion = held
    run_outbox()
    badge = Badge.objects.get()
    before = badge_documents.picture_of(badge, "image/png")
    BadgeDesign.objects.create(achievement=assertion.achievement, shape="circle", letters="GM", colour="#aa0000")
    assert badge_documents.picture_of(badge, "image/png") == before
    assert badge_documents.class_picture(assertion.achievement, "image/png") != before


def test_the_record_s_assertion_links_its_badge(held: tuple[Record, Assertion]) -> None:
    record, assertion = held
    said = json.loads(documents.payload(record))
    [entry] = [each for each in said["assertions"] if each["id"].endswith(str(assertion.public_id))]
    assert entry[clr1_ob2.BADGE] == badge_documents.address(keys.public_base(), "assertions", assertion.public_id)


def test_the_learner_alone_shows_a_badge(held: tuple[Record, Assertion], school: School) -> None:
    """PRIV-03, I4"""
    record, _ = held
    run_outbox()
    badge = Badge.objects.get()
    with pytest.raises(badges.BadgeRefused):
        badges.show(badge, by=school.registrar)
    user = User.objects.create_user("w@students.example", password="a-long-password-1")
    record.learner.user = user
    record.learner.save()
    badge.refresh_from_db()
    badges.show(badge, by=user)
    assert Badge.objects.public().exists()
    record.learner.withholds_directory = True
    record.learner.save()
    assert not Badge.objects.public().exists()
    badge.assertion.learner.refresh_from_db()
    with pytest.raises(badges.BadgeRefused):
        badges.show(badge, by=user)
    badges.hide(badge, by=user)
    assert not Badge.objects.filter(is_public=True).exists()


def test_priv_05_erasure_takes_the_bytes(held: tuple[Record, Assertion]) -> None:
    """PRIV-05, REL-14: digest and trail stay."""
    record, _ = held
    run_outbox()
    erasing.erase(record.learner.public_id, ground="Asked to.", records=True)
    badge = Badge.objects.get()
    assert badge.content is None and badge.jws is None and badge.digest
    assert not badges.badges_of(record.learner).exists()
    report = audit.verify()
    assert report.is_whole and f"badge {badge.public_id}" in report.erased


def test_a_department_in_its_own_name_has_a_key_of_that_name(school: School) -> None:
    """OB20-I-09, OB20-I-10: the key's owner points back to the issuer."""
    department = Organization.objects.create(
        name="Geology", kind="department", parent=school.home, issues_in_own_name=True, email="geo@college.example"
    )
    holding(school, issuer=department)
    run_outbox()
    said = json.loads(jws.split(bytes(Badge.objects.get().jws or b"")).payload)
    assert said["badge"]["issuer"]["name"] == "Geology"
    found = badge_documents.parse(said["verification"]["creator"])
    assert found is not None
    owned = badge_documents.key_at(found[1])
    assert owned is not None and owned[1] == department


def test_files_of_badges_are_named_by_their_rows(held: tuple[Record, Assertion]) -> None:
    """REL-22"""
    run_outbox()
    badge = Badge.objects.get()
    assert {badge.svg_digest, badge.png_digest} <= retention.named_files()
    assert files.get(badge.png_digest).startswith(b"\x89PNG")
