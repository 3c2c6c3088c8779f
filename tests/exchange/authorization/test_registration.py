"""Clients register themselves (CLR1-AS-01 to AS-04, BC-P-05 to BC-P-12, SEC-46)."""

import json
from typing import Any

import pytest
from django.test import Client as Browser

from apps.exchange.models import Client
from apps.network import limits
from tests.exchange.authorization.flow import BADGES, CLR, READ, metadata, registering

pytestmark = pytest.mark.django_db

REQUIRED = (
    *("client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version"),
    "redirect_uris",
)


def refused(response: Any, code: str = "invalid_client_metadata") -> str:
    """The sentence of a refusal, which registered nothing."""
    assert response.status_code == 400, response.content
    assert response.json()["error"] == code
    assert not Client.objects.exists()
    sentence: str = response.json()["error_description"]
    return sentence


def test_a_good_registration_is_answered_with_all_that_was_sent_and_credentials():
    """CLR1-AS-01, BC-P-05, BC-P-06."""
    sent = metadata()
    answer = registering(sent)
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert answer["Pragma"] == "no-cache"
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert {name: told[name] for name in sent} == sent
    assert told["client_id"] and told["client_secret"]
    assert told["client_id_issued_at"] > 1_700_000_000
    assert told["client_secret_expires_at"] == 0
    assert told["registration_client_uri"] == f"https://portal.example/o/register/{told['client_id']}/"
    assert told["registration_access_token"]


def test_two_registrations_are_two_clients():
    first, second = registering(metadata()).json(), registering(metadata()).json()
    assert first["client_id"] != second["client_id"]
    assert first["client_secret"] != second["client_secret"]


def test_the_defaults_are_applied_and_echoed():
    """CLR1-AS-03, BC-P-11."""
    told = registering(
        metadata(token_endpoint_auth_method=None, grant_types=None, response_types=None, scope=None)
    ).json()
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert set(told["scope"].split()) == {
        *(CLR + name for name in ("readonly", "replace", "delete")),
        *(BADGES + name for name in ("assertion.readonly", "assertion.create", "profile.readonly", "profile.update")),
        "offline_access",
    }


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_field_must_be_there(name: str):
    """CLR1-AS-02, BC-P-07."""
    assert name in refused(registering(metadata(**{name: None})))


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [7, True, {}, [], "", "   "])
def test_each_required_field_must_be_of_its_kind(name: str, value: Any):
    """CLR1-AS-02."""
    code = "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata"
    refused(registering(metadata(**{name: value})), code)


BAD_ADDRESSES = [
    "http://app.example/x",
    "javascript:alert(1)//app.example",
    "data:text/html,x",
    "com.example.app:/x",
    "//app.example/x",
    "app.example/x",
    "https://app.example:8443/x",
    "https://user@app.example/x",
    "https://app.example@evil.example/x",
    "https://*.app.example/x",
    "https://app.example/a/../x",
    "https://app.example/a/%2e%2E/x",
    "https://app.example/./x",
    "https://app.example\\@evil.example/x",
    "https://app.example/x y",
    "https://app.example/x\n",
    "https://app.example/\u00fc",
    "https://b\u00fccher.example/x",
    "https://localhost/x",
    "https://app/x",
    "https://app.internal/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://8.8.8.8/x",
    "https://0x08080808/x",
    "https://evil.example/x",
    "https://sub.app.example/x",
    "https://portal.example/x",
    "https://",
    "https://app.example/" + "x" * 3000,
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_redirect_address_that_is_not_public_https_on_the_one_host_is_refused(address: str):
    """CLR1-AS-02, BC-P-08, BC-P-09, SEC-41, SEC-46."""
    refused(registering(metadata(redirect_uris=[address])), "invalid_redirect_uri")


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("name", ["logo_uri", "tos_uri"])
def test_so_is_any_other_address(name: str, address: str):
    """BC-P-08, BC-P-09."""
    refused(registering(metadata(**{name: address})))


def test_the_host_of_the_portal_itself_is_nobodys_client():
    """SEC-46: not ours."""
    assert "portal" in refused(registering(metadata("portal.example")))


def test_a_host_by_number_is_no_host():
    """SEC-46: not an address."""
    refused(registering(metadata("93.184.215.14")))


@pytest.mark.parametrize("address", ["https://app.example/cb#x", "https://app.example/cb#"])
def test_a_redirect_address_has_no_fragment(address: str):
    """SEC-41."""
    refused(registering(metadata(redirect_uris=[address])), "invalid_redirect_uri")


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
def test_a_redirect_address_cannot_bring_a_parameter_of_the_answer(name: str):
    """Else the client would find it twice (RFC 9207, 4)."""
    address = f"https://app.example/cb?{name}=x"
    refused(registering(metadata(redirect_uris=[address])), "invalid_redirect_uri")


def test_ten_redirect_addresses_are_taken_and_eleven_not():
    """SEC-46."""
    addresses = [f"https://app.example/{number}" for number in range(11)]
    refused(registering(metadata(redirect_uris=addresses)), "invalid_redirect_uri")
    assert registering(metadata(redirect_uris=addresses[:10])).status_code == 201


def test_a_good_one_among_bad_redirect_addresses_does_not_help():
    addresses = ["https://app.example/cb", "https://evil.example/cb"]
    refused(registering(metadata(redirect_uris=addresses)), "invalid_redirect_uri")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_endpoint_auth_method", "none"),
        ("token_endpoint_auth_method", "client_secret_post"),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_method", 1),
        ("grant_types", ["implicit"]),
        ("grant_types", ["authorization_code", "password"]),
        ("grant_types", ["client_credentials"]),
        ("grant_types", ["refresh_token"]),
        ("grant_types", []),
        ("grant_types", "authorization_code"),
        ("grant_types", [["authorization_code"]]),
        ("response_types", ["token"]),
        ("response_types", ["code", "token"]),
        ("response_types", []),
        ("response_types", "code"),
        ("scope", 7),
        ("scope", ["a"]),
        ("scope", "admin"),
        ("scope", "x" * 5000),
    ],
)
def test_what_is_not_in_the_profile_is_refused(name: str, value: Any):
    """BC-P-10, SEC-42: `none` too."""
    refused(registering(metadata(**{name: value})))


