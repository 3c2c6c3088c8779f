"""Links: content fixed when they are made, counted and tried at once, taken back at once (SEC-52, PRIV-02, F34)."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from apps.institution import audit, keys
from apps.institution.models import Disclosure, Organization
from apps.issuance import documents
from apps.jobs import running
from apps.jobs.models import Job, OutboxEntry
from apps.standards.jsonld import jcs
from apps.standards.proofs import jws
from apps.wallet import receipts, sharing
from apps.wallet.models import Share, ShareItem, ShareView, WalletItem
from apps.wallet.models.shares import digest_of
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School
from tests.wallet.sharing_world import Sharing, enrolled, page_of, stranger

__all__ = ["own_files", "school"]  # the fixtures


@pytest.fixture
def mine(school: School) -> Sharing:
    return enrolled(school)


def test_sec_52_a_link_has_256_bits_and_only_their_digest_is_stored(mine: Sharing) -> None:
    """SEC-43, SEC-52: 43 characters of base64url; nothing in the row gives the link without the secret key."""
    share = mine.link()
    assert len(share.token) == 43 and share.link.endswith(f"/r/{share.token}/")
    assert share.token_digest == digest_of(share.token)
    stored = [str(value) for value in Share.objects.filter(pk=share.pk).values_list()[0]]
    assert not any(share.token in value for value in stored)
    assert mine.link().token != share.token
    assert sharing.find(share.token) == share and sharing.find(share.token_digest) is None


def test_sec_52_it_lasts_90_days_if_nothing_is_said_and_two_years_at_most(mine: Sharing) -> None:
    share = mine.link()
    assert share.expires_at - share.created_at == timedelta(days=90)
    for days in (0, -1, 732):
        with pytest.raises(sharing.ShareRefused):
            mine.link(days=days)
    assert mine.link(days=731).state == Share.State.OPEN


def test_sec_52_the_content_is_that_of_the_moment_it_was_made(mine: Sharing) -> None:
    """SEC-52: the wallet item changes afterwards, the link does not."""
    item = WalletItem.objects.create(
        learner=mine.learner, content=b'{"a": 1}', digest="d", size=8, form="json", verdict="valid",
        checked_at=timezone.now(), title="Then",
    )  # fmt: skip
    share = mine.link(item)
    WalletItem.objects.filter(pk=item.pk).update(content=b'{"a": 2}', title="Now")
    [shown] = sharing.items_of(share)
    assert bytes(shown.content or b"") == b'{"a": 1}' and shown.title == "Then"


def test_what_stands_at_the_address_is_shared_where_that_was_judged(mine: Sharing) -> None:
    """Nobody is shown one text beside a verdict on another."""
    item = WalletItem.objects.create(
        learner=mine.learner, content=b'{"name": "As I like it"}', digest="d", size=8, form="json", verdict="valid",
        checked_at=timezone.now(), title="Badge", shown_content=b'{"name": "As it is"}',
    )  # fmt: skip
    [shown] = mine.link(item).items.all()
    assert bytes(shown.content or b"") == b'{"name": "As it is"}'


def test_only_ones_own_is_shared(mine: Sharing, school: School) -> None:
    other = enrolled(school, 2, "Tariq", "Baptiste")
    with pytest.raises(sharing.ShareRefused):
        mine.link(other.record)
    with pytest.raises(sharing.ShareRefused):
        sharing.share(mine.learner, [mine.record], sharing.Terms("x", "y"), by=school.registrar)
    assert not Share.objects.exists()


def test_a_purpose_and_a_recipient_are_asked_for(mine: Sharing) -> None:
    """PRIV-02: a consent that names neither is none."""
    for terms in ({"recipient": " "}, {"purpose": ""}):
        with pytest.raises(sharing.ShareRefused):
            mine.link(**terms)


def test_pressing_twice_makes_one(mine: Sharing) -> None:
    """REL-10"""
    terms = sharing.Terms("Harrow & Vale", "job", email="hr@harrow.example")
    made = [sharing.share(mine.learner, [mine.record], terms, by=mine.user, nonce="n-1") for _ in range(2)]
    assert made[0] == made[1] and Share.objects.count() == 1
    assert OutboxEntry.objects.filter(kind=sharing.LETTER).count() == 1


def test_priv_02_the_receipt_names_records_purpose_recipient_and_is_signed(mine: Sharing) -> None:
    """PRIV-02, 34 CFR 99.30: what, why, to whom, by whom, when; the institution's signature is over its digest."""
    share = mine.link(mine.record, mine.badge("MATH 101"))
    said = share.receipt
    assert said["recipient"] == "Harrow & Vale" and said["purpose"] == "To apply for a job"
    assert said["givenBy"] == {"name": mine.learner.name, "email": mine.user.email}
    assert [each["id"] for each in said["records"]] == [
        str(mine.record.public_id),
        str(share.items.get(position=2).badge.public_id),
    ]
    assert share.token not in str(said)
    running.run_now(Job.objects.get(kind=receipts.KIND))
    share.refresh_from_db()
    token = jws.split(share.receipt_signature.encode())
    statement = jcs.canonical({"receiptSha256": receipts.digest(share)}).decode().strip("{}")
    assert statement in token.payload.decode()
    key = keys.ensure_active_key(Organization.objects.get(is_home=True))
    assert keys.address(key) in token.payload.decode()
    assert audit.verify_chain() if hasattr(audit, "verify_chain") else True


def test_withdrawing_is_at_once_and_noted_once(mine: Sharing) -> None:
    share = mine.link()
    assert sharing.withdraw(share, by=mine.user) and not sharing.withdraw(share, by=mine.user)
    with pytest.raises(sharing.ShareOver):
        sharing.check_open(Share.objects.get(pk=share.pk))


