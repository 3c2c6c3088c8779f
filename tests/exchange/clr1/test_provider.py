"""The CLR 1.0 provider, endpoint by endpoint (digest, section 5; CLR1-P-01 to P-13, P-23 to P-27; SEC-45)."""

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jsonschema import Draft4Validator

from apps.exchange.clr1 import host
from apps.exchange.models import ClientConsent
from apps.institution import keys
from apps.institution.models import Disclosure
from apps.issuance import documents, immutability, revoking
from apps.issuance.models import IssuedDocument, Publicity, Record
from apps.learners.models import Learner
from apps.network import counting
from apps.network.fetching import GuardedFetcher
from apps.network.limits import API
from apps.standards import strict_json
from apps.standards.clr1 import model, read
from apps.standards.errors import StandardsError
from apps.wallet.models import WalletItem
from tests.exchange import clients
from tests.exchange.clr1.provider_world import (
    ALL,
    BASE,
    CONTEXT,
    DELETE,
    READ,
    REPLACE,
    STRANGER,
    Caller,
    Publisher,
    World,
    id_of,
    minor_code,
    record,
    token_text,
    world_of,
)
from tests.issuance.earning import found_school
from tests.standards.verify.manifest import cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> Iterator[World]:
    """A school with keys and files of its own, a learner, and counters that no other test has counted on."""
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    keys.forget_signers()
    counting.shared_counters.cache_clear()
    yield world_of(found_school())
    counting.shared_counters.cache_clear()


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """Another institution; the fetcher finds it and nobody else."""
    made = Publisher()
    monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *_args, **_options: made)
    return made


# --- Discovery (CLR1-P-01) --------------------------------------------------------------------


def test_discovery_has_what_it_must_have_and_nothing_else(world: World, settings: Any) -> None:
    """CLR1-P-01: public, JSON, all required properties, no others, CLR scopes alone, our own addresses."""
    response = STRANGER.get("discovery")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) - {"image"} == {
        "@context",
        "name",
        "authorizationUrl",
        "registrationUrl",
        "tokenUrl",
        "privacyPolicyUrl",
        "termsOfServiceUrl",
        "scopesOffered",
    }
    assert body["@context"] == CONTEXT
    assert body["name"] == world.school.home.name
    assert body["scopesOffered"] == [READ, REPLACE, DELETE]
    addresses = [value for name, value in body.items() if name.endswith("Url")]
    assert len(addresses) == 5 and all(each.startswith(settings.BASE_URL + "/") for each in addresses)
    assert read.check(body, model.DiscoveryDocument) == []


def test_discovery_names_https_addresses_where_the_portal_has_https(world: World, settings: Any) -> None:
    """CLR1-P-01, SEC-58: by the configured base, whatever was asked."""
    settings.BASE_URL, settings.HTTPS = "https://records.lantern.example", True
    body = Browser().get(f"{BASE}/discovery", secure=True).json()
    assert all(value.startswith("https://records.lantern.example/") for key, value in body.items() if "Url" in key)


def test_discovery_is_kept_and_asked_again_by_its_tag(world: World) -> None:
    """Digest, 5.2: `Cache-Control`, `ETag`; any origin may read it."""
    response = STRANGER.get("discovery")
    assert "max-age" in response["Cache-Control"]
    assert response["Access-Control-Allow-Origin"] == "*"
    assert STRANGER.get("discovery", If_None_Match=response["ETag"]).status_code == 304


# --- getClrs ----------------------------------------------------------------------------------


def test_get_clrs_gives_the_signed_records_byte_for_byte(world: World) -> None:
    """CLR1-P-02, CLR1-P-04: a ClrSet with `@context`; the stored JWS, unchanged."""
    issued = world.school.issued(world.learner)
    response = world.caller().get()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"@context", "type", "clrs", "signedClrs"}
    assert body["@context"] == CONTEXT
    assert body["signedClrs"] == [token_text(issued)]
    assert body["clrs"] == []
    assert read.check(body, model.ClrSet) == []
    assert response["X-Total-Count"] == "1"


def test_the_answer_is_what_our_own_description_says(world: World) -> None:
    """CLR1-P-02: the document is valid by the schema that `/api/schema/` gives."""
    world.school.issued(world.learner)
    from apps.standards.clr1.json_schema import schema_of

    Draft4Validator(schema_of(model.ClrSet, 3)).validate(world.caller().get().json())


def test_without_records_the_set_is_empty(world: World) -> None:
    """Digest, 5.3: 200 with empty arrays; so for somebody who has no record at all."""
    response = world.caller().get()
    assert response.status_code == 200
    assert (response.json()["clrs"], response.json()["signedClrs"]) == ([], [])
    staff = world.caller(user=world.school.registrar).get()
    assert staff.status_code == 200
    assert staff["X-Total-Count"] == "0"


def test_only_the_records_of_the_tokens_learner(world: World) -> None:
    """CLR1-P-03, SEC-45: owner."""
    foreign = world.school.issued(world.another()[0])
    own = world.school.issued(world.learner)
    caller = world.caller()
    assert caller.get().json()["signedClrs"] == [token_text(own)]
    assert caller.get(id_of(foreign)).status_code == 404


def test_only_the_records_that_the_learner_chose(world: World) -> None:
    """SEC-45, CLR1-P-03: choice; a record that was not chosen is as if it did not exist."""
    first, second = world.school.issued(world.learner), world.school.issued(world.learner)
    caller = world.caller(records=[first])
    assert caller.get().json()["signedClrs"] == [token_text(first)]
    assert caller.get(id_of(first)).status_code == 200
    chosen_not, absent = caller.get(id_of(second)), caller.get(f"clrs/{uuid.uuid4()}")
    assert chosen_not.status_code == absent.status_code == 404
    assert chosen_not.content == absent.content


def test_drafts_are_not_there(world: World) -> None:
    """CLR1-P-03: only what was issued."""
    draft = world.school.drafted(world.learner)
    caller = world.caller()
    assert caller.get()["X-Total-Count"] == "0"
    assert caller.get(f"clrs/{draft.public_id}").status_code == 404


