"""Badges as this portal issues them, judged by openbadges 1.1.2 (PyPI) over what stands at their addresses (OB20-I-16).

The network of the other program answers with the bytes of our own doors and with nothing else, so whatever it needs of
a badge is there: class, issuer, key, revocation list, pictures.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import endorsing
from apps.achievements.models import Assertion
from apps.exchange import hosted_badges
from apps.issuance import badge_documents, badges, revoking
from apps.issuance.badge_documents import PNG, SVG
from apps.issuance.models import Badge
from apps.jobs import outbox
from apps.standards.jsonld import contexts
from apps.standards.ob2 import model
from tests.interop.conftest import RunPython
from tests.interop.test_openbadges import packed, verifying
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School
from tests.issuance.test_badges import certificate, holding

__all__ = ["own_files", "school"]  # the fixtures

pytestmark = [pytest.mark.server, pytest.mark.once, pytest.mark.django_db]
STRANGER = "somebody@else.example"


@pytest.fixture
def badge(school: School) -> Badge:
    """A badge that its learner shows: endorsed, aligned, with a validity and a story."""
    learner = school.learner()
    learner.user = User.objects.create_user("wanjiru@students.example", name="Wanjiru")
    give_roles(learner.user, Role.LEARNER)
    learner.save()
    achievement = certificate(school)
    Assertion.objects.create(
        learner=learner, achievement=achievement, issued_on=school.fall.end_date, narrative="Mapped the bay."
    )
    endorsing.endorse(achievement, comment="Fit for practice.", by_organization=school.home)
    school.issued(learner)
    outbox.send_outbox()
    made = Badge.objects.select_related("assertion__learner__user", "assertion__achievement").get()
    badges.show(made, by=learner.user)
    return made


def web_of(badge: Badge) -> dict[str, Any]:
    """What strangers get at every address that a badge names, and at those that these name."""
    said = json.loads(bytes(badge.content or b""))
    due, web = [said["id"]], {}
    while due:
        url = due.pop()
        path = badge_documents.parse(url)
        if url in web or path is None:
            continue
        response = Client().get(url[url.index(badge_documents.BASE_PATH) :])
        if response.status_code != 200:
            continue
        web[url] = {"body": packed(response.content), "content_type": response["Content-Type"]}
        if "json" in response["Content-Type"]:
            due += [text for text in _texts(response.json()) if badge_documents.parse(text)]
    context = json.dumps(contexts.document_for(model.CONTEXT_URL)).encode()
    web[model.CONTEXT_URL] = {"body": packed(context), "content_type": "application/ld+json"}
    return web


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def test_it_judges_our_badges_valid_in_every_form(openbadges: RunPython, badge: Badge) -> None:
    """OB20-I-16, OB20-I-03, OB20-I-08, OB20-I-09: hosted, signed, and both baked into PNG and SVG."""
    web, email = web_of(badge), badge.assertion.learner.email
    assert {badge_documents.parse(url)[0] for url in web if url != model.CONTEXT_URL} >= {  # type: ignore[index]
        *("assertions", "badges", "profiles", "keys", "revocations", "images", "endorsements")
    }
    sources = {
        "hosted": (bytes(badge.content or b""), None),
        "address": (json.loads(bytes(badge.content or b""))["id"].encode(), None),
        "signed": (bytes(badge.jws or b""), None),
        "PNG, hosted": (badge_documents.baked(badge, PNG, signed=False), ".png"),
        "PNG, signed": (badge_documents.baked(badge, PNG, signed=True), ".png"),
        "SVG, signed": (badge_documents.baked(badge, SVG, signed=True), ".svg"),
    }
    jobs = [verifying(source, suffix, email) for source, suffix in sources.values()]
    answers = dict(zip(sources, openbadges(web, jobs), strict=True))
    assert {name: answer.get("valid") for name, answer in answers.items()} == dict.fromkeys(sources, True), answers


def test_it_reads_the_address_of_our_hosted_drawing(openbadges: RunPython, badge: Badge) -> None:
    """OB20-I-14, OB20-I-16. It takes the address out of an SVG as bytes, which its own next step refuses; as text that
    step takes it."""
    drawing = badge_documents.baked(badge, SVG, signed=False)
    [read] = openbadges({}, [{"do": "unbake", "image": packed(drawing), "suffix": ".svg"}])
    assert read == {"text": json.loads(bytes(badge.content or b""))["id"]}
    [answer] = openbadges(web_of(badge), [verifying(read["text"].encode(), None, badge.assertion.learner.email)])
    assert answer.get("valid") is True, answer


def test_it_refuses_our_badge_of_somebody_else(openbadges: RunPython, badge: Badge) -> None:
    """OB20-I-12: the hash holds for the learner's address and for no other."""
    forms = [bytes(badge.content or b""), bytes(badge.jws or b"")]
    answers = openbadges(web_of(badge), [verifying(form, None, STRANGER) for form in forms])
    assert [answer.get("valid") for answer in answers] == [False, False], answers


def test_it_judges_a_private_badge_valid_by_its_signature(openbadges: RunPython, badge: Badge) -> None:
    """OB20-I-09: what vouches for a signed badge is public though the badge is not."""
    web = web_of(badge)
    badges.hide(badge, by=badge.assertion.learner.user)
    held = {url: answer for url, answer in web.items() if str(badge.public_id) not in url}
    assert hosted_badges.public_badge(badge.public_id) is None
    signed, hosted = openbadges(
        held,
        [verifying(bytes(form or b""), None, badge.assertion.learner.email) for form in (badge.jws, badge.content)],
    )
    assert signed.get("valid") is True, signed
    assert hosted.get("valid") is not True, hosted


def test_it_refuses_our_revoked_badge(openbadges: RunPython, badge: Badge, school: School) -> None:
    """OB20-I-06, OB20-I-11: gone from its address, named on the list.

    Two are revoked: of a list with one entry it compacts the list away and finds nothing, whoever issued it.
    """
    web, email = web_of(badge), badge.assertion.learner.email
    other, _ = holding(school, 2)
    outbox.send_outbox()
    for record in (badge.record, other):
        revoking.revoke(record, by=school.registrar, reason="Issued in error.")
    address = json.loads(bytes(badge.content or b""))["id"]
    assert Client().get(address[address.index(badge_documents.BASE_PATH) :]).status_code == 410
    for url in [url for url in web if url == address or "/revocations/" in url]:
        del web[url]
        response = Client().get(url[url.index(badge_documents.BASE_PATH) :])
        if response.status_code == 200:
            web[url] = {"body": packed(response.content), "content_type": response["Content-Type"]}
    hosted, signed = openbadges(
        web, [verifying(bytes(form or b""), None, email) for form in (badge.content, badge.jws)]
    )
    assert hosted.get("valid") is False, hosted
    assert signed.get("valid") is False, signed
    assert any("revoked" in str(each) and "Issued in error." in str(each) for each in signed["messages"]), signed