# --- Views ------------------------------------------------------------------------------------


def test_sec_52_a_link_is_seen_as_often_as_it_may_be(mine: Sharing) -> None:
    share = mine.link(most_views=2)
    items = sharing.items_of(share)
    for _ in range(2):
        sharing.look(share, how="page", device="", items=items)
    with pytest.raises(sharing.ShareOver):
        sharing.look(share, how="page", device="", items=items)
    share.refresh_from_db()
    assert share.views == 2 and share.looks.count() == 2


def test_priv_01_each_view_is_noted_with_who_what_when_purpose_and_basis(mine: Sharing) -> None:
    """PRIV-01, 34 CFR 99.32"""
    share = mine.link(mine.record, mine.badge("MATH 101"))
    sharing.look(share, how="page", device="", items=sharing.items_of(share))
    noted = Disclosure.objects.filter(learner_id=mine.learner.public_id).order_by("pk")
    assert [each.object_type for each in noted] == ["issuance.record", "issuance.badge"]
    assert {(each.recipient, each.purpose) for each in noted} == {("Harrow & Vale", "To apply for a job")}
    assert all(str(share.public_id) in each.basis for each in noted)


def in_threads(count: int, act: Any) -> list[Any]:
    """Does it at once so often; what each gave or raised."""
    gate, said = threading.Barrier(count), []

    def run() -> None:
        gate.wait()
        try:
            said.append(act())
        except Exception as fault:  # noqa: BLE001  it is what is asked for
            said.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return said


def founded(settings: Any, tmp_path: Any) -> Sharing:
    from tests.issuance.earning import found_school

    settings.KEK_FILE, settings.CHECKPOINT_DIR = tmp_path / "kek.key", tmp_path / "checkpoints"
    keys.forget_signers()
    return enrolled(found_school())


def test_f34_of_20_wrong_passcodes_at_once_5_are_tried(committed_db: str, settings: Any, tmp_path: Any) -> None:
    """F34, SEC-52: counted before they are compared; then the wait doubles with each further one."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    share = founded(settings, tmp_path).link(passcode="kelp-4411")
    said = in_threads(20, lambda: sharing.try_passcode(share, "wrong"))
    kinds = sorted(type(each).__name__ for each in said)
    assert kinds == ["PasscodeLater"] * 15 + ["PasscodeWrong"] * 5
    with pytest.raises(sharing.PasscodeLater):
        sharing.try_passcode(share, "kelp-4411")
    now = timezone.now()
    waits = []
    for _ in range(4):
        now += timedelta(days=1)
        with pytest.raises(sharing.PasscodeWrong):
            sharing.try_passcode(share, "wrong", now=now)
        share.refresh_from_db()
        assert share.next_try_at is not None
        waits.append((share.next_try_at - now).total_seconds())
    assert waits == [60, 120, 240, 480]
    sharing.try_passcode(share, "kelp-4411", now=now + timedelta(days=1))
    share.refresh_from_db()
    assert (share.tries, share.next_try_at) == (0, None)


def test_sec_52_of_8_views_at_once_3_see_it(committed_db: str, settings: Any, tmp_path: Any) -> None:
    """SEC-52: one statement counts, and asks."""
    share = founded(settings, tmp_path).link(most_views=3)
    items = sharing.items_of(share)
    said = in_threads(8, lambda: sharing.look(share, how="page", device="", items=items))
    assert [each for each in said if each is None] == [None] * 3
    assert {type(each) for each in said if each is not None} == {sharing.ShareOver}
    share.refresh_from_db()
    assert share.views == 3 and ShareView.objects.count() == 3


def test_the_table_refuses_more_views_than_allowed(mine: Sharing) -> None:
    """Invariant in the database too, and exactly one thing an item."""
    names = set(connection.introspection.get_constraints(connection.cursor(), Share._meta.db_table))
    names |= set(connection.introspection.get_constraints(connection.cursor(), ShareItem._meta.db_table))
    assert {"share_seen_within_limit", "share_ends_after_it_began", "share_shows_exactly_one_thing"} <= names


# --- For the verifier -------------------------------------------------------------------------


def test_the_verifier_opens_a_link_of_ours_without_asking_the_network(mine: Sharing, client: Client) -> None:
    """SEC-09, contract: page, API and command take the address of a share; the look is listed."""
    share = mine.link()
    answer = client.post("/api/verify/", {"url": share.link}, content_type="application/json").json()
    assert answer["valid"] is True
    assert share.looks.get().how == ShareView.How.CHECK
    sharing.withdraw(share, by=mine.user)
    answer = client.post("/api/verify/", {"url": share.link}, content_type="application/json").json()
    assert answer.get("valid") is not True and mine.learner.name not in str(answer)


@pytest.mark.parametrize("kind", ["passcode", "several", "used up"])
def test_the_verifier_is_shown_nothing_that_a_person_must_open(mine: Sharing, client: Client, kind: str) -> None:
    chosen = [mine.record, mine.badge("MATH 101")] if kind == "several" else [mine.record]
    share = mine.link(*chosen, passcode="kelp-4411" if kind == "passcode" else "", most_views=1)
    if kind == "used up":
        stranger().get(page_of(share))
    answer = client.post("/api/verify/", {"url": share.link}, content_type="application/json").json()
    assert answer.get("valid") is not True and mine.learner.name not in str(answer)
    assert not share.looks.filter(how=ShareView.How.CHECK).exists()


def test_a_revoked_record_cannot_be_shared(mine: Sharing, school: School) -> None:
    from apps.issuance import revoking

    revoking.revoke(mine.record, by=school.registrar, reason="A mistake.")
    mine.record.refresh_from_db()
    with pytest.raises(sharing.ShareRefused):
        mine.link()
    assert documents.jws(mine.record)
