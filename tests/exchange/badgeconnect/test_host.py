"""The Badge Connect host, endpoint by endpoint (digest, C3 to C5; SEC-45, PRIV-01)."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.test import Client as Browser
from django.utils import timezone

from apps.exchange.authorization.scopes import (
    ASSERTION_CREATE,
    ASSERTION_READONLY,
    CLR_READONLY,
    PROFILE_READONLY,
    PROFILE_UPDATE,
)
from apps.institution import keys
from apps.institution.models import Disclosure
from apps.network import counting
from apps.network.fetching import GuardedFetcher
from apps.wallet import intake
from apps.wallet.models import WalletItem
from tests.exchange.badgeconnect.badge_world import BadgeIssuer
from tests.exchange.clr1.provider_world import Caller, World, world_of
from tests.issuance.earning import found_school

pytestmark = pytest.mark.django_db
BASE = "/ims/ob/v2p1"
MANIFEST = "/.well-known/badgeconnect.json"
EVERY = (ASSERTION_READONLY, ASSERTION_CREATE, PROFILE_READONLY, PROFILE_UPDATE)


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> Iterator[World]:
    """A school, a learner with a sign-in, and counters that no other test has counted on."""
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    keys.forget_signers()
    counting.shared_counters.cache_clear()
    yield world_of(found_school())
    counting.shared_counters.cache_clear()


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> BadgeIssuer:
    """Another institution; the fetcher finds it and nobody else."""
    made = BadgeIssuer()
    monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *_args, **_options: made)
    return made


def caller(world: World, *scopes: str, **options: Any) -> Caller:
    return world.caller(*(scopes or EVERY), **options)


def get(program: Caller, query: str = "", **headers: str) -> Any:
    return program.ask("GET", f"{BASE}/assertions{query}", **headers)


def post(program: Caller, body: Any, **headers: str) -> Any:
    return program.ask("POST", f"{BASE}/assertions", body, **headers)


def refused(response: Any, status: int, text: str) -> str:
    """The envelope of a refusal, and nothing beside it (BC-R-12); gives its sentence."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"status"}
    assert set(body["status"]) == {"error", "statusCode", "statusText"}
    assert (body["status"]["statusCode"], body["status"]["statusText"]) == (status, text)
    assert body["status"]["error"]
    return str(body["status"]["error"])


def official(shared: Path, name: str) -> dict[str, Any]:
    """An official schema with the allowances of its README: an error may be null."""
    folder = shared / "schemas/ob-2.1/json"
    found = sorted(folder.glob(f"*-{name}-*.fixed.json")) or sorted(folder.glob(f"*-{name}-*.json"))
    loaded: dict[str, Any] = json.loads(found[0].read_text())
    status = loaded.get("definitions", {}).get("StatusDType", {}).get("properties", {})
    if "error" in status:
        status["error"]["type"] = ["string", "null"]
    return loaded


# --- The manifest -------------------------------------------------------------------------------


def test_the_manifest_tells_where_everything_is(world: World, settings: Any, shared: Path) -> None:
    """BC-P-01 to P-03, SEC-58: public, JSON, every member of the standard, addresses of our own base."""
    response = Browser().get(MANIFEST, headers={"Host": "testserver"})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response["Access-Control-Allow-Origin"] == "*"
    said = response.json()
    assert said["id"] == settings.BASE_URL + MANIFEST
    [api] = said["badgeConnectAPI"]
    assert api["version"] == "v2p1"
    assert api["apiBase"] == settings.BASE_URL + BASE
    assert {*EVERY, "offline_access"} == set(api["scopesOffered"])
    assert api["tokenRevocationUrl"].startswith(settings.BASE_URL)
    del said["@context"]
    jsonschema.validate(said, official(shared, "getmanifest-200"))


def test_who_has_the_manifest_is_told_so(world: World) -> None:
    """BC-P-04: ETag and 304, and how long it may be kept."""
    first = Browser().get(MANIFEST)
    again = Browser().get(MANIFEST, headers={"If-None-Match": first["ETag"]})
    assert "max-age" in first["Cache-Control"]
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_is_answered_without_tls(world: World, settings: Any) -> None:
    """BC-P-01, B9: 421 in the envelope where the portal has TLS; a token is never redirected."""
    settings.HTTPS = True
    settings.SECURE_SSL_REDIRECT = False
    refused(Browser().get(MANIFEST), 421, "BAD_REQUEST")


# --- getAssertions ------------------------------------------------------------------------------


