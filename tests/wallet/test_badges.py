"""Open Badges through the wallet's door: every sample of the collection gets the answer that it should (OB20-V-01,
OB20-V-13), and the same badge is kept once, whatever it came in."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.exchange.badgeconnect import holdings
from apps.institution import keys
from apps.learners.models import Learner
from apps.standards.baking import png, svg
from apps.wallet import intake
from apps.wallet.models import WalletItem
from tests.exchange.badgeconnect.badge_world import HOST, PICTURE, BadgeIssuer
from tests.issuance.earning import found_school
from tests.standards.verify.manifest import NOW, cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def learner(db: None, settings: Any, tmp_path: Path) -> Learner:
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    keys.forget_signers()
    return found_school().learner(1)


def take(learner: Learner, content: bytes, fetcher: Any, **options: Any) -> intake.Intake:
    return intake.take_in(learner, content, source="upload", fetcher=fetcher, now=NOW, **options)


def test_every_sample_gets_the_answer_that_it_should(learner: Learner, shared: Path) -> None:
    """OB20-V-01, OB20-V-13: a valid one is kept as valid; of an invalid one the reason is told, kept or not."""
    wrong = []
    for case in cases(shared, "ob-2.0"):
        try:
            kept = take(learner, case.source, case.fetcher(), recipients=case.expected_recipients)
        except intake.NotTaken as refusal:
            found, reason = False, str(refusal)
        else:
            found = kept.verdict == "valid"
            reason = next((each["detail"] for each in kept.item.report["checks"] if each["status"] == "failed"), "")
        expected = case.entry["expected_valid"]  # nothing where a sample only shows what is read of a picture
        if (expected is not None and found != expected) or (not found and not reason):
            wrong.append(f"{case.id}: {found} {reason}")
    assert not wrong


def test_one_badge_in_five_forms_is_kept_once(learner: Learner) -> None:
    """OB20-V-13, issue 6 item 4: as JSON, as its address, and baked into PNG and SVG it is one badge."""
    issuer = BadgeIssuer()
    hosted = issuer.assertion(learner.email)
    text = json.dumps(hosted)
    drawing = svg.bake(b'<svg xmlns="http://www.w3.org/2000/svg"/>', verify=hosted["id"], body=text)
    forms = [text.encode(), f" {text}\n".encode(), hosted["id"].encode(), png.bake(PICTURE, text), drawing]
    for form in forms:
        assert take(learner, form, issuer).verdict == "valid"
    [standing] = holdings.wallet_badges(learner)
    assert standing.document_id == hosted["id"]
    assert json.loads(holdings.text_of_item(standing) or b"") == hosted


@pytest.mark.parametrize("form", ["json", "address", "png", "svg", "jws"])
def test_what_goes_out_is_what_came_in(learner: Learner, form: str) -> None:
    """OB20-V-14, BC-R-05: exported, the badge says what was imported, from whatever form it came in."""
    issuer = BadgeIssuer()
    hosted = issuer.assertion(learner.email)
    text, token = json.dumps(hosted), issuer.signed(learner.email)
    came = {
        "json": text.encode(),
        "address": hosted["id"].encode(),
        "png": png.bake(PICTURE, text),
        "svg": svg.bake(b'<svg xmlns="http://www.w3.org/2000/svg"/>', verify=hosted["id"], body=text),
        "jws": token.encode(),
    }[form]
    item = take(learner, came, issuer).item
    out = holdings.text_of_item(item) or b""
    assert out == token.encode() if form == "jws" else json.loads(out) == hosted


def test_an_invalid_badge_tells_why_and_is_not_given_on(learner: Learner) -> None:
    """OB20-V-03: revoked since it was issued; its page says so and no host is given it."""
    issuer = BadgeIssuer()
    hosted = issuer.assertion(learner.email)
    issuer.gone.add(hosted["id"])
    kept = take(learner, json.dumps(hosted).encode(), issuer)
    assert (kept.verdict, kept.item.state) == ("invalid", WalletItem.State.REVOKED)
    assert not holdings.wallet_badges(learner).exists()


def test_what_cannot_be_asked_now_is_undecided(learner: Learner) -> None:
    """OB20-V-16: nobody answers at its address, which is not the same as invalid; judged again later it is valid."""
    issuer = BadgeIssuer()
    hosted = issuer.assertion(learner.email)
    issuer.is_there = False
    kept = take(learner, json.dumps(hosted).encode(), issuer)
    assert kept.verdict == "undecided"
    issuer.is_there = True
    assert intake.check_again(kept.item, fetcher=issuer, now=NOW).verdict == "valid"
    assert hosted["id"].startswith(HOST)
