"""The attacks of RFC 9700, section 4, one by one (SEC-40 to SEC-48), and RFC 9207's mix-up."""

from typing import Any

import pytest
from django.test import Client as Browser

from apps.exchange.models import AccessToken, ClientConsent, Grant
from tests.exchange.authorization.flow import READ, App, Person, answered, metadata, opens, registering

pytestmark = pytest.mark.django_db


def test_4_1_a_redirect_address_that_only_looks_alike_gets_no_code(app: App, person: Person):
    """4.1 insufficient validation of the redirect address: compared as text (SEC-41)."""
    for address in ("https://app.example/callback/../x", "https://app.example/callback?next=https://evil.example"):
        assert person.decide(app, asked={"redirect_uri": address}).status_code == 400
    assert not Grant.objects.exists()


def test_4_2_the_code_does_not_leak_by_the_referrer(app: App, person: Person):
    """4.2 leakage by the Referer header: no-referrer, and a used code is worth nothing."""
    response = person.decide(app)
    assert response["Referrer-Policy"] == "no-referrer"
    assert person.look(app)["Referrer-Policy"] in {"same-origin", "no-referrer"}


def test_4_3_a_code_out_of_the_browsers_history_is_worth_nothing(app: App, person: Person):
    """4.3 leakage by the history: used once, and no token is ever taken from an address."""
    code = person.code(app)
    told = app.exchange(code).json()
    assert app.exchange(code).status_code == 400
    response = Browser().get(f"/ims/clr/v1p0/clrs?access_token={told['access_token']}")
    assert response.status_code == 401


def test_4_4_the_answer_names_its_issuer_against_mix_up(app: App, person: Person):
    """4.4 mix-up: `iss` in good and bad answers (RFC 9207)."""
    good, bad = answered(person.decide(app)), answered(person.look(app, scope="admin"))
    assert good["iss"] == bad["iss"] == "https://portal.example"
    issuer = Browser().get("/.well-known/oauth-authorization-server").json()["issuer"]
    assert good["iss"] == issuer


def test_4_5_a_stolen_code_is_of_no_use_in_another_session(app: App, person: Person):
    """4.5 code injection: the verifier of the session that asked is needed."""
    stolen = person.code(app)
    attacker = App(app.client_id, app.secret, app.management_token, app.redirect_uri)
    assert attacker.exchange(stolen).json()["error"] == "invalid_grant"


def test_4_6_an_access_token_comes_from_the_token_endpoint_alone(app: App, person: Person):
    """4.6 token injection: no token in the front channel."""
    for kind in ("token", "code token", "id_token token"):
        assert "access_token" not in person.look(app, response_type=kind)["Location"]


def test_4_7_a_request_without_state_or_challenge_is_refused(app: App, person: Person):
    """4.7 CSRF at the client."""
    for name in ("state", "code_challenge"):
        assert answered(person.look(app, **{name: None}))["error"] == "invalid_request"


def test_4_8_pkce_cannot_be_taken_away(app: App, person: Person):
    """4.8 downgrade: neither by leaving it out, nor by `plain`, nor at the exchange."""
    for changed in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge": app.verifier[:43], "code_challenge_method": "plain"},
    ):
        assert answered(person.decide(app, asked=changed))["error"] == "invalid_request"
    assert not Grant.objects.exists()
    assert app.exchange(person.code(app), code_verifier=None).status_code == 400
    assert not AccessToken.objects.exists()


def test_4_8_a_verifier_where_no_challenge_was_is_refused(app: App, person: Person):
    """4.8.2: even if such a code came to be."""
    code = person.code(app)
    Grant.objects.update(code_challenge="")
    assert app.exchange(code).json()["error"] == "invalid_grant"


def test_4_9_a_token_is_worth_nothing_beyond_its_scope_and_owner(app: App, person: Person, grant_token: Any):
    """4.9 leakage at the resource server: short-lived, for one learner's chosen records, without other scopes."""
    told = person.tokens(app, asked={"scope": READ})
    row = AccessToken.objects.get()
    assert row.scope == READ
    assert told["expires_in"] <= 3600
    assert row.consent.user == person.user


def test_4_10_a_stolen_refresh_token_ends_with_its_second_use(app: App, person: Person):
    """4.14 refresh token protection: rotation and reuse detection."""
    stolen = person.tokens(app)["refresh_token"]
    thief = app.refresh(stolen).json()
    app.refresh(stolen)
    assert not opens(thief["access_token"])


def test_4_11_nobody_is_sent_on_before_signing_in(app: App):
    """4.11.2 the server as open redirector: a stranger's registered address gets nobody who is not signed in here."""
    for changed in ({}, {"scope": "admin"}, {"response_type": "token"}, {"code_challenge": None}):
        response = Browser().get("/o/authorize/", app.asking(**changed))
        assert response["Location"].startswith("/?next=")
    assert Browser().get("/o/authorize/", app.asking(prompt="none"))["Location"].startswith("/?next=")


def test_4_12_forms_are_not_sent_on(app: App, person: Person):
    """4.12 307 redirect: 303."""
    assert person.decide(app).status_code == 303
    assert person.decide(app, "deny").status_code == 303


def test_4_13_addresses_do_not_follow_forwarded_headers(app: App):
    """4.13 reverse proxies (SEC-58)."""
    answer = Browser().get(
        "/.well-known/oauth-authorization-server",
        headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
    )
    assert "evil.example" not in answer.content.decode()


def test_4_15_a_client_cannot_take_a_learners_place(app: App):
    """4.15 client impersonating a resource owner: no client credentials, and its id is not of its choice."""
    answer = app.ask_for_token({"grant_type": "client_credentials", "scope": READ})
    assert answer.status_code == 400
    told = registering(metadata("evil.example", client_id="1")).json()
    assert told["client_id"] != "1"


def test_4_16_the_consent_page_is_not_framed(app: App, person: Person):
    """4.16 clickjacking."""
    response = person.look(app)
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_4_17_the_answer_goes_to_the_registered_origin_alone(app: App, person: Person):
    """4.17 in-browser communication: there is none; `response_mode=web_message` is ignored."""
    response = person.decide(app, asked={"response_mode": "web_message"})
    assert response.status_code == 303
    assert response["Location"].startswith("https://app.example/callback?")


def test_a_consent_is_for_who_is_signed_in(app: App, person: Person):
    """A code given to one learner never opens another's records."""
    person.tokens(app)
    assert {consent.user for consent in ClientConsent.objects.all()} == {person.user}
