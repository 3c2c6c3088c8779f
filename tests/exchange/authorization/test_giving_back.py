"""Tokens given back, access ended, tokens looked at, the server described (CLR1-AS-12, AS-13, BC-P-21, BC-P-22)."""

import json
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import User
from apps.exchange.models import ClientConsent
from tests.exchange.authorization.flow import BADGES, FORM, READ, App, Person, answered, metadata, opens, registering
from tests.issuance.earning import School

pytestmark = pytest.mark.django_db


# --- RFC 7009 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "access_token"}])
def test_a_refresh_token_given_back_ends_all_access(app: App, person: Person, hint: dict[str, str]):
    """CLR1-AS-12, BC-P-22."""
    told = person.tokens(app)
    answer = app.revoke(told["refresh_token"], **hint)
    assert answer.status_code == 200
    assert answer.content == b""
    assert not opens(told["access_token"])
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"
    assert ClientConsent.objects.get().ended_how == ClientConsent.Ended.RETURNED


def test_an_access_token_given_back_is_dead_and_its_refresh_token_lives(app: App, person: Person):
    """RFC 7009, 2.1."""
    told = person.tokens(app)
    assert app.revoke(told["access_token"]).status_code == 200
    assert not opens(told["access_token"])
    assert app.refresh(told["refresh_token"]).status_code == 200


def test_without_a_refresh_token_the_access_token_was_all(app: App, person: Person):
    told = person.tokens(app, asked={"scope": READ})
    app.revoke(told["access_token"])
    assert ClientConsent.objects.get().ended_how == ClientConsent.Ended.RETURNED


@pytest.mark.parametrize("token", ["never-was", "x" * 5000, "ü"])
def test_a_token_that_never_was_is_no_error(app: App, token: str):
    """BC-P-22; RFC 7009, 2.2."""
    assert app.revoke(token).status_code == 200


def test_another_clients_token_stays_and_nothing_is_told(app: App, person: Person):
    """RFC 7009, 2.1."""
    told = person.tokens(app)
    other = App.registered("other.example")
    assert other.revoke(told["refresh_token"]).status_code == 200
    assert opens(told["access_token"])


def test_a_client_must_say_who_it_is(app: App, person: Person):
    told = person.tokens(app)
    answer = app.ask_for_token({"token": told["access_token"]}, basic="", path="/o/revoke_token/")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert opens(told["access_token"])


def test_a_token_must_be_named(app: App):
    answer = app.ask_for_token({"x": "y"}, path="/o/revoke_token/")
    assert answer.json()["error"] == "invalid_request"


# --- Connected apps -------------------------------------------------------------------------------------


def test_a_learner_sees_who_has_access_to_what(app: App, person: Person, school: School, learner: User):
    """CLR1-AS-13, BC-P-21."""
    owner = school.learner(1)
    owner.user = learner
    owner.save()
    record = school.issued(owner)
    person.tokens(app, records="chosen", record=[str(record.public_id)])
    text = person.browser.get("/account/apps/").content.decode()
    assert "app.example" in text
    assert "Has access" in text
    assert "Read the learner records" in text
    assert record.snapshot.title in text or "Comprehensive learner record" in text


def test_the_account_page_leads_there(person: Person):
    assert 'href="/account/apps/"' in person.browser.get("/account/").content.decode()


def test_without_apps_the_page_says_what_it_is_for(person: Person):
    assert "No app has access" in person.browser.get("/account/apps/").content.decode()


def test_ending_access_works_at_the_next_request(app: App, person: Person):
    """CLR1-AS-13, BC-P-21, SEC-48, PRIV-02: every token of the app, of every consent."""
    first, second = person.tokens(app), person.tokens(app)
    consent = ClientConsent.objects.first()
    assert consent is not None
    response = person.browser.post(f"/account/apps/{consent.public_id}/end/")
    assert response.status_code == 302
    for told in (first, second):
        assert not opens(told["access_token"])
        assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"
    text = person.browser.get("/account/apps/").content.decode()
    assert "No access any more" in text
    assert "withdrawn by the learner" in text


def test_other_apps_keep_their_access(app: App, person: Person):
    other = App.registered("other.example")
    kept = person.tokens(other)
    person.tokens(app)
    person.browser.post(f"/account/apps/{ClientConsent.objects.get(client=app.row).public_id}/end/")
    assert opens(kept["access_token"])


def test_ending_needs_a_post_with_its_token(app: App, person: Person, learner: User):
    """SEC-55."""
    told = person.tokens(app)
    path = f"/account/apps/{ClientConsent.objects.get().public_id}/end/"
    assert person.browser.get(path).status_code == 405
    careful = Browser(enforce_csrf_checks=True)
    careful.force_login(learner)
    assert careful.post(path).status_code == 403
    assert opens(told["access_token"])


@pytest.mark.parametrize("below", ["", "receipt.json"])
def test_a_receipt_is_its_learners_alone(app: App, person: Person, below: str):
    """SEC-50, I4: another's and an absent one answer alike."""
    person.tokens(app)
    path = f"/account/apps/{ClientConsent.objects.get().public_id}/{below}"
    assert person.browser.get(path).status_code == 200
    stranger = Person(User.objects.create_user("other@people.example", "seven-lanterns-1894"))
    absent = path.replace(str(ClientConsent.objects.get().public_id), "00000000-0000-4000-8000-000000000000")
    assert stranger.browser.get(path).status_code == stranger.browser.get(absent).status_code == 404


