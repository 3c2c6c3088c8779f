"""Taking documents into a wallet: judged, kept as they came, once, with their versions (CLR1-C-10, C-11, P-26)."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from apps.accounts.models import User
from apps.learners.models import Learner
from apps.standards.errors import NotReachable
from apps.wallet import intake
from apps.wallet.intake import NotTaken, Source, documents_in, take_in
from apps.wallet.models import Receipt, WalletItem
from tests.standards.verify.manifest import NOW, by_id, cases

CONTEXT = "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld"
COLLECTIONS = ("clr-1.0", "ob-2.0", "ob-3.0", "clr-2.0")


class Nowhere:
    """A network in which nobody answers."""

    def __init__(self) -> None:
        self.asked = 0

    def fetch(self, url: str, *, kind: str) -> Any:
        self.asked += 1
        raise NotReachable("Nobody answers there.")


def record(**changed: Any) -> dict[str, Any]:
    """A plain record of nobody in particular."""
    return {
        "@context": CONTEXT,
        "id": "urn:uuid:7be2a2c0-3d5c-4f4a-9d3b-0f5f2b6f3c11",
        "type": "Clr",
        "name": "A record",
        "issuedOn": "2026-01-05T10:00:00Z",
        "learner": {"id": "urn:uuid:5b1d", "name": "Alma Okonjo"},
        "publisher": {"id": "https://far.example/issuers/1", "name": "Far College"},
        "assertions": [],
        **changed,
    }


def take(learner: Learner, document: Any, source: str = Source.UPLOAD, sender: str = "", **options: Any) -> Any:
    """Take a document in, with no network."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return take_in(learner, content, source=source, sender=sender, fetcher=Nowhere(), now=NOW, **options)


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_sample_is_kept_byte_for_byte_with_its_verdict(shared: Path, db: None, collection: str) -> None:
    """CLR1-P-26, CLR1-C-10: whatever the format, what was received is what is there, and the verdict is beside it."""
    taken = 0
    for case in cases(shared, collection):
        learner = Learner.objects.create(given_name=case.id)  # a wallet each: some cases are one file, judged anew
        for content in documents_in(case.source):
            try:
                kept = take_in(learner, content, source=Source.UPLOAD, fetcher=case.fetcher(), now=NOW)
            except NotTaken as refusal:
                assert case.entry.get("expected_valid") is not True, f"{case.id}: {refusal}"
                continue
            taken += 1
            item = WalletItem.objects.get(pk=kept.item.pk)
            assert bytes(item.content) in (content, content.strip()), case.id
            assert item.digest == hashlib.sha256(bytes(item.content)).hexdigest()
            assert item.size == len(item.content)
            if case.entry.get("expected_valid") is True and not case.entry.get("contested"):
                assert item.verdict == "valid", case.id
    assert taken > 40


def test_the_item_says_what_the_document_says(shared: Path, learner: Learner) -> None:
    """What lists show: title, issuer, dates, form and kind."""
    case = by_id(shared, "clr-1.0")["signed-clr"]
    item = take_in(learner, case.source, source=Source.UPLOAD, fetcher=case.fetcher(), now=NOW).item
    assert (item.format, item.kind, item.form, item.verdict) == ("clr-1.0", "record", "jws", "valid")
    assert item.document_id and item.issuer_id and item.issuer_name and item.learner_name and item.issued_on
    assert item.report["verdict"] == "valid"
    assert item.checked_at == NOW


def test_a_badge_in_a_picture_is_kept_as_the_picture(shared: Path, learner: Learner) -> None:
    """The picture itself is what was received; what is known of it comes from the credential inside."""
    case = next(each for each in cases(shared, "ob-3.0") if each.entry["input"] == "png")
    item = take_in(learner, case.source, source=Source.UPLOAD, fetcher=case.fetcher(), now=NOW).item
    assert bytes(item.content).startswith(b"\x89PNG")
    assert (item.form, item.format) == ("png", "ob-3.0")
    assert item.title