def test_superseded_and_revoked_records_are_not_listed(world: World) -> None:
    """Contract: the superseded one answers at its id, the revoked one is gone (CLR1-P-13)."""
    old = world.school.issued(world.learner)
    correction = revoking.reissue(old, by=world.school.registrar, reason="A grade was wrong.")
    from apps.issuance import batches, review, signing

    review.submit(correction, by=world.school.registrar, version=correction.version)
    correction.refresh_from_db()
    review.approve(correction, by=world.school.approver, version=correction.version)
    batches.start([correction], by=world.school.registrar)
    signing.issue_due()
    revoked = world.school.issued(world.learner)
    revoking.revoke(revoked, by=world.school.registrar, reason="Issued in error.")
    caller = world.caller()
    assert caller.get().json()["signedClrs"] == [token_text(correction)]
    assert caller.get(id_of(old)).status_code == 200
    gone = caller.get(id_of(revoked))
    assert gone.status_code == 410
    assert minor_code(gone) == "unknown"
    assert "Issued in error." in gone.json()["imsx_description"]


def test_paging_gives_every_record_once(world: World, settings: Any) -> None:
    """CLR1-P-05: `Link`, `X-Total-Count`; following `next` yields each record once, in a stable order."""
    many_issued(world.learner, world.school.issued(world.learner), 7)
    caller = world.caller()
    seen: list[str] = []
    address: str | None = f"{BASE}/clrs?limit=3"
    while address:
        response = caller.get(address)
        assert response["X-Total-Count"] == "8"
        page = links_of(response)
        assert page["first"].endswith("/clrs?limit=3&offset=0")
        assert page["last"].endswith("/clrs?limit=3&offset=6")
        assert all(each.startswith(settings.BASE_URL + BASE) for each in page.values())
        seen += response.json()["signedClrs"]
        address = page.get("next")
    assert sorted(seen) == sorted(
        bytes(each).decode() for each in IssuedDocument.objects.values_list("content", flat=True)
    )
    assert "next" not in page and page["prev"].endswith("offset=3")


def test_the_newest_comes_first(world: World) -> None:
    """Digest, 5.3: by `issuedOn` descending, then by id, over both arrays together."""
    first = world.school.issued(world.learner)
    many_issued(world.learner, first, 3)
    rows = IssuedDocument.objects.order_by("-issued_on", "document_id").values_list("content", flat=True)
    assert world.caller().get().json()["signedClrs"] == [bytes(each or b"").decode() for each in rows]


def test_no_limit_means_fifty(world: World) -> None:
    """Issue and SEC-34: 50 without a limit, at most 100 with one."""
    many_issued(world.learner, world.school.issued(world.learner), 109)
    caller = world.caller()
    assert len(caller.get().json()["signedClrs"]) == 50
    assert len(caller.get("clrs?limit=1000000000").json()["signedClrs"]) == 100
    assert len(caller.get(f"clrs?limit={'9' * 60}").json()["signedClrs"]) == 100
    assert len(caller.get("clrs?limit=20&offset=100").json()["signedClrs"]) == 10


def test_past_the_end_there_is_nothing(world: World) -> None:
    """Digest, 5.3: an empty page that leads back."""
    world.school.issued(world.learner)
    response = world.caller().get("clrs?limit=10&offset=500")
    assert response.json()["signedClrs"] == []
    assert links_of(response)["prev"].endswith("offset=0")


@pytest.mark.parametrize(
    "query",
    [
        *("limit=-1", "limit=0", "limit=NaN", "limit=", "limit=1.0", "limit=٣", "limit=%C2%B2", "limit=1&limit=2"),
        *("limit=+5", "limit=0x10", "limit=1e3", "limit=%00"),
        *("offset=-1", "offset=1000001", f"offset={'9' * 40}", "offset=x", "offset=1&offset=1", "offset=%20"),
        *("since=now", "since=", "since=2026-13-01T00:00:00Z", "since=2026-01-01", "since=2026-01-01T00:00:00"),
        *("since=2026-01-01T00:00:00Z'%20OR%201=1--", "since=%00", "since=1767225600", f"since={'1' * 5000}"),
        "since=2026-01-01T00:00:00Z&since=2026-01-02T00:00:00Z",
    ],
)
def test_bad_paging_values_are_refused(world: World, query: str) -> None:
    """SEC-34, digest 5.3: 400 `invalid_query_parameter`."""
    response = world.caller().get(f"clrs?{query}")
    assert response.status_code == 400
    assert minor_code(response) == "invalid_query_parameter"


def test_unknown_parameters_choose_nothing(world: World) -> None:
    """SEC-45: the owner comes from the token alone."""
    world.school.issued(world.another()[0])
    response = world.caller().get(f"clrs?learner=2&userId=1&id={uuid.uuid4()}&q=%00")
    assert response.status_code == 200
    assert response["X-Total-Count"] == "0"


