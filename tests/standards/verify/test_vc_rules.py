"""Open Badges 3.0 and CLR 2.0, rule by rule (digest, sections 4 to 9 and 16)."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from typing import Any

import pytest

from apps.standards import dids
from apps.standards.errors import DocumentFault
from apps.standards.jsonld import contexts
from apps.standards.ob3 import write as ob3
from apps.standards.status import revocation_list
from apps.standards.verify.sources import Budget, OwnRecord
from tests.standards.verify.vc_world import LEARNER, Issuer, codes, judged, p256_key, signing_key
from tests.standards.verify.world import NOW, World

pytestmark = pytest.mark.once


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def college(world: World) -> Issuer:
    return Issuer(world, "college.example")


# --- badges ---------------------------------------------------------------------------------------------------


def test_a_badge_with_an_embedded_proof_is_valid(world: World, college: Issuer) -> None:
    result = judged(world, college.sign(college.badge()))
    assert result.verdict == "valid"
    assert result.format == "ob-3.0"
    assert result.warnings() == []
    proof = next(check for check in result.checks if check.name == "proof")
    assert proof.evidence["key"] == college.method
    assert proof.evidence["published_at"] == "https://college.example/.well-known/did.json"
    assert proof.evidence["document_digest"].startswith("sha256:")


def test_a_badge_as_token_is_valid(world: World, college: Issuer) -> None:
    result = judged(world, college.token(college.badge()))
    assert result.verdict == "valid"
    assert result.warnings() == []


@pytest.mark.parametrize("cryptosuite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_ed25519_suites_verify(world: World, college: Issuer, cryptosuite: str) -> None:
    assert judged(world, college.sign(college.badge(), cryptosuite=cryptosuite)).valid


@pytest.mark.parametrize("cryptosuite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
def test_ecdsa_suites_verify(world: World, college: Issuer, cryptosuite: str) -> None:
    signed = college.sign(
        college.badge(),
        cryptosuite=cryptosuite,
        key=p256_key(college.base),
        verification_method=f"{college.id}#key-2",
    )
    assert judged(world, signed).valid


def test_every_changed_character_of_a_badge_is_noticed(world: World, college: Issuer) -> None:
    """Each single character of the signed text, replaced by another, so that the content differs."""
    signed = college.sign(college.badge())
    text = json.dumps(signed, ensure_ascii=False)
    proof_value = signed["proof"]["proofValue"]
    accepted = []
    for position, character in enumerate(text):
        for other in ("x" if character != "x" else "y", "1" if character != "1" else "2"):
            changed = text[:position] + other + text[position + 1 :]
            try:
                if json.loads(changed) == signed:
                    continue
            except ValueError:
                continue
            if judged(world, changed.encode()).valid:
                accepted.append(text[max(0, position - 20) : position + 20])
    assert accepted == []
    assert proof_value in text


def test_every_changed_character_of_a_token_is_noticed(world: World, college: Issuer) -> None:
    token = college.token(college.badge())
    accepted = [
        position
        for position in range(0, len(token), 3)
        if judged(
            world, token[:position] + (b"A" if token[position : position + 1] != b"A" else b"B") + token[position + 1 :]
        ).valid
    ]
    assert accepted == []


def test_what_the_contexts_do_not_define_is_not_passed_over(world: World, college: Issuer) -> None:
    """SEC-22"""
    signed = college.sign(college.badge())
    signed["credentialSubject"]["finalGrade"] = "A+"
    result = judged(world, signed)
    assert result.verdict == "invalid"
    assert "UNDEFINED_TERM" in codes(result)
    assert "finalGrade" in result.sentence


def test_nothing_but_built_in_contexts_is_used(world: World, college: Issuer) -> None:
    """SEC-22"""
    world.serve("https://evil.example/context", {"@context": {"finalGrade": "https://evil.example/grade"}})
    signed = college.sign(college.badge())
    signed["@context"] = [*signed["@context"], "https://evil.example/context"]
    result = judged(world, signed)
    assert "CONTEXT_UNAVAILABLE" in codes(result)
    assert "https://evil.example/context" not in world.asked


def test_the_development_context_of_undefined_terms_is_refused(world: World, college: Issuer) -> None:
    unsigned = college.badge()
    unsigned["@context"] = [*unsigned["@context"], contexts.UNDEFINED_TERMS_V2]
    unsigned["credentialSubject"]["finalGrade"] = "A+"
    assert "CONTEXT_INVALID" in codes(judged(world, college.sign(unsigned)))


def test_a_vocabulary_of_the_issuers_own_is_told(world: World, college: Issuer) -> None:
    unsigned = college.badge()
    unsigned["@context"] = [*unsigned["@context"], {"@vocab": "https://college.example/words#"}]
    unsigned["credentialSubject"]["finalGrade"] = "A+"
    result = judged(world, college.sign(unsigned))
    assert result.valid
    assert [check.code for check in result.warnings()] == ["CONTEXT_ALIAS"]


# --- keys and proofs (SEC-23, SEC-24) -------------------------------------------------------------------------


def test_a_strangers_proof_is_not_the_issuers(world: World, college: Issuer) -> None:
    """SEC-24"""
    stranger = Issuer(world, "mill.example")
    signed = stranger.sign(college.badge())
    result = judged(world, signed)
    assert codes(result) == ["KEY_NOT_OF_ISSUER"]


def test_a_did_key_in_the_name_of_another_is_refused(world: World, college: Issuer) -> None:
    """SEC-24"""
    key = signing_key("mill")
    did = dids.did_key_of(key.public_key())
    signed = college.sign(college.badge(), key=key, verification_method=f"{did}#{did.removeprefix('did:key:')}")
    assert codes(judged(world, signed)) == ["KEY_NOT_OF_ISSUER"]


def test_a_key_for_another_purpose_does_not_count(world: World, college: Issuer) -> None:
    """SEC-24"""
    college.publish(assertionMethod=[], authentication=[college.method])
    assert codes(judged(world, college.sign(college.badge()))) == ["KEY_NOT_OF_ISSUER"]


def test_a_document_about_somebody_else_is_not_the_issuers(world: World, college: Issuer) -> None:
    college.publish(id="did:web:other.example")
    assert codes(judged(world, college.sign(college.badge()))) == ["KEY_NOT_OF_ISSUER"]


def test_an_issuer_that_does_not_answer_leaves_it_undecided(world: World, college: Issuer) -> None:
    world.answers.clear()
    result = judged(world, college.sign(college.badge()))
    assert result.verdict == "undecided"
    assert codes(result) == ["KEY_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"proofPurpose": "authentication"}, "PROOF_PURPOSE_INVALID"),
        ({"created": "2030-01-01T00:00:00Z"}, "PROOF_TIME_INVALID"),
        ({"created": "yesterday"}, "PROOF_TIME_INVALID"),
        ({"expires": "2026-01-01T00:00:00Z"}, "PROOF_TIME_INVALID"),
        ({"cryptosuite": "bbs-2023"}, "PROOF_UNSUPPORTED"),
        ({"type": "RsaSignature2018"}, "PROOF_UNSUPPORTED"),
        ({"verificationMethod": "key-1"}, "KEY_UNAVAILABLE"),
        ({"proofValue": "uAAAA"}, "SIGNATURE_INVALID"),
        ({"proofValue": "z0OIl"}, "SIGNATURE_INVALID"),
        ({"domain": "college.example"}, "SIGNATURE_INVALID"),
    ],
)
def test_options_of_a_proof_are_honoured(world: World, college: Issuer, changes: dict[str, str], code: str) -> None:
    """SEC-24"""
    signed = college.sign(college.badge())
    signed["proof"].update(changes)
    assert code in codes(judged(world, signed))


def test_a_signature_a_little_in_the_future_is_accepted(world: World, college: Issuer) -> None:
    """REL-24: 120 seconds of skew."""
    for seconds, valid in ((100, True), (140, False)):
        created = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        result = judged(world, college.sign(college.badge(), created=created))
        assert result.valid is valid
        assert any("skew_used" in check.evidence for check in result.checks) is valid


def test_any_one_good_proof_of_the_issuer_suffices(world: World, college: Issuer) -> None:
    stranger = Issuer(world, "mill.example")
    signed = college.sign(college.badge())
    signed["proof"] = [stranger.sign(college.badge())["proof"], signed["proof"]]
    result = judged(world, signed)
    assert result.valid
    assert [check.code for check in result.warnings()] == ["KEY_NOT_OF_ISSUER"]


def test_more_than_twenty_proofs_are_refused(world: World, college: Issuer) -> None:
    """SEC-24"""
    signed = college.sign(college.badge())
    signed["proof"] = [signed["proof"]] * 21
    assert codes(judged(world, signed)) == ["PROOF_UNSUPPORTED"]


def test_a_chain_needs_the_proof_it_builds_on(world: World, college: Issuer) -> None:
    signed = college.sign(college.badge())
    signed["proof"]["previousProof"] = "urn:uuid:missing"
    assert codes(judged(world, signed)) == ["SIGNATURE_INVALID"]


@pytest.mark.parametrize(("revoked", "code"), [("2025-01-01T00:00:00Z", "KEY_REVOKED"), ("2026-01-01T00:00:00Z", None)])
def test_a_key_that_had_ended_when_it_signed_is_refused(
    world: World, college: Issuer, revoked: str, code: str | None
) -> None:
    method = dids.verification_method(college.method, college.id, college.key.public_key(), revoked=revoked)
    college.publish(verificationMethod=[method])
    result = judged(world, college.sign(college.badge()))
    assert codes(result) == ([code] if code else [])
    assert code or [check.code for check in result.warnings()] == ["KEY_REVOKED"]


# --- tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "did:web:mill.example"},
        {"jti": "urn:uuid:other"},
        {"sub": "did:example:bob"},
        {"nbf": 1},
        {"exp": 4102444800},
        {"iss": ...},
        {"nbf": True},
    ],
)
def test_claims_must_agree_with_the_credential(world: World, college: Issuer, claims: dict[str, Any]) -> None:
    document = college.badge(validUntil="2030-01-01T00:00:00Z")
    assert "JWT_CLAIM_MISMATCH" in codes(judged(world, college.token(document, **claims)))


def test_a_token_without_subject_is_told(world: World, college: Issuer) -> None:
    result = judged(world, college.token(college.badge(), sub=...))
    assert result.valid
    assert [check.code for check in result.warnings()] == ["JWT_CLAIM_MISMATCH"]


def test_a_claim_alone_ends_validity(world: World, college: Issuer) -> None:
    result = judged(world, college.token(college.badge(), exp=1600000000))
    assert codes(result) == ["EXPIRED"]


def test_a_key_of_another_issuer_does_not_sign_tokens(world: World, college: Issuer) -> None:
    """SEC-23"""
    stranger = Issuer(world, "mill.example")
    token = stranger.token(college.badge())
    assert codes(judged(world, token)) == ["KEY_NOT_OF_ISSUER"]


def test_a_key_in_the_set_of_the_issuers_origin_counts(world: World, college: Issuer) -> None:
    """Digest 6.2 and 6.3: a set at the issuer's own well-known place publishes its keys; another set does not."""
    jwk = {**dids.jwk_of(p256_key(college.base).public_key()), "kid": "k9"}
    for address, verdict in (
        ("https://college.example/.well-known/jwks.json", []),
        ("https://college.example/other.json", ["KEY_NOT_OF_ISSUER"]),
        ("https://mill.example/.well-known/jwks.json", ["KEY_NOT_OF_ISSUER"]),
    ):
        world.serve(address, {"keys": [{"kty": "EC", "kid": "k1"}, jwk]})
        assert codes(judged(world, college.token(college.badge(), kid=f"{address}#k9"))) == verdict
    missing = college.token(college.badge(), kid="https://college.example/.well-known/jwks.json#k8")
    assert codes(judged(world, missing)) == ["KEY_UNAVAILABLE"]


