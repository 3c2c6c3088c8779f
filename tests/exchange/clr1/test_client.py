"""The consumer's protocol against a provider that is not ours: CLR1-C-01 to C-06, C-12, C-15, SEC-47."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.exchange import authorizing, speaking
from apps.exchange.clr1 import client
from apps.network.fetching import GuardedFetcher
from apps.standards.clr1.model import SCOPE_READONLY, SCOPE_REPLACE
from tests.exchange.clr1.scripted_provider import CONTEXT, Answer, Asked, ScriptedProvider, status_info

pytestmark = pytest.mark.once
Make = Callable[[], GuardedFetcher]
SCOPES = [SCOPE_READONLY, authorizing.OFFLINE_ACCESS]
BACK = "https://portal.example/wallet/connections/return/k/"


def register(provider: ScriptedProvider, fetcher: Make) -> authorizing.Registration:
    request = authorizing.registration_request(
        base_url="https://portal.example",
        name="Our portal",
        logo_url="https://portal.example/logo.png",
        redirect_uri=BACK,
        scopes=[SCOPE_READONLY, SCOPE_REPLACE, authorizing.OFFLINE_ACCESS],
        version="1",
    )
    return authorizing.register(fetcher(), f"{provider.address}/oauth/register", request)


def connect(provider: ScriptedProvider, fetcher: Make, scopes: list[str] | None = None) -> authorizing.Tokens:
    """From nothing to tokens, as a learner's browser would walk it."""
    registration = register(provider, fetcher)
    attempt = authorizing.Attempt.new()
    address = authorizing.authorization_address(
        f"{provider.address}/oauth/authorize",
        client_id=registration.client_id,
        redirect_uri=BACK,
        scopes=scopes or SCOPES,
        attempt=attempt,
    )
    code = authorizing.code_of(
        provider.consent(address),
        attempt,
        issuer=provider.top,
        sends_issuer=True,
        authorization_url=f"{provider.address}/oauth/authorize",
    )
    return authorizing.redeem(
        fetcher(),
        f"{provider.address}/oauth/token",
        registration,
        code=code,
        redirect_uri=BACK,
        verifier=attempt.verifier,
        scopes=scopes or SCOPES,
    )


def read_all(provider: ScriptedProvider, fetcher: Make, **options: Any) -> list[bytes]:
    tokens = connect(provider, fetcher)
    pages = client.records(fetcher(), provider.base, tokens.access, **options)
    return [document for page in pages for document in page.documents]