def test_unknown_properties_stay_as_written(learner: Learner) -> None:
    """CLR1-P-26: spelling of numbers, order, and properties of no standard."""
    text = json.dumps(record())[:-1] + ', "ext:precise": 0.10000000000000000000001, "zz": {"ü": [1.0, 1e3, "\\u00e9"]}}'
    item = take(learner, text.encode()).item
    assert bytes(item.content) == text.encode()


def test_one_document_in_other_wrapping_has_one_digest(learner: Learner) -> None:
    """A byte order mark and blanks around a text are not part of it."""
    text = json.dumps(record()).encode()
    first = take(learner, text)
    assert take(learner, b"\xef\xbb\xbf" + text + b"\r\n").item == first.item


def test_what_stands_at_its_address_is_kept_beside_what_came(shared: Path, learner: Learner) -> None:
    """CLR1-V-08: the values of an outdated copy are never shown as verified."""
    case = by_id(shared, "clr-1.0")["hosted-clr-input-altered"]
    item = take_in(learner, case.source, source=Source.UPLOAD, fetcher=case.fetcher(), now=NOW).item
    assert item.shown_content is not None
    assert json.loads(bytes(item.shown_content)) != json.loads(bytes(item.content))


# --- once -------------------------------------------------------------------------------------


def test_the_same_document_twice_is_one_item(learner: Learner) -> None:
    """The same body twice gives the same item; the second time is no news."""
    first, second = take(learner, record()), take(learner, record())
    assert first.created and not second.created
    assert first.item == second.item
    assert WalletItem.objects.count() == 1


def test_the_same_document_from_two_senders_is_one_item_with_two_receipts(learner: Learner) -> None:
    """Each sender is noted; neither learns from the answer that the other was there."""
    first = take(learner, record(), Source.CLIENT, "a")
    second = take(learner, record(), Source.CLIENT, "b")
    assert first.created and second.created
    assert first.item == second.item
    assert Receipt.objects.count() == 2


def test_the_same_document_in_two_wallets_is_two_items(learner: Learner) -> None:
    """A wallet is one person's."""
    other = Learner.objects.create(given_name="Bo")
    assert take(learner, record()).item != take(other, record()).item


def test_a_plain_document_that_only_looks_different_is_the_same(learner: Learner) -> None:
    """White space and order of members are no new version."""
    first = take(learner, json.dumps(record(), indent=3).encode())
    second = take(learner, json.dumps(dict(reversed(record().items()))).encode())
    assert not second.created
    assert second.item == first.item


# --- versions ---------------------------------------------------------------------------------


def test_a_newer_version_is_the_successor(learner: Learner) -> None:
    """CLR1-C-11: the new one stands under the same address, the old one is history."""
    old = take(learner, record()).item
    newer = take(learner, record(issuedOn="2026-02-05T10:00:00Z"))
    assert newer.created and newer.replaced == old
    address = old.public_id
    old.refresh_from_db()
    assert old.state == WalletItem.State.SUPERSEDED and old.replaced_by == newer.item
    assert newer.item.public_id == address != old.public_id
    assert list(WalletItem.objects.standing()) == [newer.item]


def test_an_older_version_goes_into_the_history(learner: Learner) -> None:
    """CLR1-C-11: what comes late does not replace what is newer."""
    newer = take(learner, record(issuedOn="2026-02-05T10:00:00Z")).item
    late = take(learner, record())
    assert late.created and late.item.state == WalletItem.State.SUPERSEDED
    assert list(WalletItem.objects.standing()) == [newer]


def test_the_same_id_of_another_issuer_is_another_document(learner: Learner) -> None:
    """An id means something only together with whose it is: nobody replaces another's record by naming its id."""
    first = take(learner, record()).item
    take(learner, record(issuedOn="2026-02-05T10:00:00Z", publisher={"id": "https://near.example/1"}))
    first.refresh_from_db()
    assert first.state == WalletItem.State.STANDING