def test_a_key_that_the_issuer_lists_by_its_address_may_be_a_bare_jwk(world: World, college: Issuer) -> None:
    """Digest 6.3, rule 2"""
    address = "https://college.example/keys/9"
    world.serve(address, dids.jwk_of(p256_key(college.base).public_key()))
    token = college.token(college.badge(), kid=address)
    assert codes(judged(world, token)) == ["KEY_NOT_OF_ISSUER"]
    college.publish(assertionMethod=[address])
    assert judged(world, token).valid


def test_a_key_of_another_kind_than_the_method_of_signing_is_told(world: World, college: Issuer) -> None:
    """Digest 4.3, step 4"""
    token = college.token(college.badge(), kid=college.method)  # signed by ES256, the key named is Ed25519
    assert codes(judged(world, token)) == ["ALG_NOT_ALLOWED", "SIGNATURE_INVALID"]


@pytest.mark.parametrize("way", ["token", "jcs"])
def test_words_without_meaning_are_told_where_every_byte_is_signed(world: World, college: Issuer, way: str) -> None:
    """Digest 16, SEC-22"""
    badge = college.badge()
    badge["credentialSubject"]["finalGrade"] = "A+"
    signed = college.token(badge) if way == "token" else college.sign(badge, cryptosuite="eddsa-jcs-2022")
    result = judged(world, signed)
    assert (result.verdict, [check.code for check in result.warnings()]) == ("valid", ["UNDEFINED_TERM"])
    assert "finalGrade" in result.sentence