# --- C-01: finding it ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "/", "//", "/ims/clr/v1p0", "/ims/clr/v1p0/", "/ims/clr/v1p0/discovery", "/login"])
def test_c_01_every_way_to_write_the_address(end: str, provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-01: with and without final slash or path, the base, the discovery address, a page of the provider."""
    found = client.discover(fetcher(), f"  {provider.address}{end} ")
    assert (found.base, found.name, found.other_hosts) == (provider.base, "Pinehurst Community College", ())
    assert found.metadata == authorizing.Metadata(provider.top, f"{provider.address}/oauth/revoke", True)


def test_c_01_a_provider_in_a_folder(settings: Any, fetcher: Make) -> None:
    """CLR1-C-01: the provider's address may have a path, joined with exactly one slash."""
    provider = ScriptedProvider("/college/records")
    settings.FETCH_ALLOW = [provider.authority]
    for end in ("", "/", "/ims/clr/v1p0/clrs"):
        assert client.discover(fetcher(), provider.address + end).base == provider.base
    provider.close()


@pytest.mark.parametrize(
    "typed",
    [
        "http://records.example.org",
        "ftp://x.org",
        "https://10.0.0.1",
        "https://u:p@x.org",
        "localhost",
        "",
        "a b",
        "::",
    ],
)
def test_c_01_only_public_https(typed: str, provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-01, SEC-01: and the refusal says what to give instead."""
    with pytest.raises(client.NoProvider, match="https://"):
        client.discover(fetcher(), typed)
    assert not provider.requests


def test_c_01_a_host_alone_means_https() -> None:
    """CLR1-C-01"""
    assert client.bases_of("records.college.edu") == ["https://records.college.edu/ims/clr/v1p0"]


def test_sec_09_this_portal_itself_is_not_connected(settings: Any, provider: ScriptedProvider, fetcher: Make) -> None:
    settings.BASE_URL = provider.top
    with pytest.raises(client.NoProvider, match="this portal itself"):
        client.discover(fetcher(), provider.address)


def test_c_01_no_provider_there(provider: ScriptedProvider, fetcher: Make) -> None:
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(404, b"<html>", {"Content-Type": "text/html"})
    with pytest.raises(client.NoProvider, match="no provider"):
        client.discover(fetcher(), provider.address)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tokenUrl": "http://records.example.org/token"}, "access"),
        ({"authorizationUrl": "javascript:alert(1)"}, "consent"),
        ({"registrationUrl": None}, "registration"),
        ({"tokenUrl": ["https://x.example"]}, "access"),
        ({"scopesOffered": ["https://purl.imsglobal.org/spec/clr/v1p0/scope/delete"]}, "read"),
        ({"scopesOffered": "readonly"}, "read"),
    ],
)
def test_c_01_a_discovery_document_that_cannot_be_used(
    changes: dict[str, Any], what: str, provider: ScriptedProvider, fetcher: Make
) -> None:
    """CLR1-C-01, section 7.2 step 2: the three addresses are absolute and https."""
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, {**provider.document(), **changes})
    with pytest.raises(speaking.ProviderWrong, match=what):
        client.discover(fetcher(), provider.address)


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"name":1,"name":2}', b"\xff", b"[" * 100_000])
def test_c_15_what_is_no_document(body: bytes, provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-15"""
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, body)
    with pytest.raises(speaking.ProviderWrong):
        client.discover(fetcher(), provider.address)


def test_sec_47_other_hosts_are_named(provider: ScriptedProvider, fetcher: Make) -> None:
    """SEC-47: an endpoint on another host than the one chosen is no secret to the person."""
    changed = {**provider.document(), "tokenUrl": "https://sign-in.example.org/token"}
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, changed)
    found = client.discover(fetcher(), provider.address)
    assert found.other_hosts == ("sign-in.example.org",)


def test_sec_47_metadata_of_another_server_does_not_count(provider: ScriptedProvider, fetcher: Make) -> None:
    """RFC 8414 3.3: it must speak of the endpoints in question, and stand where its issuer says."""
    usual = provider.metadata(Asked("GET", "", {}, {}, b"")).body
    for change in ({"issuer": "https://other.example"}, {"token_endpoint": "https://other.example/token"}):
        said = {**usual, **change}
        provider.replies["GET", "/.well-known/oauth-authorization-server"] = lambda _, said=said: Answer(200, said)
        assert client.discover(fetcher(), provider.address).metadata == authorizing.Metadata()
    said = {**usual, "revocation_endpoint": "https://other.example/revoke"}
    provider.replies["GET", "/.well-known/oauth-authorization-server"] = lambda _: Answer(200, said)
    assert client.discover(fetcher(), provider.address).metadata.revocation_url == ""


# --- C-02: registration ---------------------------------------------------------------------------