def test_scopes_that_are_not_offered_are_dropped():
    """CLR1-AS-04, BC-P-12."""
    told = registering(metadata(scope=f"admin * {READ} https://example.org/scope")).json()
    assert told["scope"] == READ


def test_id_secret_and_trust_are_never_the_callers_choice():
    """SEC-46."""
    told = registering(
        metadata(client_id="admin", client_secret="x", skip_authorization=True, registration_access_token="y", user=1)
    ).json()
    assert told["client_id"] != "admin"
    assert told["client_secret"] != "x"
    assert told["registration_access_token"] != "y"
    assert "skip_authorization" not in told


def test_a_software_statement_is_not_taken():
    """RFC 7591, 3.2.2."""
    refused(registering(metadata(software_statement="eyJhbGciOiJub25lIn0.e30.")), "unapproved_software_statement")


@pytest.mark.parametrize("name", ["client_name", "software_id", "software_version"])
def test_texts_have_at_most_2048_bytes(name: str):
    """SEC-46."""
    refused(registering(metadata(**{name: "ü" * 1025})))
    assert registering(metadata(**{name: "ü" * 1024})).status_code == 201


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\x1b[0m", "a\x85b", "Bank \u202egnp.exe", "a\u2066b", "a\u2028b"])
def test_a_name_that_would_read_as_something_else_is_refused(text: str):
    """SEC-32, SEC-46."""
    refused(registering(metadata(client_name=text)))


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"client_name=x",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b"{",
        b"[" * 10_000,
        b'{"a": ' * 30_000,
        b'{"client_name": "a", "client_name": "b"}',
        b'{"client_name": NaN}',
        b'{"client_name": "\\ud800"}',
        b'{"client_name": "a\\u0000b"}',
        b'\xff\xfe{"\x00',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes):
    """SEC-21, AS-02: never a trace."""
    response = Browser().post("/o/register/", data=body, content_type="application/json")
    assert response.status_code in {400, 413}
    assert response.json()["error"] == "invalid_client_metadata"


def test_a_body_over_64_kb_is_refused_before_it_is_read():
    """SEC-46."""
    response = registering(metadata(client_name="x" * 70_000))
    assert response.status_code == 413
    assert response.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_other_kinds_of_content_are_refused(kind: str):
    response = Browser().post("/o/register/", data=json.dumps(metadata()).encode(), content_type=kind)
    assert response.status_code == 415
    assert response.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_refused_in_the_form_of_oauth(method: str):
    """BC-P-23, SEC-60."""
    response = getattr(Browser(), method)("/o/register/")
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert response.json()["error"] == "invalid_request"


def test_sixty_tries_in_ten_minutes_are_heard():
    """SEC-46, SEC-59: then 429 with Retry-After, in the form of OAuth."""
    answers = [registering({}) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {400}
    assert answers[60].status_code == 429
    assert int(answers[60]["Retry-After"]) > 0
    assert answers[60].json()["error"] == "temporarily_unavailable"


def test_twenty_registrations_an_hour_are_made():
    """SEC-46."""
    answers = [registering(metadata()) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {201}
    assert answers[20].status_code == 429
    assert Client.objects.count() == 20


def test_another_address_may_still_register():
    """SEC-59: counted by address."""
    for _ in range(21):
        last = registering(metadata())
    assert last.status_code == 429
    assert registering(metadata(), REMOTE_ADDR="198.51.100.7").status_code == 201


def test_the_portal_takes_five_hundred_a_day():
    """SEC-46: from however many addresses."""
    for _ in range(500):
        limits.count(limits.REGISTRATION_ALL, "portal")
    assert registering(metadata()).status_code == 429
    assert not Client.objects.exists()


def test_a_host_that_the_operator_excepted_counts_as_https(settings: Any):
    """SEC-10: two portals side by side, and only that host and port."""
    settings.BASE_URL, settings.FETCH_ALLOW = "http://127.0.0.1:8000", ["127.0.0.1:8001"]
    paired = dict.fromkeys(("client_uri", "logo_uri", "tos_uri", "policy_uri"), "http://127.0.0.1:8001/x")
    assert registering(metadata(**paired, redirect_uris=["http://127.0.0.1:8001/back"])).status_code == 201
    other = {name: address.replace("8001", "8002") for name, address in paired.items()}
    assert registering(metadata(**other, redirect_uris=["http://127.0.0.1:8002/back"])).status_code == 400
    own = {name: address.replace("8001", "8000") for name, address in paired.items()}
    assert registering(metadata(**own, redirect_uris=["http://127.0.0.1:8000/back"])).status_code == 400