def test_a_learners_badges_are_given_as_they_came(world: World, issuer: BadgeIssuer, shared: Path) -> None:
    """BC-R-01, R-05, R-07, R-12: an envelope, plain ones and signed ones apart, byte for byte."""
    program = caller(world)
    plain = issuer.assertion(world.user.email)
    token = issuer.signed(world.user.email)
    assert post(program, {"assertion": plain}).status_code == 200
    assert post(program, {"signedAssertion": token}).status_code == 200
    response = get(program)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    said = response.json()
    assert set(said) == {"status", "assertions", "signedAssertions"}
    assert said["status"] == {"error": None, "statusCode": 200, "statusText": "OK"}
    assert (said["assertions"], said["signedAssertions"]) == ([plain], [token])
    assert response["X-Total-Count"] == "2"
    assert "no-store" in response["Cache-Control"]
    jsonschema.validate(said, official(shared, "getassertions-200"))


def test_nobody_reads_without_a_token(world: World) -> None:
    """BC-R-02: none, a made-up one and one that is over are 401 UNAUTHENTICATED with a challenge."""
    program = caller(world)
    over = Caller(*_expired(world))
    for each in (Caller("", None), Caller("made-up", None), over):  # type: ignore[arg-type]
        response = get(each)
        refused(response, 401, "UNAUTHENTICATED")
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert get(program).status_code == 200
    refused(Browser().get(f"{BASE}/assertions?access_token={program.token}"), 401, "UNAUTHENTICATED")


def _expired(world: World) -> tuple[str, Any]:
    from tests.exchange import clients

    program = caller(world)
    return clients.token_of(program.row.consent, seconds=-5)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "assertions", ASSERTION_CREATE),
        ("POST", "assertions", ASSERTION_READONLY),
        ("GET", "profile", PROFILE_UPDATE),
        ("POST", "profile", PROFILE_READONLY),
        ("GET", "assertions", CLR_READONLY),
    ],
)
def test_each_scope_opens_its_own_door_alone(world: World, method: str, path: str, scope: str) -> None:
    """BC-R-03, BC-W-10: a token without the scope is 401 PERMISSION_DENIED, not 403."""
    response = caller(world, scope).ask(method, f"{BASE}/{path}", {} if method == "POST" else None)
    refused(response, 401, "PERMISSION_DENIED")
    assert "insufficient_scope" in response["WWW-Authenticate"]


def test_only_the_learners_own_badges_are_given(world: World, issuer: BadgeIssuer) -> None:
    """BC-R-04, SEC-45: another learner's token sees none of them."""
    _learner, other = world.another()
    post(caller(world), {"assertion": issuer.assertion(world.user.email)})
    assert len(get(caller(world)).json()["assertions"]) == 1
    assert get(caller(world, user=other)).json()["assertions"] == []


def test_of_the_wallet_all_or_what_the_client_sent(world: World, issuer: BadgeIssuer) -> None:
    """SEC-45, PRIV-02: where the learner chose single records, of the wallet only what this client put there."""
    sent = issuer.assertion(world.user.email, 1)
    own = issuer.assertion(world.user.email, 2)
    intake.take_in(world.learner, json.dumps(own).encode(), source="upload", fetcher=issuer)
    some = caller(world, records=[])
    post(some, {"assertion": sent})
    assert [each["id"] for each in get(some).json()["assertions"]] == [sent["id"]]
    assert len(get(caller(world)).json()["assertions"]) == 2


def test_pages_lead_to_every_badge_once(world: World, issuer: BadgeIssuer, settings: Any) -> None:
    """BC-R-06, R-08, R-09: limit and offset over both lists together, Link absolute, last update first."""
    program = caller(world)
    for number in range(1, 4):
        post(program, {"assertion": issuer.assertion(world.user.email, number)})
    post(program, {"signedAssertion": issuer.signed(world.user.email)})
    seen: list[str] = []
    address = f"{BASE}/assertions?limit=3"
    first = program.ask("GET", address)
    links = first["Link"]
    assert f'<{settings.BASE_URL}{BASE}/assertions?limit=3&offset=3>; rel="next"' in links
    assert 'rel="first"' in links and 'rel="last"' in links and 'rel="prev"' not in links
    assert len(first.json()["signedAssertions"]) == 1  # the newest stands on the first page
    for page in (first, program.ask("GET", f"{address}&offset=3")):
        said = page.json()
        assert len(said["assertions"]) + len(said["signedAssertions"]) <= 3
        seen += [each["id"] for each in said["assertions"]] + said["signedAssertions"]
    assert len(seen) == len(set(seen)) == 4
    assert 'rel="prev"' in page["Link"] and 'rel="next"' not in page["Link"]