def test_c_02_registers_with_every_field(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-02: all required fields on one host, and the scope that came back is kept."""
    registration = register(provider, fetcher)
    sent = provider.asked("POST", "/register")[0]
    assert sent.headers["content-type"] == "application/json"
    for name in ("client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version"):
        assert sent.json[name], name
    addresses = [sent.json[name] for name in ("client_uri", "logo_uri", "tos_uri", "policy_uri")]
    assert {urlsplit(address).netloc for address in addresses} == {"portal.example"}
    assert sent.json["redirect_uris"] == [BACK]
    assert sent.json["token_endpoint_auth_method"] == "client_secret_basic"
    assert sent.json["grant_types"] == ["authorization_code", "refresh_token"]
    assert registration.scope == f"{SCOPE_READONLY} {SCOPE_REPLACE} offline_access"
    assert registration.client_secret not in repr(registration)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(400, {"error": "invalid_client_metadata"}), speaking.RequestRefused),
        (Answer(403, b"<h1>no</h1>"), speaking.RequestRefused),
        (Answer(503, b"", {"Retry-After": "90"}), speaking.ProviderDown),
        (Answer(201, {"client_id": "x"}), speaking.ProviderWrong),
        (Answer(201, {"client_id": "x", "client_secret": 5}), speaking.ProviderWrong),
        (
            Answer(201, {"client_id": "x", "client_secret": "y", "redirect_uris": ["https://o.example/"]}),
            speaking.ProviderWrong,
        ),
        (
            Answer(201, {"client_id": "x", "client_secret": "y", "token_endpoint_auth_method": "none"}),
            speaking.ProviderWrong,
        ),
    ],
)
def test_c_02_registrations_that_fail(
    answer: Answer, fault: type[Exception], provider: ScriptedProvider, fetcher: Make
) -> None:
    """CLR1-C-02, CLR1-C-15"""
    provider.replies["POST", "/oauth/register"] = lambda _: answer
    with pytest.raises(fault) as caught:
        register(provider, fetcher)
    assert str(caught.value)
    if isinstance(caught.value, speaking.ProviderDown):
        assert caught.value.retry_after == 90


# --- C-03: to consent and back -------------------------------------------------------------------


def test_c_03_the_way_to_consent(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-03: unguessable state and verifier, S256, and what stood in the address stays."""
    attempt, other = authorizing.Attempt.new(), authorizing.Attempt.new()
    assert len({attempt.state, attempt.verifier, other.state, other.verifier}) == 4
    assert 43 <= len(attempt.verifier) <= 128
    address = authorizing.authorization_address(
        "https://x.example/authorize?tenant=7", client_id="c", redirect_uri=BACK, scopes=SCOPES, attempt=attempt
    )
    query = parse_qs(urlsplit(address).query)
    assert query["tenant"] == ["7"]
    assert query["redirect_uri"] == [BACK]
    assert query["scope"] == [" ".join(SCOPES)]
    assert query["code_challenge_method"] == ["S256"]
    assert attempt.verifier not in address


def test_c_03_pkce_vector() -> None:
    """RFC 7636, appendix B."""
    attempt = authorizing.Attempt("s", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert attempt.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


STATE = authorizing.Attempt("the-state", "v" * 43)


@pytest.mark.parametrize(
    ("answer", "attempt", "fault"),
    [
        ({"code": "c", "state": "other", "iss": "https://x.example"}, STATE, authorizing.WrongReturn),
        ({"code": "c", "iss": "https://x.example"}, STATE, authorizing.WrongReturn),
        ({"code": "c", "state": "the-state", "iss": "https://x.example"}, None, authorizing.WrongReturn),
        ({"code": "c", "state": "the-state", "iss": "https://y.example"}, STATE, authorizing.WrongReturn),
        ({"code": "c", "state": "the-state"}, STATE, authorizing.WrongReturn),
        ({"state": "the-state", "iss": "https://x.example"}, STATE, authorizing.WrongReturn),
        (
            {"error": "access_denied", "state": "the-state", "iss": "https://x.example"},
            STATE,
            authorizing.NotConsented,
        ),
        ({"error": "<script>", "state": "the-state", "iss": "https://x.example"}, STATE, authorizing.NotConsented),
        ({"error": "access_denied", "state": "é"}, STATE, authorizing.WrongReturn),
    ],
)
def test_sec_47_returns_that_are_refused(
    answer: dict[str, str], attempt: authorizing.Attempt | None, fault: type[Exception]
) -> None:
    """SEC-47, CLR1-C-03: no state, another's state, another issuer, an issuer left out though promised, a no."""
    with pytest.raises(fault) as caught:
        authorizing.code_of(
            answer,
            attempt,
            issuer="https://x.example",
            sends_issuer=True,
            authorization_url="https://x.example/authorize",
        )
    assert "<script>" not in str(caught.value)


def test_sec_47_an_issuer_nobody_knew_must_be_on_the_host_asked() -> None:
    """RFC 9207: a provider without metadata may still say who it is."""
    options: dict[str, Any] = {"issuer": "", "sends_issuer": False, "authorization_url": "https://x.example/authorize"}
    answer = {"code": "c", "state": "the-state"}
    assert authorizing.code_of(answer, STATE, **options) == "c"
    assert authorizing.code_of({**answer, "iss": "https://x.example/oauth"}, STATE, **options) == "c"
    with pytest.raises(authorizing.WrongReturn):
        authorizing.code_of({**answer, "iss": "https://y.example"}, STATE, **options)


# --- C-04, C-05: tokens ---------------------------------------------------------------------------


def test_c_04_basic_at_the_token_endpoint_and_bearer_in_the_header(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-04: the secret never stands in a form or an address, the token never in an address."""
    tokens = connect(provider, fetcher)
    list(client.records(fetcher(), provider.base, tokens.access))
    token_request = provider.asked("POST", "/token")[0]
    assert token_request.headers["authorization"].startswith("Basic ")
    assert not {"client_secret", "client_id"} & token_request.form.keys()
    read = provider.asked("GET", "/clrs")[0]
    assert read.headers["authorization"] == f"Bearer {tokens.access}"
    assert tokens.access not in json.dumps(read.query)
    assert "application/ld+json" in read.headers["accept"]
    assert tokens.access not in repr(tokens)


def test_c_05_refresh(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-05: a rotated refresh token is the next one; one that is refused means that consent has ended."""
    registration = register(provider, fetcher)
    tokens = connect(provider, fetcher)
    url = f"{provider.address}/oauth/token"
    again = authorizing.refresh(fetcher(), url, registration, refresh_token=tokens.refresh, scopes=SCOPES)
    assert again.refresh not in {"", tokens.refresh}
    assert again.scopes == frozenset(SCOPES)
    assert "scope" not in provider.asked("POST", "/token")[-1].form
    with pytest.raises(speaking.ConsentEnded):
        authorizing.refresh(fetcher(), url, registration, refresh_token=tokens.refresh, scopes=SCOPES)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(401, {"error": "invalid_client"}), speaking.ConsentEnded),
        (Answer(400, b"gone"), speaking.ConsentEnded),
        (Answer(502, b"<html>"), speaking.ProviderDown),
        (Answer(429, b"", {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}), speaking.ProviderDown),
        (Answer(200, b"not json"), speaking.ProviderWrong),
        (Answer(200, {"access_token": "x", "token_type": "mac"}), speaking.ProviderWrong),
        (Answer(200, {"access_token": "", "token_type": "Bearer"}), speaking.ProviderWrong),
        (Answer(302, b"", {"Location": "https://other.example/"}), speaking.ProviderWrong),
    ],
)
def test_c_05_a_refresh_that_fails(
    answer: Answer, fault: type[Exception], provider: ScriptedProvider, fetcher: Make
) -> None:
    """CLR1-C-05, C-15: withdrawn, down and wrong are three things."""
    registration = register(provider, fetcher)
    provider.replies["POST", "/oauth/token"] = lambda _: answer
    with pytest.raises(fault):
        authorizing.refresh(
            fetcher(), f"{provider.address}/oauth/token", registration, refresh_token="r", scopes=SCOPES
        )