def test_a_client_replaces_only_what_it_sent(learner: Learner) -> None:
    """Digest, 5.4: also when it names the same id and issuer."""
    first = take(learner, record(), Source.CLIENT, "a").item
    take(learner, record(issuedOn="2026-02-05T10:00:00Z"), Source.CLIENT, "b")
    first.refresh_from_db()
    assert first.state == WalletItem.State.STANDING
    assert WalletItem.objects.standing().count() == 2


# --- verdicts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("forgive", [(), ("REVOKED", "EXPIRED")])
def test_what_is_not_decided_is_not_taken_where_only_the_valid_is(learner: Learner, forgive: tuple[str, ...]) -> None:
    """A host takes what is good; that no check failed does not say that one was passed."""
    with pytest.raises(NotTaken):
        take(learner, record(), accept=("valid",), forgive=forgive)
    assert not WalletItem.objects.exists()


def test_what_is_over_is_kept_where_that_is_forgiven(shared: Path, learner: Learner) -> None:
    """Issue 7: revoked and expired ones are marked, never dropped; what else is wrong is not forgiven with it."""
    [expired] = [case for case in cases(shared, "ob-3.0") if case.id == "di-expired"]
    with pytest.raises(NotTaken):
        take(learner, expired.source, accept=("valid",), forgive=("REVOKED",))
    kept = take(learner, expired.source, accept=("valid",), forgive=("REVOKED", "EXPIRED")).item
    assert (kept.state, kept.verdict) == ("expired", "invalid")


def test_what_nobody_vouches_for_is_kept_as_undecided(learner: Learner) -> None:
    """I6: kept, and marked."""
    assert take(learner, record()).verdict == "undecided"


def test_a_verdict_that_is_not_accepted_stores_nothing(shared: Path, learner: Learner) -> None:
    """CLR1-P-10: the door says which verdicts it takes."""
    case = next(each for each in cases(shared, "clr-1.0") if each.entry.get("failure") == "SIGNATURE_INVALID")
    with pytest.raises(NotTaken) as refusal:
        take_in(
            learner,
            case.source,
            source=Source.CLIENT,
            fetcher=case.fetcher(),
            now=NOW,
            accept=("valid", "undecided"),
        )
    assert refusal.value.code == "SIGNATURE_INVALID"
    assert not WalletItem.objects.exists()


def test_a_revoked_record_is_kept_as_revoked(shared: Path, learner: Learner) -> None:
    """CLR1-C-09: the state is shown."""
    case = next(each for each in cases(shared, "clr-1.0") if each.entry.get("failure") == "REVOKED")
    item = take_in(learner, case.source, source=Source.UPLOAD, fetcher=case.fetcher(), now=NOW).item
    assert item.state == WalletItem.State.REVOKED


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"no record", b"{}", b"[1]", b"\x89PNG\r\n\x1a\nx"])
def test_what_cannot_be_read_is_not_taken(learner: Learner, content: bytes) -> None:
    """SEC-21: a clear refusal, nothing stored."""
    with pytest.raises(NotTaken):
        take(learner, content)
    assert not WalletItem.objects.exists()


def test_a_set_is_taken_apart(learner: Learner) -> None:
    """CLR1-C-07: the records of a ClrSet, plain and signed, as the bytes that stood there."""
    one, two = json.dumps(record(), indent=1), json.dumps(record(id="urn:uuid:2"))
    text = f'{{"@context": "{CONTEXT}", "clrs": [ {one} ,{two}], "signedClrs":["eyJh.eyJi.c2ln"]}}'
    assert documents_in(text.encode()) == [one.encode(), two.encode(), b"eyJh.eyJi.c2ln"]
    with pytest.raises(NotTaken):
        take(learner, text.encode())


