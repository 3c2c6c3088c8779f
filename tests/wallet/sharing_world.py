"""A learner with an issued record of three courses, who signs in and shares, and strangers who open links."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements.models import Assertion
from apps.issuance.models import Record
from apps.learners.models import Learner
from apps.standards.proofs import jws
from apps.wallet import sharing
from apps.wallet.models import Share
from tests.issuance.earning import School

BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1"
COURSES = {"MATH 101": "Otterblue Calculus", "CHEM 141": "Kestrelred Chemistry", "HIST 201": "Lynxgreen History"}


@dataclass
class Sharing:
    """The learner, their record, and what can be done with it."""

    school: School
    learner: Learner
    record: Record
    earned: dict[str, Assertion] = field(default_factory=dict)

    @property
    def user(self) -> User:
        assert self.learner.user is not None
        return self.learner.user

    def at_home(self) -> Client:
        """The learner, signed in."""
        client = Client(headers={"User-Agent": BROWSER})
        client.force_login(self.user)
        return client

    def link(self, *chosen: sharing.Chosen, **terms: Any) -> Share:
        """A link; to the whole record when nothing is named."""
        said = sharing.Terms(**{"recipient": "Harrow & Vale", "purpose": "To apply for a job", **terms})
        return sharing.share(self.learner, chosen or [self.record], said, by=self.user)

    def badge(self, code: str) -> sharing.Chosen:
        """One course as a badge with a signature of its own."""
        [badge] = sharing.badges_for(self.record, [self.earned[code]], by=self.user)
        return badge


def enrolled(school: School, number: int = 1, given: str = "Wanjiru", family: str = "Okonjo") -> Sharing:
    """A learner who signs in, with an issued record of three courses; each has words that only it has."""
    learner = school.learner(number, given, family)
    learner.user = User.objects.create_user(f"s{number}@students.example", name=learner.name)
    give_roles(learner.user, Role.LEARNER)
    learner.save()
    for code, title in COURSES.items():
        school.course(code, title)
    earned = {code: school.passes(learner, code) for code in COURSES}
    for code, assertion in earned.items():
        assertion.narrative = f"Narrative-{COURSES[code].split()[0]}"
        assertion.save()
    return Sharing(school, learner, school.issued(learner), earned)


def stranger(agent: str = BROWSER) -> Client:
    """Somebody without an account, at a phone."""
    return Client(headers={"User-Agent": agent})


def page_of(share: Share) -> str:
    """The address of the viewer's page."""
    return reverse("share-page", args=[share.token])


def payload(content: bytes) -> dict[str, Any]:
    """What a compact JWS says."""
    found = json.loads(jws.split(content).payload)
    assert isinstance(found, dict)
    return found


def verdicts(answer: str) -> list[str]:
    """What is said about the things on a page."""
    return re.findall(r'data-verdict="([a-z]+)"', answer)