# --- content, dates, person -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda badge: badge["@context"].reverse(), "CONTEXT_INVALID"),
        (lambda badge: badge["type"].remove("VerifiableCredential"), "TYPE_INVALID"),
        (lambda badge: badge.pop("validFrom"), "SCHEMA_INVALID"),
        (lambda badge: badge.update(validFrom="2025-01-01T00:00:00"), "SCHEMA_INVALID"),
        (lambda badge: badge["credentialSubject"].pop("id"), "SUBJECT_UNIDENTIFIED"),
        (lambda badge: badge["credentialSubject"]["achievement"].update(criteria={}), "SCHEMA_INVALID"),
        (lambda badge: badge["credentialSubject"]["result"][0].update(status="Passed"), "SCHEMA_INVALID"),
        (lambda badge: badge["issuer"].update(type=["Person"]), "TYPE_INVALID"),
    ],
)
def test_the_published_schema_is_held(world: World, college: Issuer, change: Any, code: str) -> None:
    badge = college.badge()
    change(badge)
    try:
        signed = college.sign(badge)
    except DocumentFault:  # what cannot even be signed is judged unsigned
        signed = badge
    assert code in codes(judged(world, signed))


def test_dates_bound_validity(world: World, college: Issuer) -> None:
    """REL-24: skew is allowed for the beginning, none for the end."""
    until = (NOW - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert codes(judged(world, college.sign(college.badge(validUntil=until)))) == ["EXPIRED"]
    for seconds, expected in ((100, []), (140, ["NOT_YET_VALID"])):
        badge = college.badge()
        badge["validFrom"] = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        result = judged(world, college.sign(badge))
        assert codes(result) == expected


def test_the_person_expected_is_found_by_salted_hash(world: World, college: Issuer) -> None:
    """PRIV-06"""
    subject = college.badge()["credentialSubject"]
    del subject["id"]
    subject["identifier"] = [ob3.identity("ada@learners.example", salt="0123456789abcdef")]
    signed = college.sign(college.badge(subject=subject))
    assert judged(world, signed, recipients=("ADA@learners.example",)).valid
    assert codes(judged(world, signed, recipients=("bob@learners.example",))) == ["RECIPIENT_MISMATCH"]


# --- status and refresh ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("purpose", "code"), [("revocation", "REVOKED"), ("suspension", "SUSPENDED")])
def test_a_set_bit_ends_validity(world: World, college: Issuer, purpose: str, code: str) -> None:
    address = college.status_list([94567], purpose=purpose)
    entry = ob3.status_entry(address, 94567, purpose)
    assert codes(judged(world, college.sign(college.badge(credentialStatus=entry)))) == [code]
    free = ob3.status_entry(address, 94568, purpose)
    assert judged(world, college.sign(college.badge(credentialStatus=free))).valid


def test_a_list_that_cannot_be_had_leaves_it_undecided(world: World, college: Issuer) -> None:
    entry = ob3.status_entry("https://college.example/status/gone", 1)
    result = judged(world, college.sign(college.badge(credentialStatus=entry)))
    assert result.verdict == "undecided"
    assert codes(result) == ["STATUS_UNAVAILABLE"]


def test_a_list_of_a_stranger_is_told(world: World, college: Issuer) -> None:
    other = Issuer(world, "registry.example")
    entry = ob3.status_entry(other.status_list([]), 1)
    result = judged(world, college.sign(college.badge(credentialStatus=entry)))
    assert result.valid
    assert [check.code for check in result.warnings()] == ["STATUS_INVALID"]


def test_a_list_signed_by_nobody_is_no_list(world: World, college: Issuer) -> None:
    address = college.status_list([])
    document = json.loads(world.answers[address].body)
    del document["proof"]
    world.serve(address, document)
    result = judged(world, college.sign(college.badge(credentialStatus=ob3.status_entry(address, 1))))
    assert codes(result) == ["STATUS_INVALID"]


def test_the_1edtech_revocation_list_counts(world: World, college: Issuer) -> None:
    address = "https://college.example/revocations/1"
    badge = college.sign(college.badge(credentialStatus=ob3.revocation_list_entry(address)))
    result = judged(world, badge)
    assert result.valid
    assert [check.code for check in result.warnings()] == ["STATUS_UNAVAILABLE"]
    world.serve(address, revocation_list.document(id=address, issuer=college.id, revoked=[]))
    assert judged(world, badge).warnings() == []
    world.serve(
        address, revocation_list.document(id=address, issuer=college.id, revoked=[(badge["id"], "issued in error")])
    )
    assert codes(judged(world, badge)) == ["REVOKED"]


def test_a_newer_copy_replaces_the_one_given(world: World, college: Issuer) -> None:
    service = {"id": "https://college.example/refresh/1", "type": "1EdTechCredentialRefresh"}
    given = college.sign(college.badge(refreshService=service))
    assert judged(world, given).valid, "without an answer the given one counts"
    newer = college.badge(refreshService=service, description="corrected")
    newer["validFrom"] = "2025-03-01T09:00:00Z"
    world.serve(service["id"], college.sign(newer))
    result = judged(world, given)
    assert result.valid
    assert result.document["description"] == "corrected"
    older = {**newer, "validFrom": "2024-03-01T09:00:00Z"}
    world.serve(service["id"], college.sign(older))
    assert judged(world, given).document == given
    stranger = Issuer(world, "mill.example")
    world.serve(service["id"], stranger.sign(newer))
    assert judged(world, given).document == given


def test_what_this_portal_issued_is_known(world: World, college: Issuer) -> None:
    badge = college.sign(college.badge())
    payload = json.dumps(badge).encode()
    world.own_records[badge["id"]] = OwnRecord(payload, superseded_by="urn:uuid:badge-2")
    result = judged(world, badge, own=world)
    assert result.valid
    assert result.superseded_by == "urn:uuid:badge-2"
    assert [check.code for check in result.warnings()] == ["SUPERSEDED"]
    world.own_records[badge["id"]] = OwnRecord(payload, revoked=True)
    assert codes(judged(world, badge, own=world)) == ["REVOKED"]
    world.own_records[badge["id"]] = OwnRecord(json.dumps(college.badge(2)).encode())
    assert codes(judged(world, badge, own=world)) == ["CONTENT_DIFFERS"]


# --- endorsements and records ---------------------------------------------------------------------------------


def test_endorsements_are_judged_wherever_they_stand(world: World, college: Issuer) -> None:
    other = Issuer(world, "council.example")
    badge = college.badge()
    achievement = badge["credentialSubject"]["achievement"]
    achievement["endorsement"] = [other.endorsement(achievement["id"])]
    result = judged(world, college.sign(badge))
    assert result.valid
    assert [inner.kind for inner in result.credentials] == ["endorsement"]
    achievement["endorsement"][0]["credentialSubject"]["endorsementComment"] = "Changed."
    assert codes(judged(world, college.sign(badge))) == ["ENDORSEMENT_INVALID"]
    achievement["endorsement"] = [other.endorsement("https://elsewhere.example/achievement")]
    assert [check.code for check in judged(world, college.sign(badge)).warnings()] == ["ENDORSEMENT_INVALID"]


def test_a_record_of_two_issuers_is_valid(world: World, college: Issuer) -> None:
    other = Issuer(world, "academy.example")
    record = college.sign(college.record([college.sign(college.badge(1)), other.sign(other.badge(2))]))
    result = judged(world, record)
    assert result.verdict == "valid"
    assert result.format == "clr-2.0"
    assert [inner.valid for inner in result.credentials] == [True, True]
    assert len(world.asked) == 2, "each issuer's document is asked for once"


def test_a_bad_credential_inside_makes_the_record_invalid(world: World, college: Issuer) -> None:
    inner = college.sign(college.badge())
    inner["credentialSubject"]["creditsEarned"] = 40
    result = judged(world, college.sign(college.record([inner, college.sign(college.badge(2))])))
    assert codes(result) == ["NESTED_INVALID"]
    assert [inner.valid for inner in result.credentials] == [False, True]


def test_credentials_inside_are_about_the_learner(world: World, college: Issuer) -> None:
    """CLR2-I-07"""
    inner = college.sign(college.badge())
    result = judged(world, college.sign(college.record([inner], learner="did:example:bob")))
    assert codes(result) == ["SUBJECT_MISMATCH"]
    assert LEARNER in next(check.detail for check in result.failures())


def test_records_inside_records_end_somewhere(world: World, college: Issuer) -> None:
    document = college.sign(college.badge())
    for _ in range(4):
        document = college.sign(college.record([document]))
    assert judged(world, document).verdict == "undecided"


def test_a_poison_graph_is_undecided(world: World, college: Issuer) -> None:
    """SEC-22: blank nodes that cannot be told apart in reasonable time."""
    nodes = [f"_:n{number}" for number in range(8)]
    signed = college.sign(college.badge())
    signed["issuer"]["otherIdentifier"] = []
    signed["credentialSubject"]["achievement"]["related"] = [
        {"id": one, "type": ["Related"], "alignment": [{"id": other} for other in nodes if other != one]}
        for one in nodes
    ]
    result = judged(world, signed)
    assert "NOT_DECIDED" in codes(result)
    assert not result.valid


def test_a_record_may_not_ask_for_more_than_the_budget(world: World, college: Issuer) -> None:
    """SEC-07"""
    badges = [issuer.sign(issuer.badge()) for n in range(4) for issuer in [Issuer(world, f"school{n}.example")]]
    result = judged(world, college.sign(college.record(badges)), budget=Budget(requests=3))
    assert result.verdict == "undecided"
    assert "NOT_DECIDED" in codes(result)


def test_no_content_makes_the_engine_fail(world: World, college: Issuer) -> None:
    """SEC-21: whatever stands in the place of whatever, there is an answer."""
    signed = college.sign(college.record([college.sign(college.badge(credentialStatus=ob3.status_entry("urn:x", 1)))]))
    places: list[tuple[Any, Any]] = []

    def collect(value: Any, path: tuple[Any, ...]) -> None:
        places.append(path)  # type: ignore[arg-type]
        if isinstance(value, dict):
            for name, item in value.items():
                collect(item, (*path, name))
        elif isinstance(value, list):
            for position, item in enumerate(value):
                collect(item, (*path, position))

    collect(signed, ())
    for path in places[1:]:
        for other in (None, 1, "x", [], {}, [None], {"id": 1}, True):
            changed = copy.deepcopy(signed)
            target = changed
            for step in path[:-1]:
                target = target[step]
            if target[path[-1]] == other:
                continue
            target[path[-1]] = other
            assert judged(world, changed).verdict != "valid" or other == [], path