def test_a_stranger_cannot_end_it(app: App, person: Person):
    told = person.tokens(app)
    stranger = Person(User.objects.create_user("other@people.example", "seven-lanterns-1894"))
    assert stranger.browser.post(f"/account/apps/{ClientConsent.objects.get().public_id}/end/").status_code == 404
    assert opens(told["access_token"])


def test_the_receipt_can_be_downloaded_and_says_when_it_ended(app: App, person: Person):
    """PRIV-02."""
    person.tokens(app)
    consent = ClientConsent.objects.get()
    person.browser.post(f"/account/apps/{consent.public_id}/end/")
    response = person.browser.get(f"/account/apps/{consent.public_id}/receipt.json")
    assert response["Content-Disposition"].startswith("attachment")
    told = json.loads(response.content)
    assert told["recipient"]["host"] == "app.example"
    assert told["endedAt"]


def test_the_list_costs_the_same_with_many_apps(person: Person, django_assert_max_num_queries: Any):
    for number in range(2):
        person.tokens(App.registered(f"app{number}.example"))
    person.browser.get("/account/apps/")
    with django_assert_max_num_queries(40) as few:
        person.browser.get("/account/apps/")
    before = len(few)
    for number in range(2, 6):
        person.tokens(App.registered(f"app{number}.example"))
    with django_assert_max_num_queries(before):
        person.browser.get("/account/apps/")


# --- Introspection --------------------------------------------------------------------------------------

OPERATOR = "made-up-token-of-the-operator-0123456789"


def introspected(token: str, authorization: str = f"Bearer {OPERATOR}") -> Any:
    """The answer about a token."""
    headers = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return Browser().post("/o/introspect/", data=f"token={token}", content_type=FORM, **headers)


def test_the_operator_learns_what_a_token_is(app: App, person: Person, settings: Any):
    """Issue, 5; RFC 7662; SEC-45: the audience is named."""
    settings.INTROSPECTION_TOKEN = OPERATOR
    told = person.tokens(app)
    answer = introspected(told["access_token"]).json()
    assert answer["active"] is True
    assert answer["client_id"] == app.client_id
    assert answer["scope"] == told["scope"]
    assert answer["aud"] == ["clr"]
    assert answer["sub"] == str(person.user.public_id)
    assert "people.example" not in json.dumps(answer)
    assert introspected(told["refresh_token"]).json()["token_type"] == "refresh_token"


def test_a_token_for_both_standards_names_both(person: Person, settings: Any):
    """SEC-45."""
    settings.INTROSPECTION_TOKEN = OPERATOR
    both = f"{READ} {BADGES}assertion.readonly"
    told = person.tokens(App.registered(scope=both), asked={"scope": both})
    assert introspected(told["access_token"]).json()["aud"] == ["clr", "badgeconnect"]


@pytest.mark.parametrize("token", ["never-was", "", "x" * 5000])
def test_what_is_no_token_is_not_active(token: str, settings: Any):
    settings.INTROSPECTION_TOKEN = OPERATOR
    assert introspected(token).json() == {"active": False}


def test_ended_tokens_are_not_active(app: App, person: Person, settings: Any):
    settings.INTROSPECTION_TOKEN = OPERATOR
    told = person.tokens(app)
    app.revoke(told["refresh_token"])
    assert introspected(told["access_token"]).json() == {"active": False}
    assert introspected(told["refresh_token"]).json() == {"active": False}


def test_nobody_else_may_ask(app: App, person: Person, settings: Any):
    """A client neither: anybody can register one."""
    told = person.tokens(app)
    for shut in ("", OPERATOR):
        settings.INTROSPECTION_TOKEN = shut
        for sent in ("", "Bearer wrong", "Bearer ", app.basic, f"Bearer {told['access_token']}"):
            answer = introspected(told["access_token"], sent)
            assert answer.status_code == 401
            assert "active" not in answer.json()


# --- RFC 8414 -------------------------------------------------------------------------------------------


def test_the_server_describes_itself():
    """CLR1-AS-12; SEC-58: by the address of the settings, whatever Host was asked."""
    answer = Browser().get("/.well-known/oauth-authorization-server", headers={"Host": "localhost"})
    told = answer.json()
    assert told["issuer"] == "https://portal.example"
    for name in ("authorization", "token", "registration", "revocation", "introspection"):
        assert told[f"{name}_endpoint"].startswith("https://portal.example/o/")
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert told["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert {READ, "offline_access"} <= set(told["scopes_supported"])


def test_what_it_describes_is_there(app: App):
    told = Browser().get("/.well-known/oauth-authorization-server").json()
    for name in ("token", "registration", "revocation", "introspection"):
        path = told[f"{name}_endpoint"].removeprefix("https://portal.example")
        assert Browser().get(path).status_code == 405
    for name in ("op_tos_uri", "op_policy_uri"):
        assert Browser().get(told[name].removeprefix("https://portal.example")).status_code == 200


def test_a_registration_without_the_code_flow_leads_nowhere(person: Person):
    """What was registered and what is described agree."""
    assert registering(metadata(grant_types=["refresh_token"])).status_code == 400
    assert "code" in answered(person.decide(App.registered()))
