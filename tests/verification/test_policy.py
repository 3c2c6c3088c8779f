"""What the operator of a verifier allows: keys trusted by hand, contexts by digest."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution.models import AuditEntry
from apps.standards import dids
from apps.standards.verify.sources import Policy
from apps.verification import policy
from apps.verification.judging import judge
from apps.verification.models import PinnedKey
from tests.standards.verify.vc_world import Issuer, codes, judged, p256_key, signing_key
from tests.standards.verify.world import NOW, World

pytestmark = pytest.mark.django_db

URN = "urn:uuid:4ca4a241-fc3b-4d92-978e-f56fa96ae795"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def college(world: World) -> Issuer:
    """An issuer whose name nobody can look up."""
    issuer = Issuer(world, "college.example")
    issuer.id = URN
    issuer.method = f"{URN}#key-1"
    world.answers.clear()
    return issuer


def pin(issuer: str, key: Any, **more: Any) -> PinnedKey:
    pinned = PinnedKey(issuer=issuer, key=dids.multibase_of(key), reason="Read to me over the telephone", **more)
    pinned.full_clean()
    pinned.save()
    return pinned


def result_of(world: World, source: dict[str, Any] | bytes) -> Any:
    raw = source if isinstance(source, bytes) else json.dumps(source).encode()
    return judge(raw, fetcher=world, seconds=60, now=NOW)


# --- keys -----------------------------------------------------------------------------------------------------


def test_a_pinned_key_stands_for_an_issuer_that_cannot_be_looked_up(world: World, college: Issuer) -> None:
    """Digest of CLR 2.0, 6.3, rule 5"""
    badge = college.sign(college.badge())
    assert result_of(world, badge).verdict == "undecided"
    pinned = pin(URN, college.key.public_key())
    result = result_of(world, badge)
    assert result.verdict == "valid"
    proof = next(check for check in result.checks if check.name == "proof")
    assert proof.evidence["pinned"] is True
    assert proof.evidence["fingerprint"] == f"sha256:{pinned.fingerprint}"
    assert "trusts by hand" in result.sentence, "I6"


def test_a_pinned_key_verifies_tokens(world: World, college: Issuer) -> None:
    token = college.token(college.badge(), kid=f"{URN}#key-2")
    assert result_of(world, token).verdict == "undecided"
    pin(URN, p256_key(college.base).public_key())
    result = result_of(world, token)
    assert (result.verdict, [check.code for check in result.warnings()]) == ("valid", ["KEY_UNAVAILABLE"])


def test_only_the_pinned_key_counts_and_only_for_its_issuer(world: World, college: Issuer) -> None:
    pin(URN, signing_key("another").public_key())
    pin("urn:uuid:another", college.key.public_key())
    assert codes(result_of(world, college.sign(college.badge()))) == ["KEY_UNAVAILABLE"]


def test_an_issuer_that_can_say_itself_is_asked_itself(world: World) -> None:
    """SEC-24: a key by hand never overrides what an issuer publishes."""
    college = Issuer(world, "college.example")
    pin(college.id, signing_key("mill").public_key())
    forged = college.sign(college.badge(), key=signing_key("mill"))
    assert codes(result_of(world, forged)) == ["SIGNATURE_INVALID"]
    stranger = dids.did_key_of(signing_key("mill").public_key())
    method = f"{stranger}#{stranger.removeprefix('did:key:')}"
    forged = college.sign(college.badge(), key=signing_key("mill"), verification_method=method)
    assert codes(result_of(world, forged)) == ["KEY_NOT_OF_ISSUER"]


def test_a_key_that_is_no_longer_trusted_does_not_count(world: World, college: Issuer) -> None:
    pin(URN, college.key.public_key(), is_trusted=False)
    assert codes(result_of(world, college.sign(college.badge()))) == ["KEY_UNAVAILABLE"]


@pytest.fixture
def administrator(client: Client) -> Client:
    user = User.objects.create_user("admin@people.example", "seven-lanterns-1894", name="Admin")
    give_roles(user, Role.ADMIN)
    client.force_login(user)
    client.post("/account/confirm/", {"password": "seven-lanterns-1894"})
    return client


def test_an_administrator_adds_a_key_and_the_trail_has_it(administrator: Client) -> None:
    """REL-17"""
    text = dids.did_key_of(signing_key("college").public_key())
    form = {"issuer": URN, "key": text, "reason": "Known from the paper", "is_trusted": "on"}
    answer = administrator.post("/admin/verification/pinnedkey/add/", form)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    pinned = PinnedKey.objects.get()
    assert pinned.added_by is not None
    entry = AuditEntry.objects.get(action="pinned_key.added")
    assert entry.details == {"fingerprint": pinned.fingerprint, "trusted": True}
    again = administrator.post("/admin/verification/pinnedkey/add/", form)
    assert (again.status_code, b"already there" in again.content) == (200, True)
    address = f"/admin/verification/pinnedkey/{pinned.pk}/change/"
    seen = re.search(r'name="seen_state" value="([^"]+)"', administrator.get(address).content.decode())
    assert seen is not None
    answer = administrator.post(address, {"reason": "Gone", "seen_state": seen[1]})
    assert answer.status_code == 302
    pinned.refresh_from_db()
    assert (pinned.is_trusted, pinned.issuer) == (False, URN)
    assert AuditEntry.objects.filter(action="pinned_key.changed").count() == 1


@pytest.mark.parametrize(
    "key", ["", "hello", "z123", '{"kty": "RSA"}', '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}']
)
def test_a_text_that_is_no_public_key_is_refused(administrator: Client, key: str) -> None:
    form = {"issuer": URN, "key": key, "reason": "x", "is_trusted": "on"}
    answer = administrator.post("/admin/verification/pinnedkey/add/", form)
    assert answer.status_code == 200
    assert not PinnedKey.objects.exists()


# --- contexts (SEC-22) ----------------------------------------------------------------------------------------

WORDS = "https://words.example/context"
CONTEXT = json.dumps({"@context": {"finalGrade": "https://words.example/finalGrade"}}).encode()


def allowed(folder: Path, **entry: Any) -> str:
    (folder / "words.json").write_bytes(CONTEXT)
    index = folder / "contexts.json"
    found = {"file": "words.json", "sha256": hashlib.sha256(CONTEXT).hexdigest(), **entry}
    index.write_text(json.dumps({found.pop("address", WORDS): found}))
    return str(index)


def test_sec_22_a_context_that_the_operator_allows_gives_words_a_meaning(
    world: World, tmp_path: Path, settings: Any
) -> None:
    college = Issuer(world, "college.example")
    settings.CONTEXTS_FILE = allowed(tmp_path)
    chosen = policy.current()
    badge = college.badge()
    badge["@context"] = [*badge["@context"], WORDS]
    badge["credentialSubject"]["finalGrade"] = "A+"
    signed = college.sign(badge, processing=chosen.processing)
    assert codes(judged(world, signed)) == ["CONTEXT_UNAVAILABLE"], "nobody else knows it"
    assert judged(world, signed, policy=chosen).verdict == "valid"
    signed["credentialSubject"]["finalGrade"] = "C"
    assert codes(judged(world, signed, policy=chosen)) == ["SIGNATURE_INVALID"]
    assert world.asked.count(WORDS) == 0


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"sha256": "0" * 64}, "not the one allowed"),
        ({"sha256": None}, "not of the form"),
        ({"file": "absent.json"}, "cannot be read"),
        ({"address": "https://www.w3.org/ns/credentials/v2"}, "built in"),
    ],
)
def test_sec_22_what_differs_from_its_digest_is_refused(
    tmp_path: Path, settings: Any, entry: dict[str, Any], reason: str
) -> None:
    settings.CONTEXTS_FILE = allowed(tmp_path, **entry)
    with pytest.raises(policy.ContextRefused, match=reason):
        policy.further_contexts(settings.CONTEXTS_FILE)
    (fault,) = policy.check()
    assert "CLRPORTAL_CONTEXTS" in fault.msg
    assert policy.current().processing is Policy().processing, "none of them counts"


def test_without_a_file_there_are_the_built_in_contexts_alone(settings: Any) -> None:
    settings.CONTEXTS_FILE = ""
    assert policy.check() == []
    assert policy.current().processing is Policy().processing