def test_c_02_a_scope_that_nobody_asked_for_is_not_used(provider: ScriptedProvider, fetcher: Make) -> None:
    registration = register(provider, fetcher)
    given = {"access_token": "a", "token_type": "bearer", "expires_in": 10**30, "scope": f"{SCOPE_READONLY} everything"}
    provider.replies["POST", "/oauth/token"] = lambda _: Answer(200, given)
    tokens = authorizing.refresh(
        fetcher(), f"{provider.address}/oauth/token", registration, refresh_token="r", scopes=SCOPES
    )
    assert tokens.scopes == {SCOPE_READONLY}
    assert tokens.refresh == ""
    assert tokens.lasts <= authorizing.LONGEST_LIFE


def test_c_14_revocation(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-14, RFC 7009: with the client's own authentication; a provider that fails here changes nothing."""
    registration = register(provider, fetcher)
    tokens = connect(provider, fetcher)
    url = f"{provider.address}/oauth/revoke"
    assert authorizing.revoke(fetcher(), url, registration, tokens.refresh, "refresh_token")
    assert tokens.refresh not in provider.refreshes
    assert provider.asked("POST", "/revoke")[0].form["token_type_hint"] == "refresh_token"
    provider.replies["POST", "/oauth/revoke"] = lambda _: Answer(503, b"")
    assert not authorizing.revoke(fetcher(), url, registration, tokens.refresh, "refresh_token")
    assert not authorizing.revoke(fetcher(), "", registration, tokens.refresh, "refresh_token")


# --- C-06, C-07: reading ---------------------------------------------------------------------------


def numbered(count: int) -> list[str | dict[str, Any]]:
    return [f"aaaa.bbbb.{number:04d}" if number % 2 else {"id": f"urn:x:{number}"} for number in range(count)]


def test_c_06_without_paging(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-06: a provider that knows no paging answers everything at once."""
    provider.records = numbered(7)
    found = read_all(provider, fetcher)
    assert sorted(found)[:3] == [b"aaaa.bbbb.0001", b"aaaa.bbbb.0003", b"aaaa.bbbb.0005"]
    assert len(provider.asked("GET", "/clrs")) == 1


def test_c_06_with_paging(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-06: following `next` gives every record once."""
    provider.records, provider.page_size = numbered(25), 4
    found = read_all(provider, fetcher)
    assert len(found) == len(set(found)) == 25
    assert len(provider.asked("GET", "/clrs")) == 7
    assert provider.asked("GET", "/clrs")[0].query["limit"] == "50"


def test_c_06_since(provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-P-06 from the other side: what changed after a moment."""
    read_all(provider, fetcher, since=datetime(2026, 11, 1, 12, tzinfo=UTC))
    assert provider.asked("GET", "/clrs")[0].query["since"] == "2026-11-01T12:00:00Z"


def test_c_06_a_provider_that_knows_neither_limit_nor_since(provider: ScriptedProvider, fetcher: Make) -> None:
    provider.records = numbered(2)
    usual = provider.clrs
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda asked: (
        status_info(400, "invalid_query_parameter") if asked.query else usual(asked)
    )
    assert len(read_all(provider, fetcher, since=datetime(2026, 11, 1, tzinfo=UTC))) == 2


def test_c_06_very_many_pages_wait_for_the_next_time(provider: ScriptedProvider, fetcher: Make) -> None:
    """SEC-13: no provider is asked without end; the reading goes on where it stopped."""
    provider.records, provider.page_size = numbered(client.PAGES_AT_ONCE + 5), 1
    tokens = connect(provider, fetcher)
    pages = list(client.records(fetcher(), provider.base, tokens.access))
    assert len(pages) == client.PAGES_AT_ONCE
    rest = list(client.records(fetcher(), provider.base, tokens.access, resume=pages[-1].resume))
    assert len(rest) == 5
    assert rest[-1].resume == ""


@pytest.mark.parametrize(
    "link",
    [
        '<https://other.example/ims/clr/v1p0/clrs?offset=1>; rel="next"',
        "<http://127.0.0.1:1/ims/clr/v1p0/clrs>; rel=next",
        '</elsewhere/clrs>; rel="next"',
        '<//other.example/ims/clr/v1p0/clrs>; rel="next"',
        '</ims/clr/v1p0/../../x>; rel="next"',
        '<http://[::1>; rel="next"',
    ],
)
def test_c_06_next_leads_nowhere_else(link: str, provider: ScriptedProvider, fetcher: Make) -> None:
    """SEC-47: the learner's token goes to no host and no path but the provider's own."""
    provider.records = numbered(1)
    usual = provider.clrs
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda asked: Answer(200, usual(asked).body, {"Link": link})
    with pytest.raises(speaking.ProviderWrong, match="not followed"):
        read_all(provider, fetcher)


def test_c_06_pages_in_a_circle(provider: ScriptedProvider, fetcher: Make) -> None:
    provider.records = numbered(1)
    usual = provider.clrs
    there = {"1": "2", "2": "1"}
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda asked: Answer(
        200, usual(asked).body, {"Link": f'</ims/clr/v1p0/clrs?p={there.get(asked.query.get("p", "2"))}>; rel="next"'}
    )
    with pytest.raises(speaking.ProviderWrong, match="circle"):
        read_all(provider, fetcher)


def test_c_06_lies_about_the_count_change_nothing(provider: ScriptedProvider, fetcher: Make) -> None:
    provider.records = numbered(3)
    usual = provider.clrs
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda asked: Answer(
        200, usual(asked).body, {"X-Total-Count": "999999999999999999999"}
    )
    assert len(read_all(provider, fetcher)) == 3


def test_c_06_pages_too_large_are_asked_for_in_smaller_ones(provider: ScriptedProvider, fetcher: Make) -> None:
    """SEC-06: 5 MB an answer; a provider that pages gets asked for less at a time."""
    large: dict[str, Any] = {"id": "urn:x:large", "name": "n" * 1_500_000}
    provider.records = [large, {**large, "id": "urn:x:2"}, {**large, "id": "urn:x:3"}, {**large, "id": "urn:x:4"}]
    usual = provider.clrs

    def paged(asked: Asked) -> Answer:
        provider.page_size = min(int(asked.query.get("limit", 50)), 3)
        return usual(asked)

    provider.records.append({**large, "id": "urn:x:5", "name": "n" * 100})
    provider.page_size = 50
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda asked: (
        paged(asked) if int(asked.query.get("limit", "1")) < 50 else Answer(200, b"x" * 5_100_000)
    )
    tokens = connect(provider, fetcher)
    pages = client.records(fetcher(), provider.base, tokens.access)
    assert len(next(pages).documents) == 3


def test_c_07_records_are_kept_as_they_came(shared: Path, provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-07, C-10: signed ones byte for byte; others with every property, numbers as written."""
    cases = sorted((shared / "samples/clr-1.0/cases").glob("public-*.json"))
    originals = [json.loads(path.read_text()) for path in cases]
    assert originals
    bare = [{name: value for name, value in one.items() if name != "@context"} for one in originals]
    bare[0]["x:number"] = 12345678901234567890123456789
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpZCI6IuKApiJ9.c2lnbmF0dXJl"
    provider.records = [*bare, token]
    found = read_all(provider, fetcher)
    assert found[-1] == token.encode()
    for original, received in zip(bare, found[:-1], strict=True):
        assert json.loads(received) == original


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (status_info(401, "unauthorizedrequest"), speaking.ConsentEnded),
        (status_info(403, "forbidden"), speaking.ConsentEnded),
        (Answer(401, b"<html>no</html>", {"Content-Type": "text/html"}), speaking.ConsentEnded),
        (Answer(503, b"", {"Retry-After": "7"}), speaking.ProviderDown),
        (Answer(500, {"imsx_description": 5}), speaking.ProviderDown),
        (Answer(404, b""), speaking.ProviderWrong),
        (Answer(302, b"", {"Location": "https://other.example/"}), speaking.ProviderWrong),
        (Answer(200, b"[]"), speaking.ProviderWrong),
        (Answer(200, {"clrs": []}), None),
        (Answer(200, {"@context": "https://w3id.org/openbadges/v2", "clrs": []}), speaking.ProviderWrong),
        (Answer(200, {"@context": CONTEXT}), None),
        (Answer(200, {"@context": CONTEXT, "clrs": "x", "signedClrs": [5, None]}), None),
    ],
)
def test_c_15_answers_of_every_kind(
    answer: Answer, fault: type[Exception] | None, provider: ScriptedProvider, fetcher: Make
) -> None:
    """CLR1-C-15: with StatusInfo, with a foreign body, or with none."""
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: answer
    if fault is None:
        assert read_all(provider, fetcher) == []
        return
    with pytest.raises(fault):
        read_all(provider, fetcher)


def test_a_provider_that_is_gone(provider: ScriptedProvider, fetcher: Make) -> None:
    tokens = connect(provider, fetcher)
    provider.close()
    with pytest.raises(speaking.ProviderDown):
        list(client.records(fetcher(), provider.base, tokens.access))
    with pytest.raises(speaking.ProviderDown):
        client.discover(fetcher(), provider.address)


def test_links() -> None:
    """RFC 8288: several links in one field, quoted and bare relations, commas inside."""
    header = '<https://x/?a=1,2>; title="one, two"; rel="first", </b>;rel=NEXT , <https://x/c>; rel="prev last"'
    assert client.links(header) == {
        "first": "https://x/?a=1,2",
        "next": "/b",
        "prev": "https://x/c",
        "last": "https://x/c",
    }
    assert client.links("next") == {}


def test_a_hosted_record_is_asked_for_with_the_token(provider: ScriptedProvider, fetcher: Make) -> None:
    """Section 5.5: the learner's token opens the hosted record, and goes to nothing else."""
    with_token = client.WithToken(fetcher(), provider.base, "secret")
    for path in ("/clrs/1", "/keys/1", "/clrs", "/../clrs/1"):
        with_token.fetch(provider.base + path, kind="json")
    shown = {one.path: one.headers.get("authorization") for one in provider.requests}
    assert shown["/ims/clr/v1p0/clrs/1"] == "Bearer secret"
    assert [path for path, header in shown.items() if header] == ["/ims/clr/v1p0/clrs/1"]


# --- C-12: sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "outcome"), [(201, "new"), (200, "replaced"), (304, "unchanged")])
def test_c_12_sending(status: int, outcome: str, provider: ScriptedProvider, fetcher: Make) -> None:
    """CLR1-C-12: as a payload with exactly one form."""
    provider.replies["POST", "/ims/clr/v1p0/clrs"] = lambda asked: Answer(status, asked.json)
    sent = client.post(fetcher(), provider.base, "t", content=b"aaaa.bbbb.cccc")
    assert sent.outcome == outcome
    client.post(fetcher(), provider.base, "t", content=b'{"id": "urn:x", "n": 1.50}')
    first, second = provider.asked("POST", "/clrs")
    assert first.json == {"@context": CONTEXT, "signedClr": "aaaa.bbbb.cccc"}
    assert second.json == {"@context": CONTEXT, "clr": {"id": "urn:x", "n": 1.5}}


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (400, speaking.RequestRefused, "something in it"),
        (401, speaking.ConsentEnded, "no longer"),
        (403, speaking.RequestRefused, "not yours"),
        (413, speaking.RequestRefused, "did not take"),
        (503, speaking.ProviderDown, "503"),
    ],
)
def test_c_12_sending_that_is_refused(
    status: int, fault: type[Exception], words: str, provider: ScriptedProvider, fetcher: Make
) -> None:
    """CLR1-C-12"""
    provider.replies["POST", "/ims/clr/v1p0/clrs"] = lambda _: status_info(status, "invalid_data", "learner is missing")
    with pytest.raises(fault, match=words) as caught:
        client.post(fetcher(), provider.base, "t", content=b"aaaa.bbbb.cccc")
    if isinstance(caught.value, speaking.RequestRefused):
        assert "learner is missing" in str(caught.value)
