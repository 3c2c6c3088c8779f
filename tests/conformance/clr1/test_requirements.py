"""The certification requirements of CLR 1.0 by role, and the test that would fail without each.

Numbers and words are those of section 9 of the digest. A row names tests as `file::function`; the function's own text
names the number again, so that one gets from a requirement to its test and back.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tests.standards.verify.world import Institution, World, codes

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[3]

PROVIDER = "tests/exchange/clr1/test_provider.py::"
HOSTED = "tests/exchange/test_hosted.py::"
CLIENT = "tests/exchange/clr1/test_client.py::"
CONNECTING = "tests/exchange/clr1/test_connecting.py::"
PAIR = "tests/exchange_pairs/test_two_portals.py::"
WALLET = "tests/wallet/test_intake.py::"
CONSENT = "tests/exchange/authorization/test_consent_page.py::"
REGISTRATION = "tests/exchange/authorization/test_registration.py::"
TOKENS = "tests/exchange/authorization/test_tokens.py::"
COMMAND = "tests/conformance/clr1/test_command.py::"
HERE = "tests/conformance/clr1/test_requirements.py::"
RULES = "tests/standards/verify/test_clr1_rules.py::"
SAMPLES = "tests/standards/verify/test_clr1_samples.py::"
READ = "tests/standards/clr1/test_read.py::"
MODEL = "tests/standards/clr1/test_information_model.py::"

# --- Provider ---------------------------------------------------------------------------------------

PROVIDER_REQUIREMENTS = {
    "P-01": PROVIDER + "test_discovery_has_what_it_must_have_and_nothing_else",
    "P-02": PROVIDER + "test_get_clrs_gives_the_signed_records_byte_for_byte",
    "P-03": PROVIDER + "test_only_the_records_of_the_tokens_learner",
    "P-04": PROVIDER + "test_get_clrs_gives_the_signed_records_byte_for_byte",
    "P-05": PROVIDER + "test_paging_gives_every_record_once",
    "P-06": PROVIDER + "test_since_leaves_what_came_afterwards",
    "P-07": PROVIDER + "test_no_token_and_bad_tokens_are_401",
    "P-08": PROVIDER + "test_unknown_addresses_are_404_in_the_standards_form",
    "P-09": PROVIDER + "test_the_same_id_again_replaces_the_record",
    "P-10": PROVIDER + "test_faulty_records_are_refused",
    "P-11": PROVIDER + "test_a_record_of_another_learner_is_refused",
    "P-12": PROVIDER + "test_a_record_answers_at_its_id",
    "P-13": HOSTED + "test_revoking_puts_the_id_on_the_list_at_once",
    "P-14": HOSTED + "test_public_objects_are_open_to_every_origin_and_have_an_etag",
    "P-23": PROVIDER + "test_json_ld_only_when_it_is_asked_for",
    "P-24": PROVIDER + "test_a_stranger_gets_public_records_alone",
    "P-25": PROVIDER + "test_a_client_takes_back_what_it_sent",
    "P-26": PROVIDER + "test_unknown_properties_come_back_as_they_were_sent",
    "P-27": PROVIDER + "test_without_tls_nothing_is_answered_where_the_portal_has_tls",
}

# --- Publisher --------------------------------------------------------------------------------------

PUBLISHER_REQUIREMENTS = {
    "P-15": HOSTED + "test_the_profile_names_the_key_and_the_key_names_the_profile",
    "P-16": HOSTED + "test_the_profile_names_the_key_and_the_key_names_the_profile",
    "P-17": "tests/interop/test_clr1_records.py::test_jose_verifies_our_record",
    "P-18": "tests/standards/clr1/test_write.py::test_a_revocation_list_holds_strings",
    "P-19": "tests/issuance/test_drafting.py::test_the_standard_finds_nothing_against_it",
    "P-20": MODEL + "test_lists_of_values",
    "P-21": HOSTED + "test_an_achievement_is_served_as_records_hold_it",
    "P-22": "tests/issuance/test_drafting.py::test_leaving_something_out_makes_the_record_partial",
}

# --- Consumer and wallet ------------------------------------------------------------------------------

CONSUMER_REQUIREMENTS = {
    "C-01": CLIENT + "test_c_01_every_way_to_write_the_address",
    "C-02": CLIENT + "test_c_02_registers_with_every_field",
    "C-03": CONNECTING + "test_sec_47_a_return_serves_once_and_in_its_own_session",
    "C-04": CLIENT + "test_c_04_basic_at_the_token_endpoint_and_bearer_in_the_header",
    "C-05": CONNECTING + "test_consent_that_ended",
    "C-06": CLIENT + "test_c_06_with_paging",
    "C-07": CLIENT + "test_c_07_records_are_kept_as_they_came",
    "C-08": CONNECTING + "test_c_08_what_nobody_vouches_for_is_not_shown_as_genuine",
    "C-09": CONNECTING + "test_c_09_c_10_a_received_record_is_shown_and_given_back",
    "C-10": CONNECTING + "test_c_09_c_10_a_received_record_is_shown_and_given_back",
    "C-11": WALLET + "test_a_newer_version_is_the_successor",
    "C-12": CONNECTING + "test_c_12_sending_a_record",
    "C-13": "tests/issuance/test_record_body.py::test_markup_in_a_record_is_text",
    "C-14": CONNECTING + "test_c_14_disconnecting",
    "C-15": CLIENT + "test_c_15_answers_of_every_kind",
}

# --- Authorization server -------------------------------------------------------------------------------

AUTHORIZATION_SERVER_REQUIREMENTS = {
    "AS-01": REGISTRATION + "test_a_good_registration_is_answered_with_all_that_was_sent_and_credentials",
    "AS-02": REGISTRATION + "test_each_required_field_must_be_there",
    "AS-03": REGISTRATION + "test_the_defaults_are_applied_and_echoed",
    "AS-04": REGISTRATION + "test_scopes_that_are_not_offered_are_dropped",
    "AS-05": CONSENT + "test_an_address_that_is_not_the_registered_text_redirects_nobody",
    "AS-06": CONSENT + "test_yes_leads_back_with_code_state_and_issuer",
    "AS-07": CONSENT + "test_no_other_challenge_method_is_taken",
    "AS-08": TOKENS + "test_a_code_used_twice_ends_what_came_of_it",
    "AS-09": TOKENS + "test_a_wrong_secret_is_refused",
    "AS-10": TOKENS + "test_a_code_becomes_a_token",
    "AS-11": TOKENS + "test_a_refresh_token_used_twice_ends_its_family",
    "AS-12": COMMAND + "test_our_own_portal_meets_them_all",
    "AS-13": PAIR + "test_records_go_both_ways",
    "AS-14": TOKENS + "test_only_digests_are_stored",
}

# --- Verifier -------------------------------------------------------------------------------------------

VERIFIER_REQUIREMENTS = {
    "V-01": "tests/verification/test_command_samples.py::test_every_case_gives_the_answer_of_its_manifest",
    "V-02": RULES + "test_a_signature_of_another_key_is_found",
    "V-03": SAMPLES + "test_nothing_is_fetched_for_keys_in_the_header",
    "V-04": RULES + "test_a_key_that_only_the_record_itself_vouches_for_is_refused",
    "V-05": RULES + "test_a_key_of_another_owner_is_refused",
    "V-06": RULES + "test_a_withdrawn_key_is_refused_whatever_it_signed",
    "V-07": RULES + "test_a_revoked_record_is_invalid",
    "V-08": RULES + "test_a_record_hosted_elsewhere_is_not_the_issuers",
    "V-09": RULES + "test_the_policy_of_the_issuer_decides",
    "V-10": RULES + "test_faulty_records_are_invalid_though_signed",
    "V-11": SAMPLES + "test_unknown_properties_are_kept",
    "V-12": RULES + "test_the_person_expected_is_the_learner",
    "V-13": RULES + "test_faulty_assertions_spoil_the_record",
    "V-14": RULES + "test_a_signed_assertion_of_another_issuer_is_judged_by_its_own_signer",
    "V-15": RULES + "test_an_achievement_in_two_places_must_be_equal",
    "V-16": RULES + "test_a_set_is_valid_if_every_record_is",
    "V-17": "tests/standards/verify/test_bad_inputs.py::test_no_document_of_the_catalogue_is_valid_or_crashes",
    "V-18": RULES + "test_without_the_profile_nothing_is_decided",
    "V-19": HERE + "test_an_open_badge_inside_a_record_is_judged_by_its_own_rules",
    "V-20": RULES + "test_more_addresses_than_the_budget_leave_it_undecided",
}

ALL = {
    **PROVIDER_REQUIREMENTS,
    **PUBLISHER_REQUIREMENTS,
    **CONSUMER_REQUIREMENTS,
    **AUTHORIZATION_SERVER_REQUIREMENTS,
    **VERIFIER_REQUIREMENTS,
}


def requirements(shared: Path) -> dict[str, str]:
    """Number → words, of section 9 of the digest."""
    text = (shared / "specs/clr-1.0.md").read_text()
    section = text[text.index("## 9. ") : text.index("## 10. ")]
    found = re.findall(r"(?m)^\| CLR1-([A-Z]+-\d\d) \[[MSOR]\] \| (.+) \|$", section)
    assert len(found) > 70
    return dict(found)


def test_every_requirement_has_a_row(shared: Path) -> None:
    """None is forgotten, and none is made up."""
    assert sorted(ALL) == sorted(requirements(shared))


@lru_cache
def functions(path: Path) -> dict[str, str]:
    """The test functions of a file with their whole text, decorators included."""
    text = path.read_text()
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@pytest.mark.parametrize("number", sorted(ALL))
def test_the_row_leads_to_a_test_that_names_the_requirement(number: str) -> None:
    """The test exists, and says which requirement it holds."""
    file, _, name = ALL[number].partition("::")
    tests = functions(ROOT / file)
    assert name in tests, f"{file} has no {name}"
    assert re.search(rf"\b{number}\b", tests[name]) or named_in_a_range(number, tests[name]), number


def named_in_a_range(number: str, text: str) -> bool:
    """Whether the text names a range such as CLR1-P-14 to P-17 that holds the number."""
    role, _, place = number.partition("-")
    for first, last in re.findall(rf"{role}-(\d\d) to {role}-(\d\d)", text):
        if int(first) <= int(place) <= int(last):
            return True
    return False


@pytest.mark.parametrize("number", sorted({**PROVIDER_REQUIREMENTS, **PUBLISHER_REQUIREMENTS}))
def test_the_command_asks_for_each_requirement_of_the_host_side(number: str) -> None:
    """`manage.py conformance clr1` has a row for each, or says that it cannot be seen."""
    from apps.exchange.clr1.conformance import TABLE

    assert f"CLR1-{number}" in TABLE.numbers


def badge(other: Institution, world: World, **changes: Any) -> str:
    """A signed Open Badge 2.0 of an institution, as it stands in a record."""
    context = "https://w3id.org/openbadges/v2"
    key = {"type": "CryptographicKey", "id": other.key_id, "owner": other.id, **other.profile["publicKey"]}
    issuer = {**other.profile, "@context": context, "type": "Issuer", "url": "https://badges.other.example/",
              "email": "badges@other.example", "publicKey": other.key_id}  # fmt: skip
    issuer.pop("revocationList")
    world.serve(other.id, issuer)
    world.serve(other.key_id, {"@context": context, **key})
    badge_class = {"@context": context, "type": "BadgeClass", "id": "https://badges.other.example/classes/1",
                   "name": "Welding", "description": "Welds.", "image": "https://badges.other.example/1.png",
                   "criteria": {"narrative": "Weld."}, "issuer": other.id}  # fmt: skip
    world.serve(badge_class["id"], badge_class)
    email = {"type": "email", "identity": "ada@students.example", "hashed": False}
    said = {"@context": context, "type": "Assertion", "id": "urn:uuid:0b5e8f0e-77e3-4d12-9d8a-5f3c3a1b2c01",
            "recipient": email, "badge": badge_class["id"], "issuedOn": "2026-06-01T00:00:00Z",
            "verification": {"type": "SignedBadge", "creator": other.key_id}, **changes}  # fmt: skip
    return other.sign(said)


def test_an_open_badge_inside_a_record_is_judged_by_its_own_rules() -> None:
    """CLR1-V-19: a whole, signed badge among the signed assertions counts with its own verdict."""
    world = World()
    college = Institution(world, "records.college.example", "College")
    other = Institution(world, "badges.other.example", "Other")
    learner = {**college.record()["learner"], "email": "ada@students.example"}

    def judged(token: str) -> Any:
        return world.judge(college.sign(college.record(learner=learner, signedAssertions=[token])))

    good = judged(badge(other, world))
    assert (good.verdict, codes(good)) == ("valid", [])
    assert "ob-2.0" in {nested.format for nested in good.credentials}
    forged = badge(other, world)
    assert judged(forged[:-8] + ("AAAAAAAA" if forged[-8:] != "AAAAAAAA" else "BBBBBBBB")).verdict == "invalid"
    somebody = {"type": "email", "identity": "eve@students.example", "hashed": False}
    assert "RECIPIENT_MISMATCH" in codes(judged(badge(other, world, recipient=somebody)))
