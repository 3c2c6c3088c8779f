"""Codes become tokens, tokens new tokens (CLR1-AS-07 to AS-11, AS-14, BC-P-17 to P-20, BC-P-23, SEC-40 to SEC-44)."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.settings import oauth2_settings

from apps.exchange.authorization import ending
from apps.exchange.models import AccessToken, Client, ClientConsent, Grant, RefreshToken
from tests.exchange.authorization.flow import BADGES, CLR, FORM, READ, App, Person, opens

pytestmark = pytest.mark.django_db


def refused(answer: Any, code: str, status: int = 400) -> None:
    """The answer is this refusal of RFC 6749, 5.2."""
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] == code
    assert "access_token" not in answer.json()
    assert "status" not in answer.json()  # BC-P-23
    assert "no-store" in answer["Cache-Control"]


def test_a_code_becomes_a_token(app: App, person: Person):
    """CLR1-AS-10, BC-P-19."""
    answer = app.exchange(person.code(app))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Pragma"] == "no-cache"
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert 0 < told["expires_in"] <= 3600  # SEC-42
    assert told["scope"] == f"{READ} offline_access"
    assert told["refresh_token"]
    assert opens(told["access_token"])


def test_one_token_may_carry_scopes_of_both_standards(person: Person):
    """Issue, 5; SEC-45: it names what it is for."""
    both = f"{READ} {BADGES}assertion.readonly"
    app = App.registered(scope=both)
    assert person.tokens(app, asked={"scope": both})["scope"] == both


def test_the_scope_in_the_exchange_adds_nothing(app: App, person: Person):
    """Digest 7.4: ignored."""
    answer = app.exchange(person.code(app), scope=f"admin {CLR}delete {READ}")
    assert answer.json()["scope"] == f"{READ} offline_access"


def test_the_codes_and_tokens_have_256_random_bits(app: App, person: Person):
    """SEC-43."""
    code = person.code(app)
    told = app.exchange(code).json()
    for token in (code, told["access_token"], told["refresh_token"], app.management_token):
        assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert len(bytes.fromhex(app.secret)) == 32


# --- What a code is bound to ----------------------------------------------------------------------------


@pytest.mark.parametrize("verifier", ["x" * 43, "w" * 64, "x", "", "x" * 200, "ü" * 50, "a b" * 20])
def test_a_wrong_verifier_gives_nothing(app: App, person: Person, verifier: str):
    """CLR1-AS-09, BC-P-18, SEC-40: PKCE."""
    answer = app.exchange(person.code(app), code_verifier=verifier)
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}
    assert answer.status_code == 400
    assert not AccessToken.objects.exists()


def test_the_challenge_itself_is_no_verifier(app: App, person: Person):
    """SEC-40: `plain` is not taken at the exchange either."""
    refused(app.exchange(person.code(app), code_verifier=app.challenge), "invalid_grant")


@pytest.mark.parametrize("name", ["code_verifier", "redirect_uri", "code"])
def test_without_verifier_address_or_code_the_request_is_not_whole(app: App, person: Person, name: str):
    """BC-P-18."""
    refused(app.exchange(person.code(app), **{name: None}), "invalid_request")


@pytest.mark.parametrize("address", ["https://app.example/other", "https://app.example/callback?x=1", "x", ""])
def test_another_address_than_at_the_authorization_gives_nothing(app: App, person: Person, address: str):
    """CLR1-AS-08, BC-P-18."""
    answer = app.exchange(person.code(app), redirect_uri=address)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


def test_even_another_registered_address_gives_nothing(person: Person):
    app = App.registered(redirect_uris=["https://app.example/a", "https://app.example/b"])
    refused(app.exchange(person.code(app), redirect_uri="https://app.example/b"), "invalid_grant")


def test_another_client_gets_nothing_for_the_code(app: App, person: Person):
    """CLR1-AS-08, BC-P-18; and the code still serves its own client."""
    other = App.registered("other.example")
    code = person.code(app)
    refused(app.exchange(code, basic=other.basic), "invalid_grant")
    assert app.exchange(code).status_code == 200


@pytest.mark.parametrize("code", ["made-up", "x" * 5000, "ü", "0"])
def test_a_code_that_never_was_gives_nothing(app: App, code: str):
    """BC-P-18."""
    refused(app.exchange(code), "invalid_grant")


def test_a_code_lives_for_a_minute(app: App, person: Person):
    """SEC-40."""
    code = person.code(app)
    left = Grant.objects.get().expires - timezone.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    Grant.objects.update(expires=timezone.now())
    refused(app.exchange(code), "invalid_grant")


def test_a_code_used_twice_ends_what_came_of_it(app: App, person: Person):
    """CLR1-AS-08, BC-P-18, SEC-40."""
    code = person.code(app)
    told = app.exchange(code).json()
    refused(app.exchange(code), "invalid_grant")
    assert not opens(told["access_token"])
    refused(app.refresh(told["refresh_token"]), "invalid_grant")
    assert ClientConsent.objects.get().ended_how == ClientConsent.Ended.MISUSED


def test_the_stored_digest_is_no_code(app: App, person: Person):
    """SEC-43: who reads the table cannot use what is in it."""
    person.code(app)
    refused(app.exchange(Grant.objects.get().code), "invalid_grant")


def test_a_code_ends_with_the_consent(app: App, person: Person):
    code = person.code(app)
    ending.withdraw(ClientConsent.objects.all(), by=person.user)
    refused(app.exchange(code), "invalid_grant")


def test_a_code_of_somebody_who_was_shut_out_gives_nothing(app: App, person: Person):
    code = person.code(app)
    person.user.is_active = False
    person.user.save()
    refused(app.exchange(code), "invalid_grant")


# --- Who asks -------------------------------------------------------------------------------------------


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic \u00fc!!",
        "Basic eA",
        "Basic eA==",
        _basic("nobody:wrong"),
        _basic(":"),
        _basic("a\x00b:c"),
        "Bearer x",
        "Digest x",
        "Basic " + "A" * 20_000,
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    ],
)
def test_without_its_secret_no_client_gets_anything(app: App, person: Person, header: str):
    """CLR1-AS-09, BC-P-17: 401 `invalid_client` with a challenge for Basic."""
    answer = app.exchange(person.code(app), basic=header, client_id=app.client_id)
    refused(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic")


def test_a_wrong_secret_is_refused(app: App, person: Person):
    """CLR1-AS-09, BC-P-17."""
    refused(app.exchange(person.code(app), basic=_basic(f"{app.client_id}:wrong")), "invalid_client", 401)


def test_the_secret_in_the_body_does_not_exchange_a_code(app: App, person: Person):
    """BC-P-17: Basic alone for the exchange of a code."""
    answer = app.exchange(person.code(app), basic="", client_id=app.client_id, client_secret=app.secret)
    refused(answer, "invalid_client", 401)


def test_the_secret_in_the_body_refreshes(app: App, person: Person):
    """Digest of Badge Connect, B10: one client of the field refreshes so."""
    told = person.tokens(app)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": told["refresh_token"],
        "client_id": app.client_id,
        "client_secret": app.secret,
    }
    assert app.ask_for_token(form, basic="").status_code == 200
    refused(app.ask_for_token({**form, "client_secret": "wrong"}, basic=""), "invalid_client", 401)


def test_saying_who_one_is_in_two_ways_is_refused(app: App, person: Person):
    """RFC 6749, 2.3."""
    refused(app.exchange(person.code(app), client_id=app.client_id, client_secret=app.secret), "invalid_request")


def test_two_names_in_one_request_are_refused(app: App, person: Person):
    other = App.registered("other.example")
    refused(app.exchange(person.code(app), client_id=other.client_id), "invalid_client", 401)


# --- What else is asked ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grant",
    ["password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "openid", "x"],
)
def test_no_other_grant_is_offered(app: App, person: Person, grant: str):
    """SEC-40."""
    answer = app.exchange(
        person.code(app), grant_type=grant, username="learner@people.example", password="seven-lanterns-1894"
    )
    assert answer.status_code == 400
    assert answer.json()["error"] in {"unsupported_grant_type", "unauthorized_client"}
    assert not AccessToken.objects.exists()


def test_a_grant_must_be_named(app: App):
    refused(app.ask_for_token({"code": "x"}), "invalid_request")


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_tokens_are_never_asked_for_in_an_address(app: App, method: str):
    answer = getattr(Browser(), method)("/o/token/?grant_type=authorization_code&code=x")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


def test_nothing_is_asked_for_in_the_address_of_a_post(app: App, person: Person):
    form = {"grant_type": "authorization_code", "code": person.code(app)}
    refused(app.ask_for_token(form, path="/o/token/?redirect_uri=x"), "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_only_forms_are_read(app: App, kind: str):
    """RFC 6749, 4.1.3."""
    answer = Browser().post("/o/token/", data=b"{}", content_type=kind, HTTP_AUTHORIZATION=app.basic)
    refused(answer, "invalid_request")


@pytest.mark.parametrize("name", ["code", "grant_type", "redirect_uri", "code_verifier", "client_id", "scope"])
def test_a_parameter_that_stands_there_twice_is_refused(app: App, person: Person, name: str):
    """SEC-41; RFC 6749, 3.2."""
    body = f"grant_type=authorization_code&code={person.code(app)}&redirect_uri={app.redirect_uri}&{name}=x&{name}=y"
    refused(Browser().post("/o/token/", data=body, content_type=FORM, HTTP_AUTHORIZATION=app.basic), "invalid_request")


@pytest.mark.parametrize("name", ["code", "redirect_uri", "code_verifier", "grant_type", "client_id"])
def test_nul_is_refused(app: App, person: Person, name: str):
    """SEC-60: never a trace."""
    answer = app.exchange(person.code(app), **{name: "a\x00b"})
    refused(answer, "invalid_request")


@pytest.mark.parametrize(
    "body", [b"", b"&&&", b"%", b"%zz=%", b"\xff\xfe=\x00", b"grant_type", b"=" * 900, b"a=b&" * 3000]
)
def test_a_body_that_is_no_form_is_refused(app: App, body: bytes):
    answer = Browser().post("/o/token/", data=body, content_type=FORM, HTTP_AUTHORIZATION=app.basic)
    assert answer.status_code in {400, 413}
    assert answer.json()["error"] == "invalid_request"


def test_a_body_over_64_kb_is_refused(app: App):
    refused(app.exchange("x" * 70_000), "invalid_request", 413)


def test_other_origins_get_nothing_from_the_endpoints(app: App, person: Person):
    """SEC-57: no CORS."""
    answer = Browser().post(
        "/o/token/", data="grant_type=x", content_type=FORM, headers={"Origin": "https://app.example"}
    )
    assert "Access-Control-Allow-Origin" not in answer


def test_the_endpoint_is_limited(app: App):
    """SEC-59: 300 in ten minutes, then 429 with Retry-After."""
    from apps.network import limits

    for _ in range(300):
        limits.count(limits.TOKEN, "127.0.0.1")
    answer = app.exchange("x")
    refused(answer, "temporarily_unavailable", 429)
    assert int(answer["Retry-After"]) > 0


# --- Refreshing -----------------------------------------------------------------------------------------


def test_a_refresh_token_becomes_new_tokens(app: App, person: Person):
    """CLR1-AS-11, BC-P-20: rotation."""
    first = person.tokens(app)
    answer = app.refresh(first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["scope"] == first["scope"]
    assert opens(second["access_token"])
    assert not opens(first["access_token"])


@pytest.mark.parametrize(
    ("grants", "scope"),
    [(["authorization_code"], f"{READ} offline_access"), (["authorization_code", "refresh_token"], READ)],
)
def test_a_refresh_token_needs_both_the_scope_and_the_grant(person: Person, grants: list[str], scope: str):
    """CLR1-AS-11, BC-P-20."""
    app = App.registered(grant_types=grants)
    told = person.tokens(app, asked={"scope": scope})
    assert "refresh_token" not in told
    assert not RefreshToken.objects.exists()


def test_a_client_that_gave_the_grant_up_refreshes_no_more(app: App, person: Person):
    told = person.tokens(app)
    Client.objects.update(may_refresh=False)
    refused(app.refresh(told["refresh_token"]), "unauthorized_client")


def test_a_refresh_token_used_twice_ends_its_family(app: App, person: Person):
    """CLR1-AS-11, SEC-44: the newest token too."""
    first = person.tokens(app)["refresh_token"]
    second = app.refresh(first).json()
    refused(app.refresh(first), "invalid_grant")
    assert not opens(second["access_token"])
    refused(app.refresh(second["refresh_token"]), "invalid_grant")
    assert ClientConsent.objects.get().ended_how == ClientConsent.Ended.MISUSED


def test_another_familys_tokens_stay(app: App, person: Person):
    """SEC-44: the family, not the learner's other consents."""
    other = person.tokens(app)
    first = person.tokens(app)["refresh_token"]
    app.refresh(first)
    app.refresh(first)
    assert opens(other["access_token"])
    assert app.refresh(other["refresh_token"]).status_code == 200


