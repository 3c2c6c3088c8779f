"""Badge Connect's consumer against a host that is not ours: BC-C-01 to C-18."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.exchange import authorizing, speaking
from apps.exchange.badgeconnect import client
from apps.network.fetching import GuardedFetcher
from apps.standards.ob2 import connect
from tests.exchange.badgeconnect.scripted_host import BADGES, MANIFEST, SCOPES, ScriptedHost, envelope
from tests.exchange.clr1.scripted_provider import Answer

pytestmark = pytest.mark.once
Make = Callable[[], GuardedFetcher]
BACK = "https://portal.example/wallet/connections/return/k/"
BADGE = b'{"@context":"https://w3id.org/openbadges/v2","id":"https://b.example/1","type":"Assertion","n":1.50}'
FIELDS = {"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version",
          "redirect_uris"}  # fmt: skip


def register(other: ScriptedHost, fetcher: Make) -> authorizing.Registration:
    request = authorizing.registration_request(
        base_url="https://portal.example",
        name="Our portal",
        logo_url="https://portal.example/logo.png",
        redirect_uri=BACK,
        scopes=SCOPES,
        version="1",
    )
    return authorizing.register(fetcher(), f"{other.address}/oauth/register", request)


def access(other: ScriptedHost, fetcher: Make) -> authorizing.Tokens:
    """From nothing to tokens, as a learner's browser would walk it."""
    registration, attempt = register(other, fetcher), authorizing.Attempt.new()
    way = f"{other.address}/oauth/authorize"
    address = authorizing.authorization_address(
        way, client_id=registration.client_id, redirect_uri=BACK, scopes=SCOPES, attempt=attempt
    )
    assert set(parse_qs(urlsplit(address).query)) >= {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
    }
    answer = other.consent(address)
    code = authorizing.code_of(answer, attempt, issuer=other.top, sends_issuer=True, authorization_url=way)
    return authorizing.redeem(
        fetcher(), f"{other.address}/oauth/token", registration, code=code, redirect_uri=BACK,
        verifier=attempt.verifier, scopes=SCOPES, with_scope=True,
    )  # fmt: skip


def base(other: ScriptedHost) -> str:
    return f"{other.address}{connect.PATH}"