def test_since_leaves_what_changed_after(world: World, issuer: BadgeIssuer) -> None:
    """BC-R-08: only badges created or updated after the moment."""
    program = caller(world)
    post(program, {"assertion": issuer.assertion(world.user.email, 1)})
    between = timezone.now().isoformat().replace("+00:00", "Z")
    post(program, {"assertion": issuer.assertion(world.user.email, 2)})
    [only] = get(program, f"?since={between}").json()["assertions"]
    assert only["id"].endswith("/2")


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "offset=-5", "since=yesterday",
                                   "since=2026-01-01T00:00:00", "limit=1&limit=2", "offset=9" + "9" * 30])  # fmt: skip
def test_a_bad_query_is_the_senders_fault(world: World, query: str) -> None:
    """B8, SEC-34: 400 REQUEST_VALIDATION_ERROR."""
    refused(get(caller(world), f"?{query}"), 400, "REQUEST_VALIDATION_ERROR")


def test_what_is_read_is_noted_and_packed(world: World, issuer: BadgeIssuer) -> None:
    """PRIV-01, B9: each reading is in the disclosure log; gzip and 304 as asked, no credentials for any origin."""
    program = caller(world)
    for number in range(1, 6):
        post(program, {"assertion": issuer.assertion(world.user.email, number)})
    response = get(program, Accept_Encoding="gzip", Origin="https://evil.example")
    assert json.loads(gzip.decompress(response.content))["status"]["statusCode"] == 200
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    assert "Link" in response["Access-Control-Expose-Headers"]
    assert Disclosure.objects.filter(learner_id=world.learner.public_id, purpose="Badge Connect API").count() == 5
    assert get(program, If_None_Match=response["ETag"]).status_code == 304


