"""The rules of CLR 1.0 verification one by one, beyond the samples (CLR1-V-01 to V-20)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from apps.standards import identities
from apps.standards.clr1 import model
from apps.standards.verify.engine import verify_address
from apps.standards.verify.sources import Budget, Fetched, OwnRecord
from tests.standards.verify.world import LEARNER, NOW, Institution, World, codes, public_pem, warnings

pytestmark = pytest.mark.once


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def college(world: World) -> Institution:
    return Institution(world, "records.college.example", "College")


@pytest.fixture
def other(world: World) -> Institution:
    return Institution(world, "badges.other.example", "Other")


def test_a_signed_record_is_valid(world: World, college: Institution) -> None:
    result = world.judge(college.sign(college.record()))
    assert (result.verdict, codes(result), warnings(result)) == ("valid", [], [])
    assert result.issuer is not None and result.issuer.name == "College"
    assert result.learner is not None and result.learner.name == "Ada Núñez"


# Signature and keys


def test_a_signature_of_another_key_is_found(world: World, college: Institution) -> None:
    """CLR1-V-02"""
    assert codes(world.judge(college.sign(college.record(), key="Mallory"))) == ["SIGNATURE_INVALID"]


def test_a_key_that_only_the_record_itself_vouches_for_is_refused(world: World, college: Institution) -> None:
    """CLR1-V-04: an embedded profile never vouches for an address."""
    attacker = {
        "id": "https://attacker.example/key",
        "type": "CryptographicKey",
        "owner": college.id,
        "publicKeyPem": public_pem("Mallory"),
    }
    world.serve("https://attacker.example/key", attacker)
    record = college.record(
        publisher={**college.profile, "publicKey": attacker},
        verification={"type": "Signed", "creator": attacker["id"]},
    )
    assert "KEY_NOT_OWNED" in codes(world.judge(college.sign(record, key="Mallory")))
    assert "https://attacker.example/key" not in world.asked


def test_a_key_of_another_owner_is_refused(world: World, college: Institution) -> None:
    """CLR1-V-05"""
    world.serve(
        college.key_id, {"id": college.key_id, "owner": "https://x.example/", "publicKeyPem": public_pem("College")}
    )
    assert codes(world.judge(college.sign(college.record()))) == ["KEY_NOT_OWNED"]


@pytest.mark.parametrize(
    "status, document", [(410, b""), (200, {"revoked": "2026-01-01T00:00:00Z"}), (200, {"revoked": True})]
)
def test_a_withdrawn_key_is_refused_whatever_it_signed(
    world: World, college: Institution, status: int, document: Any
) -> None:
    """CLR1-V-06, SEC-61"""
    if isinstance(document, dict):
        document = {"id": college.key_id, "owner": college.id, "publicKeyPem": public_pem("College"), **document}
    world.serve(college.key_id, document, status)
    assert codes(world.judge(college.sign(college.record()))) == ["KEY_REVOKED"]


def test_after_a_rotation_any_published_key_verifies(world: World, college: Institution) -> None:
    """8.5: the hosted profile lists all keys still honoured."""
    old = dict(college.profile["publicKey"])
    new = {**old, "id": f"{college.base}/keys/2", "publicKeyPem": public_pem("College 2")}
    world.serve(college.id, {**college.profile, "publicKey": [new, old]})
    world.serve(new["id"], new)
    assert world.judge(college.sign(college.record())).valid
    without_creator = college.record(verification={"type": "Signed"})
    assert world.judge(college.sign(without_creator)).valid


def test_a_key_that_cannot_be_fetched_leaves_a_reservation(world: World, college: Institution) -> None:
    """I6: the first sentence says so."""
    del world.answers[college.key_id]
    result = world.judge(college.sign(college.record()))
    assert result.valid and warnings(result) == ["KEY_FROM_PROFILE"]
    assert "copy in the issuer's profile" in result.sentence


def test_without_the_profile_nothing_is_decided(world: World, college: Institution) -> None:
    """CLR1-V-18"""
    del world.answers[college.id]
    result = world.judge(college.sign(college.record()))
    assert result.verdict == "undecided" and codes(result) == ["FETCH_FAILED"]


def test_a_profile_of_another_id_is_not_the_issuers(world: World, college: Institution) -> None:
    world.serve(college.id, {**college.profile, "id": "https://elsewhere.example/"})
    assert codes(world.judge(college.sign(college.record()))) == ["FETCH_FAILED"]


# Revocation


def test_a_revoked_record_is_invalid(world: World, college: Institution) -> None:
    """CLR1-V-07"""
    college.revoke(college.record()["id"])
    assert codes(world.judge(college.sign(college.record()))) == ["REVOKED"]


def test_a_revoked_part_makes_the_record_invalid(world: World, college: Institution) -> None:
    college.revoke(college.assertion(2)["id"])
    assert codes(world.judge(college.sign(college.record()))) == ["REVOKED"]


def test_a_list_that_cannot_be_fetched_leaves_it_undecided(world: World, college: Institution) -> None:
    del world.answers[college.list_id]
    assert world.judge(college.sign(college.record())).verdict == "undecided"


@pytest.mark.parametrize("document", [{}, [], {"issuer": "https://x.example/"}, {"revokedAssertions": "all"}])
def test_a_list_that_is_not_the_issuers_proves_nothing(world: World, college: Institution, document: Any) -> None:
    world.serve(college.list_id, document)
    assert codes(world.judge(college.sign(college.record()))) == ["REVOCATION_LIST_INVALID"]


# Data


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"learner": None}, "PROPERTY_MISSING"),
        ({"issuedOn": 5}, "PROPERTY_INVALID"),
        ({"issuedOn": "2026-02-30T00:00:00Z"}, "PROPERTY_INVALID"),
        ({"partial": "no"}, "PROPERTY_INVALID"),
        ({"assertions": {}}, "PROPERTY_INVALID"),
        ({"type": "Record"}, "TYPE_INVALID"),
        ({"@context": "https://example.org/context"}, "CONTEXT_INVALID"),
        ({"revoked": True, "revocationReason": "error"}, "REVOKED"),
        ({"verification": {"type": "Shown"}}, "ENUM_INVALID"),
    ],
)
def test_faulty_records_are_invalid_though_signed(
    world: World, college: Institution, changes: dict[str, Any], expected: str
) -> None:
    """CLR1-V-10"""
    result = world.judge(college.sign(college.record(**changes)))
    assert expected in codes(result) and not result.valid


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"recipient": None}, "PROPERTY_MISSING"),
        ({"achievement": None}, "PROPERTY_MISSING"),
        ({"creditsEarned": "4"}, "PROPERTY_INVALID"),
        ({"results": [{"resultDescription": "urn:x", "value": "A"}]}, "REFERENCE_INVALID"),
        ({"results": [{"resultDescription": "urn:x", "status": "Passed"}]}, "ENUM_INVALID"),
        ({"expires": "2020-01-01T00:00:00Z"}, "EXPIRES_BEFORE_ISSUED"),
        ({"issuedOn": "2030-01-01T00:00:00Z"}, "ISSUED_IN_FUTURE"),
        ({"recipient": {"type": "id", "identity": "urn:x", "hashed": False}}, "RECIPIENT_MISMATCH"),
        ({"recipient": {"type": "id", "identity": LEARNER, "hashed": True}}, "IDENTITY_INVALID"),
    ],
)
def test_faulty_assertions_spoil_the_record(
    world: World, college: Institution, changes: dict[str, Any], expected: str
) -> None:
    """CLR1-V-10, CLR1-V-12, CLR1-V-13"""
    record = college.record(assertions=[college.assertion(1, **changes)])
    result = world.judge(college.sign(record))
    assert expected in codes(result) and not result.valid


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"creditsEarned": 9.0}, "VALUE_OUT_OF_RANGE"),
        ({"narrative": None}, "NULL_PROPERTY"),
        ({"issuedOn": "2026-06-20T00:00:00"}, "NO_TIMEZONE"),
        ({"issuedOn": "2025-01-01T00:00:00Z", "expires": "2026-01-01T00:00:00Z"}, "NESTED_EXPIRED"),
        ({"recipient": {"type": "telephone", "identity": "+1", "hashed": False}}, "RECIPIENT_NOT_COMPARABLE"),
    ],
)
def test_remarkable_assertions_are_told(
    world: World, college: Institution, changes: dict[str, Any], expected: str
) -> None:
    record = college.record(assertions=[college.assertion(1, **changes)])
    result = world.judge(college.sign(record))
    assert result.valid and expected in warnings(result)


def test_issue_may_lie_two_minutes_ahead_of_our_clock(world: World, college: Institution) -> None:
    """REL-24"""
    soon = (NOW + timedelta(seconds=119)).isoformat()
    late = (NOW + timedelta(seconds=121)).isoformat()
    assert world.judge(college.sign(college.record(issuedOn=soon))).valid
    assert codes(world.judge(college.sign(college.record(issuedOn=late)))) == ["ISSUED_IN_FUTURE"]


@pytest.mark.parametrize("issued", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_years_at_the_edge_are_judged_without_overflow(world: World, college: Institution, issued: str) -> None:
    """SEC-33"""
    assert world.judge(college.sign(college.record(issuedOn=issued))).valid is issued.startswith("0001")


def test_an_achievement_in_two_places_must_be_equal(world: World, college: Institution) -> None:
    """CLR1-V-15, CLR1-P-21"""
    achievement = college.assertion(1)["achievement"]
    assert world.judge(college.sign(college.record(achievements=[achievement]))).valid
    changed = {**achievement, "creditsAvailable": 8.0}
    assert codes(world.judge(college.sign(college.record(achievements=[changed])))) == ["CONFLICTING_IDS"]


def test_a_one_sided_association_is_told(world: World, college: Institution) -> None:
    first, second = college.assertion(1), college.assertion(2)
    first["achievement"]["associations"] = [
        {"associationType": "isChildOf", "targetId": second["achievement"]["id"], "title": "Course 2"}
    ]
    result = world.judge(college.sign(college.record(assertions=[first, second])))
    assert result.valid and warnings(result) == ["ASSOCIATION_ONE_SIDED"]


# People


@pytest.mark.parametrize("expected", ["ada@learners.example", "ADA@learners.example", LEARNER])
def test_the_person_expected_is_the_learner(world: World, college: Institution, expected: str) -> None:
    """CLR1-V-12"""
    assert world.judge(college.sign(college.record()), expected=("x@y.example", expected)).valid


def test_another_person_expected(world: World, college: Institution) -> None:
    result = world.judge(college.sign(college.record()), expected=("eve@learners.example",))
    assert codes(result) == ["RECIPIENT_MISMATCH"]


def test_the_published_example_of_a_hash() -> None:
    assert identities.hashed("alice@example.org", "pepper") == (
        "sha256$5040ea7dd6be7e14032bb241b4ec23983e2751b66e74746f383e416d2a541b26"
    )
    assert identities.matches(
        identities.hashed("alice@example.org", "pepper").upper().replace("SHA256", "sha256"),
        ["alice@example.org"],
        salt="pepper",
    )


# Nested


def test_a_signed_assertion_of_another_issuer_is_judged_by_its_own_signer(
    world: World, college: Institution, other: Institution
) -> None:
    """CLR1-V-14"""
    record = college.record(signedAssertions=[other.signed_assertion(7)])
    result = world.judge(college.sign(record))
    assert result.valid
    assert [nested.issuer.name for nested in result.credentials if nested.issuer] == ["Other"]


@pytest.mark.parametrize("who", ["publisher signs for the issuer", "revoked", "of another learner", "altered"])
def test_a_signed_assertion_that_does_not_hold_spoils_the_record(
    world: World, college: Institution, other: Institution, who: str
) -> None:
    token = other.signed_assertion(7)
    if who == "publisher signs for the issuer":
        token = college.sign(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")))
    elif who == "revoked":
        other.revoke(other.assertion(7)["id"])
    elif who == "of another learner":
        token = other.signed_assertion(7, recipient={"type": "id", "identity": "urn:eve", "hashed": False})
    else:
        head, body, signature = token.split(".")
        token = f"{head}.{body[:40]}{'A' if body[40] != 'A' else 'B'}{body[41:]}.{signature}"
    assert world.judge(college.sign(college.record(signedAssertions=[token]))).verdict == "invalid"


def test_an_assertion_twice_signed_and_plain_must_be_equal(
    world: World, college: Institution, other: Institution
) -> None:
    """CLR1-V-15"""
    plain = {**other.assertion(7), "results": []}
    record = college.record(assertions=[plain], signedAssertions=[other.signed_assertion(7)])
    assert "CONFLICTING_IDS" in codes(world.judge(college.sign(record)))


def test_an_endorsement_of_something_else_spoils_the_record(
    world: World, college: Institution, other: Institution
) -> None:
    def endorsement(target: str) -> str:
        return other.sign(
            {
                "@context": model.CONTEXT_URL,
                "id": "urn:uuid:00000000-0000-4000-8009-000000000001",
                "type": "Endorsement",
                "issuedOn": "2026-07-01T00:00:00Z",
                "claim": {"id": target, "endorsementComment": "Good."},
                "issuer": {**other.profile, "type": "EndorsementProfile"},
                "verification": {"type": "Signed", "creator": other.key_id},
            }
        )

    fitting = college.record(signedEndorsements=[endorsement(college.assertion(1)["achievement"]["id"])])
    assert world.judge(college.sign(fitting)).valid
    foreign = college.record(signedEndorsements=[endorsement("urn:uuid:other")])
    assert codes(world.judge(college.sign(foreign))) == ["ENDORSEMENT_TARGET"]


def test_a_hosted_endorsement_that_cannot_be_reached_is_told(world: World, college: Institution) -> None:
    record = college.record(
        endorsements=[
            {
                "id": "https://board.example/endorsements/5",
                "type": "Endorsement",
                "issuedOn": "2026-07-01T00:00:00Z",
                "claim": {"id": college.record()["id"]},
                "issuer": {"id": "https://board.example/profile"},
                "verification": {"type": "Hosted"},
            }
        ]
    )
    result = world.judge(college.sign(record))
    assert result.valid and warnings(result) == ["FETCH_FAILED"]


def test_each_address_is_asked_once(world: World, college: Institution, other: Institution) -> None:
    """SEC-07"""
    tokens = [other.signed_assertion(number) for number in range(10, 30)]
    assert world.judge(college.sign(college.record(signedAssertions=tokens))).valid
    assert len(world.asked) == len(set(world.asked)) == 6


def test_more_addresses_than_the_budget_leave_it_undecided(world: World, college: Institution) -> None:
    """CLR1-V-20, SEC-07"""
    issuers = [Institution(world, f"i{number}.example", "Other") for number in range(12)]
    tokens = [issuer.signed_assertion(100 + number) for number, issuer in enumerate(issuers)]
    result = world.judge(college.sign(college.record(signedAssertions=tokens)), budget=Budget(requests=30))
    assert result.verdict == "undecided" and "NOT_DECIDED" in codes(result)
    assert len(world.asked) == 30


def test_no_more_time_than_the_budget(world: World, college: Institution) -> None:
    """SEC-07"""
    ticks = iter(range(0, 1000, 5))
    result = world.judge(college.sign(college.record()), budget=Budget(seconds=8, clock=lambda: float(next(ticks))))
    assert result.verdict == "undecided" and "NOT_DECIDED" in codes(result)


# Hosted


def hosted(college: Institution, id: str = "", **changes: Any) -> dict[str, Any]:
    id = id or f"{college.base}/clrs/9"
    return college.record(id=id, verification={"type": "Hosted"}, **changes)


def test_a_hosted_record_is_valid(world: World, college: Institution) -> None:
    """CLR1-V-08"""
    world.serve(hosted(college)["id"], hosted(college))
    assert world.judge(hosted(college)).valid


@pytest.mark.parametrize(
    "id",
    [
        "https://attacker.example/clrs/9",
        "https://records.college.example.attacker.example/clrs/9",
        "https://records.college.example:8443/clrs/9",
        "https://records.college.example@attacker.example/clrs/9",
        "https://sub.records.college.example/clrs/9",
    ],
)
def test_a_record_hosted_elsewhere_is_not_the_issuers(world: World, college: Institution, id: str) -> None:
    """CLR1-V-08, V-09"""
    world.serve(id, hosted(college, id))
    assert codes(world.judge(hosted(college, id))) == ["HOSTED_SCOPE"]


@pytest.mark.parametrize(
    "id, allowed",
    [
        ("https://cdn.example/clrs/9", True),
        ("https://cdn.example/private/9", False),
        ("https://cdn.example/clrs/../private/9", False),
        ("https://cdn.example/clrs/%2e%2e/private/9", False),
        ("https://records.college.example/clrs/9", False),
    ],
)
def test_the_policy_of_the_issuer_decides(world: World, college: Institution, id: str, allowed: bool) -> None:
    """CLR1-V-09: both conditions apply."""
    policy = {"type": "Verification", "allowedOrigins": ["cdn.example"], "startsWith": ["https://cdn.example/clrs/"]}
    world.serve(college.id, {**college.profile, "verification": policy})
    world.serve(id, hosted(college, id))
    assert world.judge(hosted(college, id)).valid is allowed


def test_a_policy_inside_the_record_counts_for_nothing(world: World, college: Institution) -> None:
    id = "https://attacker.example/clrs/9"
    policy = {"type": "Verification", "allowedOrigins": ["attacker.example"]}
    record = hosted(college, id, publisher={**college.profile, "verification": policy})
    world.serve(id, record)
    assert codes(world.judge(record)) == ["HOSTED_SCOPE"]


# Records of this portal


def own(world: World, college: Institution, **facts: Any) -> tuple[dict[str, Any], str]:
    record = college.record()
    token = college.sign(record)
    payload = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    world.own_records[record["id"]] = OwnRecord(payload, token, **facts)
    return record, token


def test_plain_json_equal_to_what_we_issued_is_judged_by_its_signature(world: World, college: Institution) -> None:
    record, _ = own(world, college)
    assert world.judge(record).valid


def test_plain_json_that_differs_from_what_we_issued_is_invalid(world: World, college: Institution) -> None:
    record, _ = own(world, college)
    record["assertions"][0]["results"][0]["value"] = "A"
    assert codes(world.judge(record)) == ["CONTENT_DIFFERS"]
    assert world.asked == []


def test_our_superseded_record_names_its_successor(world: World, college: Institution) -> None:
    _, token = own(world, college, superseded_by="https://records.college.example/ims/clr/v1p0/clrs/2")
    result = world.judge(token)
    assert result.valid and warnings(result) == ["SUPERSEDED"]
    assert result.as_json()["superseded_by"] == "https://records.college.example/ims/clr/v1p0/clrs/2"


def test_our_revoked_record_is_revoked_at_once(world: World, college: Institution) -> None:
    """REL-13: also before the list says so."""
    _, token = own(world, college, revoked=True, revocation_reason="Entered by mistake")
    result = world.judge(token)
    assert codes(result) == ["REVOKED"] and "Entered by mistake" in result.sentence


def test_another_document_under_the_id_of_ours_is_not_ours(world: World, college: Institution) -> None:
    own(world, college)
    forged = college.sign(college.record(name="Another"))
    assert codes(world.judge(forged)) == ["CONTENT_DIFFERS"]


# Sets and payloads


def test_a_set_is_valid_if_every_record_is(world: World, college: Institution) -> None:
    """CLR1-V-16"""
    token = college.sign(college.record())
    answer = {"@context": model.CONTEXT_URL, "clrs": [], "signedClrs": [token, token]}
    assert world.judge(answer).valid
    forged = college.sign(college.record(), key="Mallory")
    assert world.judge({**answer, "signedClrs": [token, forged]}).verdict == "invalid"


def test_a_payload_with_both_forms_is_ambiguous(world: World, college: Institution) -> None:
    body = {"@context": model.CONTEXT_URL, "clr": college.record(), "signedClr": college.sign(college.record())}
    assert "PAYLOAD_AMBIGUOUS" in codes(world.judge(body))


@pytest.mark.parametrize("body", [{"clrs": [], "signedClrs": []}, {"clrs": [{}]}, {"clr": {}}])
def test_nothing_to_verify_is_never_valid(world: World, body: dict[str, Any]) -> None:
    assert not world.judge({"@context": model.CONTEXT_URL, **body}).valid


def test_a_record_of_somebody_else_is_no_part_of_a_record(
    world: World, college: Institution, other: Institution
) -> None:
    """CLR1-V-14: only assertions and badges stand among the signed assertions."""
    foreign = other.sign(other.record(learner={"id": "urn:eve", "name": "Eve"}, assertions=[]))
    assert "TYPE_INVALID" in codes(world.judge(college.sign(college.record(signedAssertions=[foreign]))))


def test_what_is_no_record_spoils_a_set(world: World, college: Institution) -> None:
    token = college.sign(college.record())
    assert not world.judge({"@context": model.CONTEXT_URL, "clrs": [5], "signedClrs": [token]}).valid
    assert not world.judge({"@context": model.CONTEXT_URL, "signedClrs": [token, other_kind(college)]}).valid


def other_kind(college: Institution) -> str:
    return college.signed_assertion(5)


def test_an_address_whose_host_offers_the_signed_form_is_judged_by_it(world: World, college: Institution) -> None:
    record = college.record()
    token = college.sign(record)

    class Negotiating:
        def fetch(self, url: str, *, kind: str) -> Fetched:
            if url == record["id"]:
                body = token if kind == "token" else json.dumps(record)
                return Fetched(200, "application/json", body.encode(), url)
            return world.fetch(url, kind=kind)

    assert verify_address(record["id"], fetcher=Negotiating(), now=NOW).valid


@pytest.mark.parametrize(
    "id", ["https://[::1#x", "https://[::1", "https://\u2100.example/#a", "https://a:b/", "http://", "https://x\x00y/"]
)
def test_addresses_that_are_none_are_judged(world: World, college: Institution, id: str) -> None:
    """SEC-01, CLR1-V-17: no address makes the verifier stumble, wherever it stands."""
    world.serve(id, b"{}")
    assert not world.judge(hosted(college, id)).valid
    record = college.record(publisher={**college.profile, "id": id}, verification={"type": "Signed", "creator": id})
    assert not world.judge(college.sign(record)).valid
    assert not world.judge(
        {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": id, "badge": id}
    ).valid