# --- Finding it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "/", "/login", MANIFEST, connect.PATH])
def test_every_way_to_write_the_address(end: str, other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-01, BC-C-17: by its host, whatever page was copied; with the pages that the learner may read first."""
    found = client.discover(fetcher(), f" {other.address}{end} ")
    assert (found.base, found.name) == (base(other), "Badge Bay")
    assert (found.terms_url, found.privacy_url) == (f"{other.address}/terms", f"{other.address}/privacy")
    assert found.metadata.revocation_url == f"{other.address}/oauth/revoke"


def test_a_manifest_that_may_be_kept_is_asked_for_by_its_tag(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-02: the second time If-None-Match; 304 counts as what was kept."""
    first = client.discover(fetcher(), other.address)
    assert client.discover(fetcher(), other.address) == first
    assert [one.headers.get("if-none-match") for one in other.asked("GET", MANIFEST)] == [None, '"one"']


def test_a_manifest_that_may_not_be_kept_is_not(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-02: no-store."""
    said = {"badgeConnectAPI": [other.entry()]}
    other.replies["GET", MANIFEST] = lambda _: Answer(200, said, {"ETag": '"one"', "Cache-Control": "no-store"})
    client.discover(fetcher(), other.address)
    client.discover(fetcher(), other.address)
    assert [one.headers.get("if-none-match") for one in other.asked("GET", MANIFEST)] == [None, None]


@pytest.mark.parametrize(
    "said",
    [b"no JSON at all", {}, {"badgeConnectAPI": []}, {"badgeConnectAPI": None}, {"badgeConnectAPI": [7]},
     {"badgeConnectAPI": [{"version": "v1p0", "apiBase": "https://x.example"}]}],
)  # fmt: skip
def test_what_is_no_host_is_said(said: Any, other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-01: a manifest without an API of this version."""
    other.replies["GET", MANIFEST] = lambda _: Answer(200, said)
    with pytest.raises(speaking.ProviderFault):
        client.discover(fetcher(), other.address)


def test_the_api_of_this_version_is_taken(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-01, B2: a host may have several."""
    entries = [{**other.entry(), "version": "v3p0", "name": "Next"}, other.entry()]
    other.replies["GET", MANIFEST] = lambda _: Answer(200, {"badgeConnectAPI": entries})
    assert client.discover(fetcher(), other.address).name == "Badge Bay"


# --- Registration and consent -----------------------------------------------------------------------


def test_a_registration_has_every_field_of_one_host(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-03: all required fields, https, one host name."""
    register(other, fetcher)
    [asked] = other.asked("POST", "/oauth/register")
    assert set(asked.json) >= FIELDS
    addresses = [asked.json[name] for name in FIELDS if name.endswith("_uri")] + asked.json["redirect_uris"]
    assert {(urlsplit(url).scheme, urlsplit(url).hostname) for url in addresses} == {("https", "portal.example")}


def test_the_host_may_grant_less(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-04: what the registration answers counts, and no scope in it is no fault."""
    usual = other.register

    def less(asked: Any) -> Answer:
        made = usual(asked)
        made.body["scope"] = SCOPES[0]
        return made

    other.replies["POST", "/oauth/register"] = less
    assert register(other, fetcher).scope == SCOPES[0]

    def nothing(asked: Any) -> Answer:
        made = usual(asked)
        del made.body["scope"]
        return made

    other.replies["POST", "/oauth/register"] = nothing
    assert register(other, fetcher).client_id


def test_every_attempt_is_fresh_and_the_code_goes_with_its_five_fields(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-05, BC-C-07: state and verifier of their own; Basic, and the fields of B5."""
    assert access(other, fetcher).access
    access(other, fetcher)
    first, second = other.asked("POST", "/oauth/token")
    assert set(first.form) == {"grant_type", "code", "redirect_uri", "scope", "code_verifier"}
    assert first.form["code_verifier"] != second.form["code_verifier"]
    assert first.headers["authorization"].startswith("Basic ")
    assert base64.b64decode(first.headers["authorization"].removeprefix("Basic "))


@pytest.mark.parametrize("state", ["", "another"])
def test_a_return_with_another_state_is_refused(state: str, other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-06."""
    attempt = authorizing.Attempt.new()
    said = {"code": "x", "state": state, "iss": other.top}
    with pytest.raises(authorizing.WrongReturn):
        authorizing.code_of(
            said, attempt, issuer=other.top, sends_issuer=True, authorization_url=f"{other.address}/oauth/authorize"
        )


def test_a_no_is_no_fault(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-06: what the host answered is told to the learner."""
    attempt = authorizing.Attempt.new()
    said = {"error": "access_denied", "state": attempt.state, "iss": other.top}
    with pytest.raises(authorizing.NotConsented):
        authorizing.code_of(
            said, attempt, issuer=other.top, sends_issuer=True, authorization_url=f"{other.address}/oauth/authorize"
        )


# --- Reading ----------------------------------------------------------------------------------------


def read(other: ScriptedHost, fetcher: Make) -> list[bytes]:
    tokens = access(other, fetcher)
    return [each for page in client.records(fetcher(), base(other), tokens.access) for each in page.documents]


@pytest.mark.parametrize(
    "members",
    [{}, {"assertions": None, "signedAssertions": None}, {"assertions": []}, {"signedAssertions": []}],
)
def test_absent_null_and_empty_lists_are_the_same(members: dict[str, Any], other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-10, BC-C-15."""
    other.replies["GET", BADGES] = lambda _: envelope(200, "OK", **members)
    assert read(other, fetcher) == []


def test_badges_come_as_they_were_written(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-10: byte for byte, plain ones and signed ones."""
    body = (
        b'{"status":{"error":null,"statusCode":200,"statusText":"OK"},"assertions":[%s],"signedAssertions":["a.b.c"]}'
    )
    other.replies["GET", BADGES] = lambda _: Answer(200, body % BADGE)
    assert read(other, fetcher) == [BADGE, b"a.b.c"]


def test_the_token_goes_in_the_header_alone(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-08."""
    read(other, fetcher)
    for asked in other.asked("GET", BADGES):
        assert asked.headers["authorization"].startswith("Bearer ")
        assert set(asked.query) <= {"limit", "offset", "since"}


@pytest.mark.parametrize(
    "form", ['<{0}>; rel="next"', "<{0}>;rel=next", '<{1}>; rel="last", <{0}>; title="x"; rel="next"']
)
def test_links_are_followed_however_they_are_written(form: str, other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-11: quotes, order, relative and absolute addresses."""

    def answer(asked: Any) -> Answer:
        made = envelope(200, "OK", signedAssertions=["d.e.f" if asked.query.get("offset") else "a.b.c"])
        if not asked.query.get("offset"):
            made.headers["Link"] = form.format(f"{BADGES}?offset=1", f"{base(other)}/assertions?offset=9")
        return made

    other.replies["GET", BADGES] = answer
    assert read(other, fetcher) == [b"a.b.c", b"d.e.f"]


def test_the_profile_says_who_the_learner_is_there(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-10, BC-C-13: all identifiers; a badge for somebody else is known before it is sent."""
    other.emails = ["ada@students.example", "countess@students.example"]
    known = client.identifiers(fetcher(), base(other), access(other, fetcher).access)
    assert set(other.emails) <= set(known)
    made = b'{"recipient":{"type":"email","hashed":false,"identity":"%s"}}'
    assert connect.is_made_out_to(made % b"countess@students.example", known)
    assert not connect.is_made_out_to(made % b"eve@students.example", known)


# --- Sending ----------------------------------------------------------------------------------------


def test_a_badge_is_sent_as_it_is_and_nothing_beside_it(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-12, BC-C-15: the bytes of the badge; no member of our own."""
    tokens = access(other, fetcher)
    client.post(fetcher(), base(other), tokens.access, content=BADGE)
    client.post(fetcher(), base(other), tokens.access, content=b"a.b.c")
    plain, signed = other.asked("POST", BADGES)
    assert plain.body == b'{"assertion":' + BADGE + b"}"
    assert signed.json == {"signedAssertion": "a.b.c"}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (envelope(400, "INVALID_BADGE", "It was revoked."), client.NotAccepted),
        (envelope(400, "RECIPIENT_PROFILE_MISMATCH", "Not yours."), client.NotAccepted),
        (envelope(401, "PERMISSION_DENIED", "Not allowed."), client.NotAccepted),
        (envelope(401, "UNAUTHENTICATED", "Who?"), speaking.ConsentEnded),
        (envelope(400, "BAD_REQUEST", "Another time."), speaking.RequestRefused),
        (Answer(503, b"", {"Retry-After": "7"}), speaking.ProviderFault),
    ],
)
def test_why_a_badge_was_not_taken(answer: Answer, fault: type[Exception], other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-12, BC-C-14: the host's own words reach the learner; what is final is told from what may pass."""
    tokens = access(other, fetcher)
    other.replies["POST", BADGES] = lambda _: answer
    with pytest.raises(fault) as raised:
        client.post(fetcher(), base(other), tokens.access, content=BADGE)
    assert isinstance(raised.value, client.NotAccepted) is (fault is client.NotAccepted)
    if isinstance(answer.body, dict):
        assert answer.body["status"]["error"] in str(raised.value)


# --- The end of access ------------------------------------------------------------------------------


def test_an_access_is_refreshed(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-09: the refresh token gives another access; refused, the learner must be asked again."""
    tokens = access(other, fetcher)
    name, known = list(other.clients.items())[-1]
    registration = authorizing.Registration(name, known["client_secret"], known["scope"])

    def again() -> authorizing.Tokens:
        way = f"{other.address}/oauth/token"
        return authorizing.refresh(fetcher(), way, registration, refresh_token=tokens.refresh, scopes=SCOPES)

    assert again().access != tokens.access
    with pytest.raises(speaking.ConsentEnded):
        again()


def test_an_access_is_given_back(other: ScriptedHost, fetcher: Make) -> None:
    """BC-C-16: at tokenRevocationUrl."""
    tokens = access(other, fetcher)
    found = client.discover(fetcher(), other.address)
    registration = register(other, fetcher)
    assert authorizing.revoke(fetcher(), found.metadata.revocation_url, registration, tokens.access, "access_token")
    assert tokens.access not in other.access