def test_since_leaves_what_came_afterwards(world: World) -> None:
    """CLR1-P-06: issued or received after that moment; links keep it."""
    world.school.issued(world.learner)
    caller = world.caller()
    caller.post({"@context": CONTEXT, "clr": record(world.learner)})
    moment = timezone.now()
    later = world.school.issued(world.learner)
    caller.post({"@context": CONTEXT, "clr": record(world.learner, id="urn:uuid:other")})
    response = caller.get(f"clrs?since={moment.isoformat().replace('+00:00', 'Z')}")
    assert response.json()["signedClrs"] == [token_text(later)]
    assert [each["id"] for each in response.json()["clrs"]] == ["urn:uuid:other"]
    assert "since=" in links_of(response)["first"]
    for far in ("2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert caller.get(f"clrs?since={far}")["X-Total-Count"] == "0"
    for early in ("1900-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00"):
        assert caller.get(f"clrs?since={early}")["X-Total-Count"] == "4", early


def test_a_page_costs_a_constant_number_of_queries(world: World) -> None:
    """Goal `api`: as many for fifty records as for two."""
    first = world.school.issued(world.learner)
    many_issued(world.learner, first, 1)
    caller = world.caller()
    caller.post({"clr": record(world.learner)})
    with CaptureQueriesContext(connection) as few:
        caller.get()
    many_issued(world.learner, first, 60)
    for number in range(5):
        caller.post({"clr": record(world.learner, id=f"urn:uuid:{number}")})
    with CaptureQueriesContext(connection) as many:
        response = caller.get()
    assert len(response.json()["signedClrs"]) + len(response.json()["clrs"]) == 50
    assert len(many) <= len(few) + 1  # counting all of them, which a page that is not full spares itself
    assert len(many) <= 9


def test_an_unchanged_page_is_not_sent_again(world: World) -> None:
    """Issue: `ETag` from stored digests; a new record makes a new tag."""
    world.school.issued(world.learner)
    caller = world.caller()
    tag = caller.get()["ETag"]
    again = caller.get("clrs", If_None_Match=f'"x", W/{tag}')
    assert again.status_code == 304 and again.content == b""
    assert again["X-Total-Count"] == "1"
    world.school.issued(world.learner)
    assert caller.get("clrs", If_None_Match=tag).status_code == 200


@pytest.mark.parametrize("tag", ["x" * 6_000, '"', '""', 'W/"', "é", ","])
def test_odd_tags_are_no_tags(world: World, tag: str) -> None:
    """SEC-60: an If-None-Match that cannot be read is as none."""
    assert world.caller().get("clrs", If_None_Match=tag).status_code == 200


def test_the_answer_can_be_packed(world: World) -> None:
    """Issue: gzip where the client takes it."""
    world.school.issued(world.learner)
    caller = world.caller()
    response = caller.get("clrs", Accept_Encoding="gzip")
    assert response["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.content)) == caller.get().json()


# --- Tokens and scopes (CLR1-P-07) ------------------------------------------------------------


def test_no_token_and_bad_tokens_are_401(world: World) -> None:
    """CLR1-P-07, SEC-45: with the challenge of RFC 6750, which names an error only where a token was sent."""
    nothing = STRANGER.get()
    assert nothing.status_code == 401
    assert nothing["WWW-Authenticate"].startswith("Bearer") and "error" not in nothing["WWW-Authenticate"]
    assert minor_code(nothing) == "unauthorizedrequest"
    for sent in ("Bearer nothing-that-was-ever-issued-here", "Basic dXNlcjpwYXNz", "Bearer", "Bearer a b", "x"):
        response = Browser().get(f"{BASE}/clrs", headers={"Authorization": sent})
        assert response.status_code == 401, sent
        assert 'error="invalid_token"' in response["WWW-Authenticate"]
        assert minor_code(response) == "unauthorizedrequest"


def test_an_expired_token_is_401(world: World) -> None:
    """CLR1-P-07."""
    consent = clients.consented(world.user, clients.registered(), READ)
    expired = Caller(*clients.token_of(consent, seconds=-1))
    assert expired.get().status_code == 401


def test_a_withdrawn_consent_ends_access_at_the_next_request(world: World) -> None:
    """SEC-48: withdrawal takes effect at once."""
    caller = world.caller()
    assert caller.get().status_code == 200
    ClientConsent.objects.update(withdrawn_at=timezone.now())
    assert caller.get().status_code == 401


def test_a_token_in_the_query_or_the_body_is_no_token(world: World) -> None:
    """SEC-45: the header only."""
    token = world.caller().token
    assert Browser().get(f"{BASE}/clrs?access_token={token}").status_code == 401
    assert Browser().post(f"{BASE}/clrs", {"access_token": token}).status_code == 401


def test_a_session_is_no_token(world: World) -> None:
    """SEC-45, SEC-55: being signed in opens nothing here."""
    browser = Browser()
    browser.force_login(world.user)
    issued = world.school.issued(world.learner)
    assert browser.get(f"{BASE}/clrs").status_code == 401
    assert browser.get(f"{BASE}/clrs/{issued.public_id}").status_code == 401


def test_no_scope_implies_another(world: World) -> None:
    """CLR1-P-07, digest 7.1: 403 `forbidden` with the scope that is needed."""
    issued = world.school.issued(world.learner)
    body = {"clr": record(world.learner)}
    asked: dict[str, Any] = {
        READ: [lambda caller: caller.get(), lambda caller: caller.get(id_of(issued))],
        REPLACE: [lambda caller: caller.post(body)],
        DELETE: [lambda caller: caller.delete(f"clrs/{uuid.uuid4()}")],
    }
    for needed, requests in asked.items():
        caller = world.caller(*[scope for scope in ALL if scope != needed])
        for request in requests:
            response = request(caller)
            assert response.status_code == 403, needed
            assert f'error="insufficient_scope", scope="{needed}"' in response["WWW-Authenticate"]
            assert minor_code(response) == "forbidden"
    assert not WalletItem.objects.exists()


def test_a_token_for_badges_reads_no_records(world: World) -> None:
    """SEC-45: tokens name their audience."""
    caller = world.caller("https://purl.imsglobal.org/spec/ob/v2p1/scope/assertion.readonly")
    assert caller.get().status_code == 403


# --- Refusals (CLR1-P-08) ---------------------------------------------------------------------


def test_methods_that_are_not_there_are_405(world: World) -> None:
    """CLR1-P-08: with `Allow`, in the standard's form."""
    caller = world.caller()
    for method, path in (
        *(("PUT", "clrs"), ("DELETE", "clrs"), ("PATCH", "clrs"), ("TRACE", "clrs")),
        *(("POST", f"clrs/{uuid.uuid4()}"), ("PUT", f"clrs/{uuid.uuid4()}")),
        *(("POST", "discovery"), ("DELETE", "discovery")),
    ):
        response = caller.ask(method, path)
        assert response.status_code == 405, (method, path)
        assert "GET" in response["Allow"] and method not in response["Allow"]
        assert minor_code(response) == "not_allowed"


def test_no_method_stands_in_for_another(world: World) -> None:
    """SEC-55: no override."""
    assert world.caller().ask("POST", "clrs", {}, X_HTTP_Method_Override="GET").status_code == 400


@pytest.mark.parametrize("accept", ["application/vnd.evil", "text/plain", "image/*", "application/json;q=0"])
def test_what_cannot_be_given_is_406(world: World, accept: str) -> None:
    """CLR1-P-08, CLR1-P-23."""
    for path in ("clrs", "discovery"):
        response = world.caller().get(path, Accept=accept)
        assert response.status_code == 406
        assert minor_code(response) == "not_acceptable"


@pytest.mark.parametrize("accept", ["*/*", "", ";;q=x, */;q=NaN, ,", "application/*", "text/html;q=0.1, */*;q=0.9"])
def test_anything_that_lets_json_through_gives_json(world: World, accept: str) -> None:
    """CLR1-P-23: the default is JSON; a header that cannot be read asks for nothing."""
    response = world.caller().get("clrs", Accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_json_ld_only_when_it_is_asked_for(world: World) -> None:
    """CLR1-P-23: the same bytes under the other name, with a tag of its own."""
    world.school.issued(world.learner)
    caller = world.caller()
    asked = caller.get("clrs", Accept="application/ld+json, application/json;q=0.9")
    assert asked["Content-Type"] == "application/ld+json"
    plain = caller.get()
    assert asked.content == plain.content and asked["ETag"] != plain["ETag"]
    assert (
        caller.get("clrs", Accept="application/json, application/ld+json;q=0.9")["Content-Type"] == "application/json"
    )


@pytest.mark.parametrize("path", ["nothing", "clrs/", "clrs/a/b", "discovery/", "../../x", "assertions", "clrs%00"])
def test_unknown_addresses_are_404_in_the_standards_form(world: World, path: str) -> None:
    """CLR1-P-08, SEC-60."""
    response = world.caller().get(path)
    assert response.status_code == 404
    assert minor_code(response) == "unknown"


@pytest.mark.parametrize("name", ["1", "x", "00000000", "{}", "a" * 3_000, "%00", "..", "%C2%B2"])
def test_what_is_no_id_is_as_an_id_that_nobody_has(world: World, name: str) -> None:
    """I4, SEC-60."""
    assert world.caller().get(f"clrs/{name}").status_code in {401, 404}
    assert world.caller().delete(f"clrs/{name}").status_code == 404
    assert STRANGER.get(f"clrs/{name}").status_code in {401, 404}


def test_an_id_has_one_spelling(world: World) -> None:
    """The address is the id: no braces, no capitals, no missing dashes."""
    issued = world.school.issued(world.learner)
    caller = world.caller()
    for spelling in (issued.public_id.hex, str(issued.public_id).upper(), f"{{{issued.public_id}}}"):
        assert caller.get(f"clrs/{spelling}").status_code == 404


def test_without_tls_nothing_is_answered_where_the_portal_has_tls(world: World, settings: Any) -> None:
    """CLR1-P-27: 421 `misdirected_request`."""
    caller = world.caller()
    settings.HTTPS = True
    for path in ("clrs", "discovery", f"clrs/{uuid.uuid4()}"):
        response = caller.get(path)
        assert response.status_code == 421
        assert minor_code(response) == "misdirected_request"


def test_another_host_is_refused_and_not_repeated(world: World) -> None:
    """SEC-58."""
    response = Browser().get(f"{BASE}/discovery", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert b"evil" not in response.content
    minor_code(response)


def test_too_many_requests_are_429(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEC-59: counted a token; `Retry-After`, in the standard's form; another token is not touched."""
    from apps.network import limits

    caller, other = world.caller(), world.caller()
    monkeypatch.setattr(limits, "count", lambda rate, who, seen=limits.count: over(rate, who, seen))

    def over(rate: Any, who: str, count: Any) -> None:
        for _ in range(API.times if who == first else 1):
            count(rate, who)

    from apps.exchange.authorization.bearer import token_key

    class Sent:
        headers = {"Authorization": f"Bearer {caller.token}"}

    first = token_key(Sent)
    caller.get()
    response = caller.get()
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert minor_code(response) == "server_busy"
    assert other.get().status_code == 200


def test_a_fault_of_ours_is_500_in_the_standards_form(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLR1-P-08, SEC-60: no trace."""

    def fail(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(host.holdings, "page", fail)
    response = world.caller().get()
    assert response.status_code == 500
    assert minor_code(response) == "internal_server_error"
    assert b"secret" not in response.content


def test_damaged_bytes_are_never_served(world: World) -> None:
    """REL-16: 503 for one record and for the page that it stands on."""
    issued = world.school.issued(world.learner)
    immutability.remove(connection)
    content = bytes(IssuedDocument.objects.get().content or b"")
    IssuedDocument.objects.update(content=content[:-1] + (b"A" if content[-1:] != b"A" else b"B"))
    immutability.install(connection)
    caller = world.caller()
    for path in ("clrs", id_of(issued)):
        response = caller.get(path)
        assert response.status_code == 503
        assert minor_code(response) == "server_busy"
    assert not Disclosure.objects.exists()


def test_a_damaged_wallet_item_is_never_served(world: World) -> None:
    """REL-16: so for what a client sent."""
    caller = world.caller()
    address = caller.post({"clr": record(world.learner)})["Location"]
    item = WalletItem.objects.get()
    WalletItem.objects.update(content=bytes(item.content).replace(b"elsewhere", b"elsewhera"))
    assert caller.get(address).status_code == 503
    assert caller.get().status_code == 503


# --- Browsers of other origins (SEC-57) -------------------------------------------------------


def test_programs_in_browsers_may_ask(world: World) -> None:
    """SEC-57: the preflight names methods and headers, credentials are never allowed."""
    for path, methods in (("clrs", ("GET", "POST")), (f"clrs/{uuid.uuid4()}", ("GET", "DELETE"))):
        response = STRANGER.ask(
            "OPTIONS",
            path,
            Origin="https://spa.example",
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="authorization",
        )
        assert response.status_code == 204
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in response["Access-Control-Allow-Headers"]
        assert all(each in response["Access-Control-Allow-Methods"] for each in methods)
        assert "Access-Control-Allow-Credentials" not in response
    answer = world.caller().get("clrs", Origin="https://spa.example")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Link" in answer["Access-Control-Expose-Headers"]
    assert STRANGER.get("clrs", Origin="https://spa.example")["Access-Control-Allow-Origin"] == "*"


def test_private_answers_are_kept_by_nobody(world: World) -> None:
    """SEC-57, CLR1-P-24: `no-store`; caches know what the answer depends on."""
    issued = world.school.issued(world.learner)
    caller = world.caller()
    for response in (caller.get(), caller.get(id_of(issued)), STRANGER.get(), caller.get("clrs?limit=x")):
        assert "no-store" in response["Cache-Control"]
        assert "Authorization" in response["Vary"]


# --- getClr -----------------------------------------------------------------------------------


def test_a_record_answers_at_its_id(world: World) -> None:
    """CLR1-P-12, CLR1-P-17: the payload as it was signed, with `@context`, and `id` is the address."""
    issued = world.school.issued(world.learner)
    response = world.caller().get(id_of(issued))
    assert response.status_code == 200
    assert response.content == documents.payload(issued)
    assert response.json()["id"] == id_of(issued)
    assert response.json()["@context"] == CONTEXT
    assert response.json()["id"].endswith(f"{BASE}/clrs/{issued.public_id}")


def test_the_signed_form_is_given_when_asked_for(world: World) -> None:
    """CLR1-P-04, contract: `Accept: application/jose`."""
    issued = world.school.issued(world.learner)
    response = world.caller().get(id_of(issued), Accept="application/jose")
    assert response["Content-Type"] == "application/jose"
    assert response.content.decode() == token_text(issued)


def test_one_record_has_a_tag_a_kind(world: World) -> None:
    """Issue: `If-None-Match` from stored digests."""
    address = id_of(world.school.issued(world.learner))
    caller = world.caller()
    tags = {kind: caller.get(address, Accept=kind)["ETag"] for kind in ("application/json", "application/jose")}
    assert len(set(tags.values())) == 2
    for kind, tag in tags.items():
        assert caller.get(address, Accept=kind, If_None_Match=tag).status_code == 304
        assert caller.get(address, Accept="application/ld+json", If_None_Match=tag).status_code == 200


def test_a_stranger_gets_public_records_alone(world: World) -> None:
    """CLR1-P-24, contract, I4: 200 when the learner made it public, else 401 alike for private and absent."""
    issued = world.school.issued(world.learner)
    private, absent = STRANGER.get(id_of(issued)), STRANGER.get(f"clrs/{uuid.uuid4()}")
    assert private.status_code == absent.status_code == 401
    assert private.content == absent.content
    assert private["WWW-Authenticate"] == absent["WWW-Authenticate"]
    Publicity.objects.update_or_create(record=issued, defaults={"is_public": True})
    public = STRANGER.get(id_of(issued))
    assert public.status_code == 200 and public.content == documents.payload(issued)
    assert world.caller(user=world.another()[1]).get(id_of(issued)).status_code == 200
    revoking.revoke(issued, by=world.school.registrar, reason="Issued in error.")
    assert STRANGER.get(id_of(issued)).status_code == 410


def test_a_bad_token_opens_not_even_a_public_record(world: World) -> None:
    """CLR1-P-07: a token that is sent must be good."""
    issued = world.school.issued(world.learner)
    Publicity.objects.update_or_create(record=issued, defaults={"is_public": True})
    assert Caller("x" * 43, None).get(id_of(issued)).status_code == 401  # type: ignore[arg-type]


def test_people_are_led_to_the_page_for_people(world: World) -> None:
    """CLR1-P-23: `text/html` leads to the page, alike for what is there and what is not."""
    issued = world.school.issued(world.learner)
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for name in (issued.public_id, uuid.uuid4()):
        response = STRANGER.get(f"clrs/{name}", Accept=accept)
        assert (response.status_code, response["Location"]) == (303, f"/clrs/{name}")


# --- postClr ----------------------------------------------------------------------------------


def test_a_new_record_is_created(world: World) -> None:
    """CLR1-P-09: 201, `Location`, the payload that is stored; it is in the learner's wallet, with its verdict."""
    caller = world.caller()
    response = caller.post({"@context": CONTEXT, "clr": record(world.learner)})
    assert response.status_code == 201
    assert set(response.json()) == {"@context", "clr"}
    assert response.json()["clr"] == record(world.learner)
    assert caller.get(response["Location"]).json() == record(world.learner)
    item = WalletItem.objects.get(learner=world.learner)
    assert (item.verdict, item.state) == ("undecided", "standing")
    assert [(each.source, each.sender) for each in item.receipts.all()] == [
        ("client", str(caller.row.application.public_id))
    ]


def test_a_signed_record_is_verified_and_kept_byte_for_byte(world: World, publisher: Publisher) -> None:
    """CLR1-P-04, CLR1-P-09: the JWS that came is the JWS that goes."""
    caller = world.caller()
    token = publisher.sign(record(world.learner))
    response = caller.post({"@context": CONTEXT, "signedClr": token})
    assert response.status_code == 201
    assert response.json() == {"@context": CONTEXT, "signedClr": token}
    assert WalletItem.objects.get().verdict == "valid"
    assert caller.get().json()["signedClrs"] == [token]
    address = response["Location"]
    assert caller.get(address, Accept="application/jose").content.decode() == token
    assert caller.get(address).json()["id"] == record(world.learner)["id"]


def test_a_signed_record_may_be_sent_alone(world: World, publisher: Publisher) -> None:
    """Issue, digest 3: a compact JWS as `application/jose`."""
    token = publisher.sign(record(world.learner))
    response = world.caller().post(token, content_type="application/jose")
    assert response.status_code == 201
    assert response.json()["signedClr"] == token


def test_the_same_id_again_replaces_the_record(world: World) -> None:
    """CLR1-P-09: 200; the address stays, the earlier version is history."""
    caller = world.caller()
    address = caller.post({"clr": record(world.learner)})["Location"]
    newer = record(world.learner, issuedOn="2026-03-01T00:00:00Z", name="Corrected")
    response = caller.post({"clr": newer})
    assert response.status_code == 200
    assert response["Location"] == address
    assert response.json()["clr"] == newer
    assert caller.get(address).json() == newer
    assert caller.get()["X-Total-Count"] == "1"
    assert WalletItem.objects.filter(state="superseded").count() == 1


def test_the_same_record_again_changes_nothing(world: World, publisher: Publisher) -> None:
    """Digest, 5.4: 304 when the stored one is equal; nothing is fetched for it."""
    caller = world.caller()
    body = {"signedClr": publisher.sign(record(world.learner))}
    assert caller.post(body).status_code == 201
    asked = len(publisher.asked)
    assert caller.post(body).status_code == 304
    assert len(publisher.asked) == asked
    assert WalletItem.objects.count() == 1


def test_a_record_that_we_issued_need_not_be_sent_back(world: World) -> None:
    """Digest, 5.4: it is here already, and stays what it is."""
    issued = world.school.issued(world.learner)
    assert world.caller().post({"signedClr": token_text(issued)}).status_code == 304
    assert not WalletItem.objects.exists()


def test_a_changed_copy_of_our_record_is_refused(world: World) -> None:
    """CLR1-P-10: under an id of ours only what we issued is genuine."""
    issued = world.school.issued(world.learner)
    forged = json.loads(documents.payload(issued))
    forged["name"] = "Doctor of everything"
    response = world.caller().post({"clr": forged})
    assert response.status_code == 400
    assert not WalletItem.objects.exists()


def bad_payloads(learner: Learner, publisher: Publisher) -> dict[str, Any]:
    """Bodies of postClr that are refused, by what is wrong with them."""
    good = record(learner)
    token = publisher.sign(good)
    header, payload, signature = token.split(".")
    other = Publisher().sign(good)
    return {
        "nothing": b" ",
        "no JSON": b"{",
        "no UTF-8": json.dumps({"clr": good}).encode("utf-16"),
        "a name twice": b'{"clr": {}, "clr": {}}',
        "no object": [good],
        "neither": {},
        "neither, null": {"clr": None, "signedClr": None},
        "both": {"clr": good, "signedClr": token},
        "a bare record": good,
        "a set": {"@context": CONTEXT, "clrs": [good], "signedClrs": []},
        "further properties": {"clr": good, "learnerId": 1},
        "wrong context": {"@context": "https://evil.example/context", "clr": good},
        "wrong context inside": {"clr": {**good, "@context": "https://evil.example/context"}},
        "clr is a text": {"clr": token},
        "signedClr is an object": {"signedClr": good},
        "signedClr is no JWS": {"signedClr": "x.y"},
        "no id": {"clr": {name: value for name, value in good.items() if name != "id"}},
        "no learner": {"clr": {name: value for name, value in good.items() if name != "learner"}},
        "issuedOn is a number": {"clr": {**good, "issuedOn": 20260101}},
        "assertions is an object": {"clr": {**good, "assertions": {}}},
        "wrong class": {"clr": {**good, "type": "Assertion"}},
        "an assertion": {"clr": {**good, "achievement": {}}},
        "signature of another": {"signedClr": other},
        "altered": {"signedClr": f"{header}.{payload}.{signature[::-1]}"},
        "alg none": {"signedClr": publisher.sign(good, alg="none")},
        "HS256": {"signedClr": publisher.sign(good, alg="HS256")},
        "crit": {"signedClr": publisher.sign(good, crit=["exp"])},
        "from the future": {"signedClr": publisher.sign({**good, "issuedOn": "2199-01-01T00:00:00Z"})},
        "revoked": {"signedClr": publisher.sign({**good, "id": "urn:uuid:revoked"})},
        "deep": b'{"clr":' * 100_000,
        "NUL": b'{"clr": {"id": "\\u0000"}}',
        "huge number": b'{"clr": {"id": 1' + b"0" * 400 + b"}}",
    }


@pytest.mark.parametrize("fault", sorted(bad_payloads(Learner(), Publisher())))
def test_faulty_records_are_refused(world: World, publisher: Publisher, fault: str) -> None:
    """CLR1-P-10: 400 `invalid_data`, and nothing is stored."""
    publisher.revoked = ["urn:uuid:revoked"]
    response = world.caller().post(bad_payloads(world.learner, publisher)[fault])
    assert response.status_code == 400
    assert minor_code(response) == "invalid_data"
    assert not WalletItem.objects.exists()


def test_what_cannot_be_checked_now_is_kept_and_marked(world: World, publisher: Publisher) -> None:
    """Digest, 5.4: "could not check now" is no reason to refuse."""
    publisher.is_there = False
    assert world.caller().post({"signedClr": publisher.sign(record(world.learner))}).status_code == 201
    assert WalletItem.objects.get().verdict == "undecided"


@pytest.mark.parametrize(
    "learner",
    [
        {"id": "urn:uuid:1", "email": "somebody@else.example"},
        {"id": "urn:uuid:1", "studentId": "S-00077"},
        {"id": "urn:uuid:1"},
        {"id": "urn:uuid:1", "email": "", "studentId": " ", "sourcedId": ""},
        {"id": "urn:uuid:1", "name": "Wanjiru Grünwald-Ōtani"},
    ],
)
def test_a_record_of_another_learner_is_refused(world: World, publisher: Publisher, learner: dict[str, str]) -> None:
    """CLR1-P-11: 403 `forbidden`; nothing is stored, and nothing was fetched for it."""
    world.another()
    for body in (
        {"clr": record(world.learner, learner=learner)},
        {"signedClr": publisher.sign(record(world.learner, learner=learner))},
    ):
        response = world.caller().post(body)
        assert response.status_code == 403
        assert minor_code(response) == "forbidden"
    assert not WalletItem.objects.exists()
    assert publisher.asked == []


def test_the_learner_is_known_by_any_of_what_the_standard_names(world: World) -> None:
    """CLR1-P-11, digest 5.4: e-mail in any letter case, student number, source id, linked identifier, our own id."""
    world.learner.identifiers.create(type="ext:x", value="linked-1")
    said: list[dict[str, Any]] = [
        {"email": world.learner.email.upper()},
        {"email": world.user.email},
        {"studentId": world.learner.student_id},
        {"sourcedId": world.learner.source_id},
        {"id": f"urn:uuid:{world.learner.public_id}"},
        {"identifiers": [{"identifier": "linked-1", "identifierType": "ext:x"}]},
    ]
    for number, learner in enumerate(said):
        body = {"clr": record(world.learner, id=f"urn:uuid:{number}", learner={"id": "urn:uuid:x", **learner})}
        assert world.caller().post(body).status_code == 201, learner


def test_somebody_without_a_record_here_takes_nothing(world: World) -> None:
    """CLR1-P-11: a member of staff has no wallet."""
    assert world.caller(user=world.school.registrar).post({"clr": record(world.learner)}).status_code == 403


def test_a_client_sees_and_replaces_only_what_it_sent(world: World) -> None:
    """SEC-45, digest 5.4: another client's record is not there for it, and is not replaced."""
    one, two = world.caller(), world.caller(client=clients.registered("second.example"))
    address = one.post({"clr": record(world.learner)})["Location"]
    assert two.get()["X-Total-Count"] == "0"
    assert two.get(address).status_code == two.delete(address).status_code == 404
    newer = record(world.learner, issuedOn="2026-03-01T00:00:00Z")
    assert two.post({"clr": newer}).status_code == 201
    assert one.get(address).json() == record(world.learner)
    assert two.post({"clr": record(world.learner, id="urn:uuid:2")}).status_code == 201
    assert one.get()["X-Total-Count"] == "1"


def test_two_clients_may_send_the_same_record(world: World) -> None:
    """I4: the second cannot tell that the first was there."""
    one, two = world.caller(), world.caller(client=clients.registered("second.example"))
    assert one.post({"clr": record(world.learner)}).status_code == 201
    response = two.post({"clr": record(world.learner)})
    assert response.status_code == 201
    assert two.delete(response["Location"]).status_code == 204
    assert one.get()["X-Total-Count"] == "1"
    assert two.get()["X-Total-Count"] == "0"


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/xml", "application/json; charset=latin-1", "text/html"]
)
def test_other_kinds_of_content_are_415(world: World, kind: str) -> None:
    """CLR1-P-08."""
    response = world.caller().post({"clr": record(world.learner)}, content_type=kind)
    assert response.status_code == 415
    minor_code(response)
    assert not WalletItem.objects.exists()


@pytest.mark.parametrize("kind", ["application/json", "application/ld+json", "application/json; charset=UTF-8"])
def test_json_under_either_name_is_taken(world: World, kind: str) -> None:
    """Digest, 5.4."""
    assert world.caller().post({"clr": record(world.learner)}, content_type=kind).status_code == 201


def test_a_packed_body_is_415(world: World) -> None:
    """SEC-20: nothing is unpacked."""
    packed = gzip.compress(json.dumps({"clr": record(world.learner)}).encode())
    response = world.caller().post(packed, Content_Encoding="gzip")
    assert response.status_code == 415
    minor_code(response)


def test_a_body_that_is_too_large_is_413(world: World) -> None:
    """SEC-20: 5 MB, in the standard's form."""
    body = json.dumps({"clr": record(world.learner, narrative=["x" * 1_000_000] * 6)})
    response = world.caller().post(body)
    assert response.status_code == 413
    minor_code(response)


def test_a_full_wallet_takes_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client cannot fill the portal through a learner who trusted it: 413."""
    from apps.wallet import intake

    monkeypatch.setattr(intake, "MOST_IN_ALL", 600)
    caller = world.caller()
    assert caller.post({"clr": record(world.learner)}).status_code == 201
    response = caller.post({"clr": record(world.learner, id="urn:uuid:2")})
    assert response.status_code == 413
    minor_code(response)


def test_unknown_properties_come_back_as_they_were_sent(world: World) -> None:
    """CLR1-P-26: at every level, with the spelling of numbers, in the answer, in the set and alone."""
    extended = record(world.learner, assertions=[])
    text = (
        json.dumps(extended)[:-1]
        + ', "ext:a": {"b": [1.0, 1.10, 12345678901234567890123, null, "\\u00e9"]}, "zz": 1E2}'
    )
    caller = world.caller()
    posted = caller.post(f'{{ "clr" : {text} }}')
    assert posted.status_code == 201
    for response in (posted, caller.get(), caller.get(posted["Location"])):
        assert text.encode() in response.content


def test_a_record_without_context_gets_one_where_it_stands_alone(world: World) -> None:
    """CLR1-P-12: inside a payload a record has none; as a document of its own it has, and nothing else changes."""
    bare = {name: value for name, value in record(world.learner).items() if name != "@context"}
    caller = world.caller()
    address = caller.post({"@context": CONTEXT, "clr": bare})["Location"]
    assert caller.get(address).json() == {"@context": CONTEXT, **bare}
    assert caller.get().json()["clrs"] == [bare]


def test_no_document_of_the_samples_loses_anything(world: World, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLR1-P-26, issue 1: posted, stored, read back: every record that is not refused comes back whole."""
    taken = 0
    client = clients.registered()
    for number, case in enumerate(cases(shared, "clr-1.0")):
        try:
            body = (
                json.loads(case.source)
                if case.entry["input"] == "json"
                else {"signedClr": case.source.decode().strip()}
            )
        except ValueError:
            continue
        if "clr" not in body and "signedClr" not in body:
            body = {"clr": body}
        fetcher = case.fetcher()
        monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *_a, found=fetcher, **_o: found)
        learner, user = world.another(1_000 + number)
        name_as_in(body, learner)
        caller = world.caller(user=user, client=client)
        response = caller.post(body)
        if case.entry.get("expected_valid") is True and not case.entry.get("contested") and is_record(body):
            assert response.status_code == 201, (case.id, response.content)
        if response.status_code != 201:
            minor_code(response)
            continue
        taken += 1
        back = caller.get().json()
        alone = caller.get(response["Location"])
        if "signedClr" in body:
            assert back["signedClrs"] == [body["signedClr"]] == [response.json()["signedClr"]], case.id
            assert caller.get(response["Location"], Accept="application/jose").content.decode() == body["signedClr"]
        else:
            assert back["clrs"] == [body["clr"]] == [response.json()["clr"]], case.id
            assert alone.json() == {"@context": CONTEXT, **body["clr"]}, case.id
    assert taken >= 30


# --- deleteClr (CLR1-P-25) --------------------------------------------------------------------


def test_a_client_takes_back_what_it_sent(world: World) -> None:
    """CLR1-P-25: 204 without a body, then 404."""
    caller = world.caller()
    address = caller.post({"clr": record(world.learner)})["Location"]
    response = caller.delete(address)
    assert (response.status_code, response.content) == (204, b"")
    assert caller.delete(address).status_code == caller.get(address).status_code == 404
    assert caller.get()["X-Total-Count"] == "0"
    assert bytes(WalletItem.objects.get().content) == b""


def test_unknown_foreign_and_anothers_answer_alike(world: World) -> None:
    """CLR1-P-25, I4: 404 with the same body."""
    other_user = world.another()[1]
    Learner.objects.filter(user=other_user).update(email="bo@students.example")
    foreign = world.caller(user=other_user).post({"clr": record(Learner.objects.get(user=other_user))})["Location"]
    second = world.caller(client=clients.registered("second.example"))
    of_second = second.post({"clr": record(world.learner)})["Location"]
    caller = world.caller()
    answers = [caller.delete(each) for each in (f"clrs/{uuid.uuid4()}", foreign, of_second)]
    assert {each.status_code for each in answers} == {404}
    assert len({each.content for each in answers}) == 1


def test_what_the_institution_issued_is_never_deleted(world: World) -> None:
    """CLR1-P-25, REL-14: 405 for a record that the client may see, 404 for any other."""
    issued, not_chosen = world.school.issued(world.learner), world.school.issued(world.learner)
    caller = world.caller(records=[issued])
    response = caller.delete(id_of(issued))
    assert response.status_code == 405 and "DELETE" not in response["Allow"]
    assert minor_code(response) == "not_allowed"
    assert caller.delete(id_of(not_chosen)).status_code == 404
    assert IssuedDocument.objects.count() == 2
    assert Record.objects.filter(state="issued").count() == 2


def test_what_was_taken_back_may_be_sent_again(world: World) -> None:
    """CLR1-P-09: then it is new."""
    caller = world.caller()
    caller.delete(caller.post({"clr": record(world.learner)})["Location"])
    assert caller.post({"clr": record(world.learner)}).status_code == 201
    assert caller.get()["X-Total-Count"] == "1"


# --- The disclosure log (PRIV-01) -------------------------------------------------------------


def test_each_read_is_noted(world: World) -> None:
    """PRIV-01: who, what, when, on which ground; a record each, for a page and for one."""
    first, second = world.school.issued(world.learner), world.school.issued(world.learner)
    caller = world.caller()
    caller.get()
    noted = Disclosure.objects.filter(learner_id=world.learner.public_id)
    assert {each.object_id for each in noted} == {str(first.public_id), str(second.public_id)}
    one = noted.first()
    assert one is not None
    assert one.recipient == "Wallet of tests (wallet.example)"
    assert one.object_type == "issuance.record"
    assert str(caller.row.consent.public_id) in one.basis
    assert abs(one.at - timezone.now()) < timedelta(minutes=1)
    caller.get(id_of(first))
    caller.get(id_of(first), Accept="application/jose")
    assert noted.all().count() == 4


def test_what_was_not_given_is_not_noted(world: World) -> None:
    """PRIV-01: refusals and unchanged answers disclose nothing; nor does a public record."""
    issued = world.school.issued(world.learner)
    caller = world.caller()
    tag = caller.get()["ETag"]
    before = Disclosure.objects.count()
    caller.get("clrs", If_None_Match=tag)
    caller.get("clrs?limit=x")
    caller.get(f"clrs/{uuid.uuid4()}")
    STRANGER.get(id_of(issued))
    Publicity.objects.update_or_create(record=issued, defaults={"is_public": True})
    STRANGER.get(id_of(issued))
    assert Disclosure.objects.count() == before


def test_what_cannot_be_noted_is_not_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """PRIV-01: the note is written first."""
    issued = world.school.issued(world.learner)

    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(host.disclosing, "note_read", fail)
    for path in ("clrs", id_of(issued)):
        response = world.caller().get(path)
        assert response.status_code == 500
        assert token_text(issued).encode() not in response.content


# --- small things the tests above need --------------------------------------------------------


def many_issued(learner: Learner, like: Record, count: int) -> None:
    """More issued records of a learner, each a row with bytes of its own (only the rows are of interest)."""
    from tests.exchange.clr1.rows import copies_of

    copies_of(like, learner, count)


def links_of(response: Any) -> dict[str, str]:
    """The relations of a Link header."""
    found = {}
    for part in response["Link"].split(", "):
        address, relation = part.split("; ")
        found[relation.removeprefix('rel="').removesuffix('"')] = address.strip("<>")
    return found


def is_record(body: dict[str, Any]) -> bool:
    """Whether a payload carries a record, not another document of the samples."""
    value = body.get("clr") or payload_of(body["signedClr"])
    return read.failures(read.check(value, model.Clr)) == [] and "achievement" not in value


def payload_of(token: str) -> dict[str, Any]:
    """What a compact JWS says."""
    try:
        value = strict_json.loads(documents.payload_in(token.encode()))
    except (StandardsError, IndexError):
        return {}
    return value if isinstance(value, dict) else {}


def name_as_in(body: dict[str, Any], learner: Learner) -> None:
    """Let the learner be the person of a record."""
    value = body.get("clr") or payload_of(body["signedClr"])
    said = value.get("learner") if isinstance(value, dict) else None
    if isinstance(said, dict) and isinstance(said.get("id"), str):
        learner.identifiers.create(type="ext:sample", value=said["id"][:255], source=str(learner.pk))