def test_another_client_cannot_refresh_and_ends_nothing(app: App, person: Person):
    """BC-P-18."""
    told = person.tokens(app)
    other = App.registered("other.example")
    refused(other.refresh(told["refresh_token"]), "invalid_grant")
    assert app.refresh(told["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["made-up", "x" * 5000, "ü"])
def test_a_refresh_token_that_never_was_gives_nothing(app: App, token: str):
    refused(app.refresh(token), "invalid_grant")


def test_an_access_token_is_no_refresh_token(app: App, person: Person):
    refused(app.refresh(person.tokens(app)["access_token"]), "invalid_grant")


def test_scope_never_grows(app: App, person: Person):
    """CLR1-AS-11, BC-P-20, SEC-44."""
    told = person.tokens(app)
    refused(app.refresh(told["refresh_token"], scope=f"{READ} {CLR}delete"), "invalid_scope")
    assert app.refresh(told["refresh_token"]).status_code == 200


def test_scope_may_shrink_for_one_token(app: App, person: Person):
    """RFC 6749, 6: the refresh token keeps what was allowed."""
    told = person.tokens(app)
    smaller = app.refresh(told["refresh_token"], scope=READ).json()
    assert smaller["scope"] == READ
    assert app.refresh(smaller["refresh_token"]).json()["scope"] == f"{READ} offline_access"


def test_a_refresh_token_idle_for_90_days_is_over(app: App, person: Person):
    """SEC-44."""
    told = person.tokens(app)
    RefreshToken.objects.update(created=timezone.now() - timedelta(days=90))
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


def test_after_a_year_the_learner_is_asked_again(app: App, person: Person):
    """SEC-44: however often it was refreshed."""
    told = person.tokens(app)
    RefreshToken.objects.update(began_at=timezone.now() - timedelta(days=364))
    told = app.refresh(told["refresh_token"]).json()
    RefreshToken.objects.update(began_at=timezone.now() - timedelta(days=365))
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


def test_tokens_end_with_a_change_of_password(app: App, person: Person):
    """SEC-44."""
    told = person.tokens(app)
    person.browser.post(
        "/account/password/",
        {
            "present": "seven-lanterns-1894",
            "password1": "nine-kettles-whistle-2001",
            "password2": "nine-kettles-whistle-2001",
        },
    )
    assert not opens(told["access_token"])
    refused(app.refresh(told["refresh_token"]), "invalid_grant")
    assert ClientConsent.objects.get().ended_how == ClientConsent.Ended.PASSWORD


def test_tokens_end_with_withdrawal(app: App, person: Person):
    """SEC-44, PRIV-02."""
    told = person.tokens(app)
    ending.withdraw(ClientConsent.objects.all(), by=person.user)
    assert not opens(told["access_token"])
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


def test_tokens_end_with_the_client(app: App, person: Person):
    """SEC-44."""
    told = person.tokens(app)
    ending.remove(app.row)
    assert not opens(told["access_token"])
    refused(app.refresh(told["refresh_token"]), "invalid_client", 401)


# --- What is kept ---------------------------------------------------------------------------------------


def test_only_digests_are_stored(app: App, person: Person):
    """CLR1-AS-14, SEC-43."""
    code = person.code(app)
    told = app.exchange(code).json()
    columns = str(
        [
            *(list(model.objects.values_list()) for model in (Client, Grant, AccessToken, RefreshToken, ClientConsent)),
        ]
    )
    for secret in (code, told["access_token"], told["refresh_token"], app.secret, app.management_token):
        assert secret not in columns
    assert Client.objects.get().client_secret.startswith(("argon2", "md5$"))  # the tests hash fast


def test_the_secret_is_hashed_slowly():
    """SEC-43: what the portal itself is configured for, outside of tests."""
    from clrportal.settings import PASSWORD_HASHERS

    assert "Argon2" in PASSWORD_HASHERS[0]
    assert oauth2_settings.CLIENT_SECRET_HASHER == "default"


def test_every_gate_of_the_library_is_shut():
    """SEC-42."""
    known = [name for name in oauth2_settings.defaults if name.startswith("COMPLIANT_BCP_RFC9700_")]
    assert len(known) >= 10
    for name in known:
        assert configured.OAUTH2_PROVIDER[name] is True, name
    assert oauth2_settings.PKCE_REQUIRED is True
    assert oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES == ["https"]
    assert oauth2_settings.ALLOW_URI_WILDCARDS is False
    assert oauth2_settings.ROTATE_REFRESH_TOKEN is True
    assert oauth2_settings.REFRESH_TOKEN_REUSE_PROTECTION is True
    assert oauth2_settings.REFRESH_TOKEN_GRACE_PERIOD_SECONDS == 0
    assert oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS <= 3600


@pytest.mark.parametrize(
    "path",
    ["applications/", "applications/register/", "authorized_tokens/", "device/", "device-authorization/", "userinfo/"],
)
def test_the_librarys_own_pages_are_not_routed(person: Person, path: str):
    """SEC-42."""
    assert person.browser.get(f"/o/{path}").status_code == 404


def test_the_unused_registrations_of_90_days_go(app: App, person: Person):
    """SEC-46: used ones stay, younger ones too."""
    used, young = App.registered("used.example"), App.registered("young.example")
    person.tokens(used)
    for one in (app, used):
        Client.objects.filter(client_id=one.client_id).update(created=timezone.now() - timedelta(days=90, seconds=1))
    assert ending.sweep()["clients"] == 1
    assert {client.client_id for client in Client.objects.all()} == {used.client_id, young.client_id}


def test_the_sweep_removes_what_is_over_and_keeps_what_is_not(app: App, person: Person):
    told = person.tokens(app)
    ending.sweep()
    assert opens(told["access_token"])
    old = timezone.now() - timedelta(days=400)
    AccessToken.objects.update(expires=old)
    Grant.objects.update(expires=old)
    RefreshToken.objects.update(began_at=old)
    swept = ending.sweep()
    assert (swept["codes"], swept["access_tokens"], swept["refresh_tokens"]) == (1, 1, 1)
    assert ClientConsent.objects.exists()


def test_the_sweep_runs_daily():
    """SEC-46."""
    from apps.exchange import tasks

    assert configured.CELERY_BEAT_SCHEDULE["sweep"]["task"] == tasks.sweep.name
    assert tasks.sweep()["clients"] == 0