def test_anything_else_is_one_document() -> None:
    """What is no set is handed on as it is, readable or not."""
    for content in (b"", b"{", json.dumps(record()).encode(), b"\x89PNG", b"eyJh.eyJi.c2ln"):
        assert documents_in(content) == [content]


# --- afterwards -------------------------------------------------------------------------------


def test_checking_again_notes_what_changed(shared: Path, learner: Learner) -> None:
    """CLR1-C-08: what could not be checked then is checked later."""
    case = by_id(shared, "clr-1.0")["signed-clr"]
    item = take(learner, case.source).item
    assert item.verdict == "undecided"
    later = intake.check_again(item, fetcher=case.fetcher(), now=NOW + timedelta(days=1))
    assert later.verdict == "valid"
    assert later.changed_at == NOW + timedelta(days=1)
    assert bytes(later.content) == bytes(item.content)


def test_deleting_leaves_nothing_but_the_digest(learner: Learner) -> None:
    """CLR1-C-14: content, names and earlier versions go."""
    take(learner, record())
    item = take(learner, record(issuedOn="2026-02-05T10:00:00Z")).item
    intake.delete(item)
    for left in WalletItem.objects.all():
        assert left.state == WalletItem.State.DELETED
        assert (bytes(left.content), left.title, left.issuer_name, left.report) == (b"", "", "", {})
        assert left.digest
    assert not WalletItem.objects.kept().exists()


def test_a_connection_does_not_bring_back_what_was_deleted(learner: Learner) -> None:
    """CLR1-C-14: fetched again in the background, it stays away."""
    intake.delete(take(learner, record(), Source.CONNECTION, "c").item)
    again = take(learner, record(), Source.CONNECTION, "c")
    assert again.item.state == WalletItem.State.DELETED


def test_what_was_deleted_can_be_uploaded_again(learner: Learner) -> None:
    """Somebody who brings it wants it."""
    intake.delete(take(learner, record()).item)
    again = take(learner, record())
    assert again.created and again.item.state == WalletItem.State.STANDING
    assert again.item.content


def test_a_sender_takes_back_what_only_it_sent(learner: Learner) -> None:
    """CLR1-P-25: with its history; what somebody else sent too stays."""
    old = take(learner, record(), Source.CLIENT, "a").item
    item = take(learner, record(issuedOn="2026-02-05T10:00:00Z"), Source.CLIENT, "a").item
    take(learner, json.loads(bytes(item.content)), Source.UPLOAD)
    assert intake.take_back(item, source=Source.CLIENT, sender="a")
    assert not intake.take_back(item, source=Source.CLIENT, sender="a")
    item.refresh_from_db()
    old.refresh_from_db()
    assert item.state == WalletItem.State.STANDING
    assert old.state == WalletItem.State.DELETED


def test_nobody_sees_anothers_wallet(learner: Learner) -> None:
    """SEC-50: one's own only; staff have no look into wallets."""
    owner = User.objects.create_user("alma@students.example", "seven-lanterns-1894")
    other = User.objects.create_superuser("root@portal.example", "seven-lanterns-1894")
    learner.user = owner
    learner.save()
    item = take(learner, record()).item
    assert list(WalletItem.objects.visible_to(owner)) == [item]
    assert not WalletItem.objects.visible_to(other).exists()
    assert not WalletItem.objects.visible_to(AnonymousUser()).exists()
    intake.delete(item)
    assert not WalletItem.objects.visible_to(owner).exists()


def test_nothing_is_fetched_for_what_is_already_there(learner: Learner) -> None:
    """The same body again costs no verification."""
    hosted = record(id="https://far.example/ims/clr/v1p0/clrs/1", verification={"type": "Hosted"})
    network = Nowhere()
    content = json.dumps(hosted).encode()
    take_in(learner, content, source=Source.UPLOAD, fetcher=network, now=timezone.now())
    asked = network.asked
    assert asked
    take_in(learner, content, source=Source.UPLOAD, fetcher=network, now=timezone.now())
    assert network.asked == asked