def test_wrong_addresses_and_methods_keep_the_envelope(world: World) -> None:
    """BC-R-11: 404 and 405 in the envelope; 405 names what is allowed."""
    program = caller(world)
    refused(program.ask("GET", f"{BASE}/nothing"), 404, "NOT_FOUND")
    response = program.ask("DELETE", f"{BASE}/assertions")
    refused(response, 405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= set(response["Allow"].replace(",", " ").split())


# --- postAssertion ------------------------------------------------------------------------------


def test_a_hosted_badge_is_kept_as_it_stands_at_its_address(world: World, issuer: BadgeIssuer, shared: Path) -> None:
    """BC-W-01, W-08: 200 with the status alone; what was posted is not what is given on."""
    program = caller(world)
    hosted = issuer.assertion(world.user.email)
    response = post(program, {"assertion": {**hosted, "narrative": "Made up by the sender"}, "signedAssertion": None})
    assert (response.status_code, response.json()) == (
        200, {"status": {"error": None, "statusCode": 200, "statusText": "OK"}},
    )  # fmt: skip
    jsonschema.validate(response.json(), official(shared, "postassertion-200"))
    assert get(program).json()["assertions"] == [hosted]


def test_of_both_forms_the_signed_one_counts(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-02, W-03."""
    program = caller(world)
    token = issuer.signed(world.user.email)
    body = {"signedAssertion": token, "assertion": issuer.assertion(world.user.email)}
    assert post(program, body).status_code == 200
    said = get(program).json()
    assert (said["assertions"], said["signedAssertions"]) == ([], [token])


@pytest.mark.parametrize(
    "body",
    [b'{"assertion": ', b"[]", {}, {"assertion": None}, {"assertion": 5}, {"signedAssertion": 5}, {"assertion": {}},
     {"signedAssertion": "no token"}, {"assertion": {"id": "x", "type": "Assertion"}, "more": 1}],
)  # fmt: skip
def test_what_is_no_badge_is_refused(world: World, issuer: BadgeIssuer, body: Any) -> None:
    """BC-W-04: 400 REQUEST_VALIDATION_ERROR; nothing is fetched or stored."""
    refused(post(caller(world), body), 400, "REQUEST_VALIDATION_ERROR")
    assert not issuer.asked
    assert not WalletItem.objects.exists()


def test_another_kind_of_content_is_refused(world: World) -> None:
    """BC-W-04."""
    refused(post(caller(world), "x", content_type="text/plain"), 400, "REQUEST_VALIDATION_ERROR")


def test_a_badge_that_does_not_verify_is_not_kept(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-05: revoked, expired, forged: 400 INVALID_BADGE with the reason, nothing stored."""
    program = caller(world)
    revoked, expired = (issuer.assertion(world.user.email, number) for number in (1, 2))
    issuer.gone.add(revoked["id"])
    expired = issuer.assertion(world.user.email, 2, issuedOn="2020-01-01T00:00:00Z", expires="2021-01-01T00:00:00Z")
    forged = issuer.signed(world.user.email)[:-8] + "AAAAAAAA"
    for body in ({"assertion": revoked}, {"assertion": expired}, {"signedAssertion": forged}):
        assert refused(post(program, body), 400, "INVALID_BADGE")
    assert not WalletItem.objects.exists()


def test_a_badge_that_cannot_be_checked_now_is_not_called_invalid(world: World, issuer: BadgeIssuer) -> None:
    """B8: 400 BAD_REQUEST when its address does not answer."""
    hosted = issuer.assertion(world.user.email)
    issuer.is_there = False
    refused(post(caller(world), {"assertion": hosted}), 400, "BAD_REQUEST")
    assert not WalletItem.objects.exists()


def test_somebody_elses_badge_is_refused(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-06, E10, E20: 400 RECIPIENT_PROFILE_MISMATCH, which does not say whose it is."""
    stranger = issuer.assertion("stranger@people.example")
    sentence = refused(post(caller(world), {"assertion": stranger}), 400, "RECIPIENT_PROFILE_MISMATCH")
    assert "stranger" not in sentence
    assert not WalletItem.objects.exists()


def test_somebody_elses_badge_in_the_wallet_is_refused_too(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-06: that its bytes are there already, by upload, does not make it the learner's."""
    stranger = json.dumps(issuer.assertion("stranger@people.example"))
    intake.take_in(world.learner, stranger.encode(), source="upload", fetcher=issuer)
    refused(post(caller(world), f'{{"assertion": {stranger}}}'), 400, "RECIPIENT_PROFILE_MISMATCH")


def test_the_same_badge_again_is_one_badge(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-07: 200 again; what changed at the address takes the place of what was there."""
    program = caller(world)
    hosted = issuer.assertion(world.user.email)
    assert post(program, {"assertion": hosted}).status_code == 200
    assert post(program, {"assertion": hosted}).status_code == 200
    changed = issuer.assertion(world.user.email, narrative="Better said")
    assert post(program, {"assertion": changed}).status_code == 200
    assert get(program).json()["assertions"] == [changed]
    assert get(program)["X-Total-Count"] == "1"


def test_a_badge_that_was_revoked_since_is_refused_the_second_time(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-05, B8: verified each time, not only the first."""
    program = caller(world)
    hosted = issuer.assertion(world.user.email)
    assert post(program, {"assertion": hosted}).status_code == 200
    issuer.gone.add(hosted["id"])
    refused(post(program, {"assertion": hosted}), 400, "INVALID_BADGE")


def test_a_record_is_not_a_badge(world: World, issuer: BadgeIssuer) -> None:
    """BC-W-05: what is of another standard is refused, though the wallet would take it another way."""
    body = {"assertion": {"@context": "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld",
                          "id": "urn:uuid:1", "type": "Clr"}}  # fmt: skip
    assert post(caller(world), body).status_code == 400
    assert not WalletItem.objects.exists()


# --- profile ------------------------------------------------------------------------------------


def test_the_profile_has_the_addresses_that_are_known(world: World, shared: Path) -> None:
    """BC-R-10, E10, E22: a Profile under `profile`; the look is noted (PRIV-01)."""
    response = caller(world).ask("GET", f"{BASE}/profile")
    said = response.json()
    assert response.status_code == 200
    assert set(said) == {"status", "profile"}
    profile = said["profile"]
    assert (profile["@context"], profile["type"]) == ("https://w3id.org/openbadges/v2", "Profile")
    assert world.user.email in profile["email"]
    assert profile["id"] == f"urn:uuid:{world.learner.public_id}"
    assert Disclosure.objects.filter(object_id=str(world.learner.public_id)).count() == 1


def test_a_known_address_is_taken_and_an_unknown_one_is_not(world: World) -> None:
    """BC-W-09: 200 with the profile, or 400; an address that nobody confirmed never counts."""
    program = caller(world)
    response = program.ask("POST", f"{BASE}/profile", {"email": world.user.email.upper()})
    assert response.status_code == 200 and "profile" in response.json()
    for body in ({"email": "new@people.example"}, {"telephone": "+15550100"}):
        refused(program.ask("POST", f"{BASE}/profile", body), 400, "BAD_REQUEST")
    for body in ({}, {"email": 5}, {"email": "a@b.example\r\nBcc: c@d.example"}):
        refused(program.ask("POST", f"{BASE}/profile", body), 400, "REQUEST_VALIDATION_ERROR")


def test_a_person_without_a_record_has_no_profile(world: World) -> None:
    """BC-R-12: 404 in the envelope."""
    world.learner.user = None
    world.learner.save()
    refused(caller(world).ask("GET", f"{BASE}/profile"), 404, "NOT_FOUND")
    assert get(caller(world)).json()["assertions"] == []
