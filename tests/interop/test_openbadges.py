"""With openbadges 1.1.2 and openbadges-bakery 1.2.4 (PyPI), 1EdTech's first validator of Open Badges 2.0, and baker.

It reads hosted, signed and baked badges and shares no line with ours. It is of 2020 and pins packages that Python
3.11 cannot import (pycryptodome 3.6.6, python-jose 3.0.1, pytz 2017.2); ``python/overrides.txt`` names newer ones. It
issues nothing itself, so what it bakes is ours, and what is read here of its pictures must be the same again.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from apps.standards.baking import png, svg
from apps.standards.jsonld import contexts
from apps.standards.ob2 import model, write
from apps.standards.proofs.jws import Signer
from tests.interop.conftest import RunPython
from tests.standards.verify.world import World, codes, private_pem, public_pem
from tests.verification.originals import DRAWING, PICTURE

pytestmark = [pytest.mark.server, pytest.mark.once]

BASE = "https://badges.college.example"
LEARNER = "ada@learners.example"


class College:
    """An issuer of Open Badges 2.0 whose documents stand in a map of addresses."""

    def __init__(self) -> None:
        self.world = World()
        self.id, self.key, self.badge = f"{BASE}/issuer", f"{BASE}/key", f"{BASE}/badges/1"
        self.revocations = f"{BASE}/revoked"
        self.publish_key("College")
        profile = write.profile(
            id=self.id,
            name="College",
            url=BASE,
            email="badges@college.example",
            public_key=self.key,
            revocation_list=self.revocations,
        )
        self.world.serve(self.id, profile)
        self.world.serve(
            self.revocations,
            write.revocation_list(
                id=self.revocations, issuer=self.id, revoked=[("urn:uuid:7c1d9d0e-2b5b-4a56-8a43-1d5a3f2b6c7d", None)]
            ),
        )
        course = write.badge_class(
            id=self.badge,
            name="Calculus II",
            description="Series and integrals – 漢字.",
            image=f"{BASE}/image.png",
            criteria={"narrative": "Final grade of C or better."},
            issuer=self.id,
        )
        self.world.serve(self.badge, course)
        self.world.serve(f"{BASE}/image.png", PICTURE)

    def publish_key(self, name: str) -> None:
        self.world.serve(self.key, write.cryptographic_key(id=self.key, owner=self.id, public_key_pem=public_pem(name)))

    def hosted(self) -> dict[str, Any]:
        document = self._assertion(f"{BASE}/assertions/1", None)
        self.world.serve(document["id"], document)
        return document

    def signed(self) -> bytes:
        document = self._assertion("urn:uuid:3d1c2b5e-7f1a-4f0e-9d4e-0a1b2c3d4e5f", self.key)
        return Signer(private_pem("College")).sign(json.dumps(document).encode())

    def _assertion(self, id: str, creator: str | None) -> dict[str, Any]:
        return write.assertion(
            id=id,
            recipient=write.recipient(LEARNER),
            badge=self.badge,
            issued_on="2026-06-30T15:00:00Z",
            creator=creator,
        )

    def web(self) -> dict[str, Any]:
        """The map as the other program takes it, with the context that it asks for."""
        answers = {url: answer.body for url, answer in self.world.answers.items()}
        answers[model.CONTEXT_URL] = json.dumps(contexts.document_for(model.CONTEXT_URL)).encode()
        kinds = {True: "image/png", False: "application/ld+json"}
        return {url: {"body": packed(body), "content_type": kinds[body == PICTURE]} for url, body in answers.items()}


@pytest.fixture
def college() -> College:
    return College()


def packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


def verifying(source: bytes, suffix: str | None = None, recipient: str = LEARNER) -> dict[str, Any]:
    return {"do": "verify", "input": packed(source), "suffix": suffix, "recipient": {"email": recipient}}


def test_our_hosted_and_signed_badges_verify_there(openbadges: RunPython, college: College) -> None:
    hosted, signed = json.dumps(college.hosted()).encode(), college.signed()
    answers = openbadges(college.web(), [verifying(hosted), verifying(signed)])
    assert [answer.get("valid") for answer in answers] == [True, True], answers
    assert college.world.judge(hosted, expected=(LEARNER,)).valid
    assert college.world.judge(signed, expected=(LEARNER,)).valid


def test_our_pictures_verify_there(openbadges: RunPython, college: College) -> None:
    """SEC-27"""
    document, token = college.hosted(), college.signed().decode()
    pictures = [
        (png.bake(PICTURE, token), ".png"),
        (png.bake(PICTURE, json.dumps(document)), ".png"),
        (svg.bake(DRAWING, verify=token), ".svg"),
    ]
    answers = openbadges(college.web(), [verifying(picture, suffix) for picture, suffix in pictures])
    assert [answer.get("valid") for answer in answers] == [True] * 3, answers
    assert all(college.world.judge(picture).valid for picture, _ in pictures)


def test_our_drawing_of_a_hosted_badge_verifies_there(openbadges: RunPython, college: College) -> None:
    """SEC-27. It reads the address as bytes, which its own next step does not take; as text it does."""
    document = college.hosted()
    drawing = svg.bake(DRAWING, verify=document["id"], body=json.dumps(document))
    [read] = openbadges(college.web(), [{"do": "unbake", "image": packed(drawing), "suffix": ".svg"}])
    assert read == {"text": document["id"]}
    [answer] = openbadges(college.web(), [verifying(read["text"].encode())])
    assert answer.get("valid") is True, answer
    assert college.world.judge(drawing).valid


def test_their_pictures_verify_here(openbadges: RunPython, college: College) -> None:
    document, token = json.dumps(college.hosted()), college.signed().decode()
    jobs = [
        {"do": "bake", "image": packed(image), "suffix": suffix, "text": text}
        for image, suffix in ((PICTURE, ".png"), (DRAWING, ".svg"))
        for text in (token, document)
    ]
    for job, answer in zip(jobs, openbadges(college.web(), jobs), strict=True):
        picture = base64.b64decode(answer["image"])
        read = (png if job["suffix"] == ".png" else svg).extract(picture)
        assert read == job["text"] or json.loads(read) == json.loads(job["text"])
        assert college.world.judge(picture).valid, job["suffix"]


def test_both_find_the_same_faults(openbadges: RunPython, college: College) -> None:
    head, payload, signature = college.signed().decode().split(".")
    other = College()
    other.publish_key("Stranger")
    changed = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"2026-06-30", b"2026-06-29")
    forged = ".".join((head, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature)).encode()
    tries = [
        (college, forged, LEARNER, "SIGNATURE_INVALID"),
        (other, college.signed(), LEARNER, "SIGNATURE_INVALID"),
        (college, college.signed(), "somebody@else.example", "RECIPIENT_MISMATCH"),
    ]
    for school, source, person, code in tries:
        [answer] = openbadges(school.web(), [verifying(source, recipient=person)])
        assert answer.get("valid") is False, (code, answer)
        assert code in codes(school.world.judge(source, expected=(person,))), code
