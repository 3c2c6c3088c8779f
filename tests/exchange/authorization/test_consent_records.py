"""What a consent covers (SEC-45): the query itself asks for owner and chosen records."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.exchange.authorization.scopes import CLR_READONLY
from apps.institution import keys
from tests.exchange.clients import consented, registered
from tests.issuance.earning import School, found_school

pytestmark = pytest.mark.django_db


@pytest.fixture
def school(db: None, settings: Any, tmp_path: Path) -> School:
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    keys.forget_signers()
    return found_school()


def test_all_records_are_the_learners_own_and_issued(school: School):
    """Neither a draft nor somebody else's."""
    own, other = school.learner(1), school.learner(2)
    own.user = User.objects.create_user("one@people.example", "seven-lanterns-1894")
    own.save()
    mine, _foreign = school.issued(own), school.issued(other)
    school.drafted(own)
    consent = consented(own.user, registered(), CLR_READONLY)
    assert list(consent.records()) == [mine]


def test_chosen_records_are_those_and_no_others(school: School):
    """Not one issued later, and a foreign one not even when its row stands among the chosen."""
    own, other = school.learner(1), school.learner(2)
    own.user = User.objects.create_user("one@people.example", "seven-lanterns-1894")
    own.save()
    first, foreign = school.issued(own), school.issued(other)
    consent = consented(own.user, registered(), CLR_READONLY, records=[first, foreign])
    later = school.issued(own)
    assert list(consent.records()) == [first]
    assert consent.covers(first)
    assert not consent.covers(later)
    assert not consent.covers(foreign)
