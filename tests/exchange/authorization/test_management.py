"""A client looks after its registration with a token of its own (RFC 7592, SEC-46, SEC-48)."""

import json
from typing import Any

import pytest
from django.test import Client as Browser

from apps.exchange.models import Client, ClientConsent
from tests.exchange.authorization.flow import CLR, READ, App, Person, metadata, opens

pytestmark = pytest.mark.django_db


def managing(app: App, method: str, document: Any = None, *, token: str | None = None) -> Any:
    """The answer to a request of management."""
    sent = app.management_token if token is None else token
    headers = {"HTTP_AUTHORIZATION": f"Bearer {sent}"} if sent else {}
    body = {} if document is None else {"data": json.dumps(document), "content_type": "application/json"}
    return getattr(Browser(), method)(f"/o/register/{app.client_id}/", **body, **headers)


def updated(app: App, **changed: Any) -> dict[str, Any]:
    """The document of an update: all of it, always."""
    return {**metadata(), "client_id": app.client_id, **changed}


def test_a_client_reads_its_registration(app: App):
    """RFC 7592, 2.1; the secret is not told again, since nobody here knows it."""
    answer = managing(app, "get")
    assert answer.status_code == 200
    told = answer.json()
    assert told["client_name"] == metadata()["client_name"]
    assert told["registration_access_token"] == app.management_token
    assert "client_secret" not in told
    assert "no-store" in answer["Cache-Control"]


def test_an_update_replaces_everything(app: App):
    """RFC 7592, 2.2."""
    answer = managing(app, "put", updated(app, client_name="Renamed", grant_types=["authorization_code"]))
    assert answer.status_code == 200
    assert answer.json()["client_name"] == "Renamed"
    assert app.row.name == "Renamed"
    assert not app.row.may_refresh


def test_the_secret_still_holds_after_an_update(app: App, person: Person):
    managing(app, "put", updated(app, software_version="2"))
    assert person.tokens(app)["access_token"]


@pytest.mark.parametrize("token", ["", "made-up", "x" * 5000])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_without_its_own_token_nobody_manages_it(app: App, method: str, token: str):
    """SEC-46."""
    answer = managing(app, method, updated(app) if method == "put" else None, token=token)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert app.row.name == metadata()["client_name"]


def test_another_clients_token_opens_nothing(app: App):
    other = App.registered("other.example")
    assert managing(app, "get", token=other.management_token).status_code == 401


def test_an_access_token_is_no_management_token(app: App, person: Person):
    """Nor the other way round."""
    assert managing(app, "delete", token=person.tokens(app)["access_token"]).status_code == 401
    assert not opens(app.management_token)


def test_an_unknown_client_answers_like_a_wrong_token(app: App):
    """RFC 7592, 2: who does not know the token learns nothing."""
    answer = Browser().get("/o/register/unknown/", HTTP_AUTHORIZATION=f"Bearer {app.management_token}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "chosen"},
        {"client_secret": 7},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://app.example/"},
        {"client_id_issued_at": 1},
        {"client_secret_expires_at": 1},
        {"client_name": None},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_an_update_cannot_change_what_is_not_the_clients_to_choose(app: App, changed: dict[str, Any]):
    """RFC 7592, 2.2."""
    answer = managing(app, "put", updated(app, **changed))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"
    assert app.row.version == 1


def test_the_right_secret_may_stand_in_an_update(app: App):
    assert managing(app, "put", updated(app, client_secret=app.secret)).status_code == 200


def test_a_registration_stays_with_its_host(app: App):
    """Learners trusted a host."""
    answer = managing(app, "put", {**metadata("other.example"), "client_id": app.client_id})
    assert answer.status_code == 400
    assert app.row.host == "app.example"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_name": "The bank"},
        {"tos_uri": "https://app.example/new-terms"},
        {"policy_uri": "https://app.example/new-policy"},
        {"redirect_uris": ["https://app.example/callback", "https://app.example/other"]},
        {"scope": f"{READ} {CLR}delete offline_access"},
    ],
)
def test_when_what_learners_saw_grows_they_are_asked_again(app: App, person: Person, changed: dict[str, Any]):
    """SEC-48: the refresh token is of no more use, and the consent page says that something changed."""
    told = person.tokens(app)
    assert managing(app, "put", updated(app, **changed)).status_code == 200
    answer = app.refresh(told["refresh_token"])
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert "changed what it says of itself" in person.look(app).content.decode()


@pytest.mark.parametrize("changed", [{"software_version": "9"}, {"scope": f"{READ} offline_access"}])
def test_a_new_version_of_the_software_asks_nobody(app: App, person: Person, changed: dict[str, Any]):
    told = person.tokens(app)
    managing(app, "put", updated(app, **changed))
    assert app.refresh(told["refresh_token"]).status_code == 200


def test_a_scope_given_up_is_gone_from_the_next_token(app: App, person: Person):
    """Scope may shrink."""
    wide = App.registered("wide.example", scope=f"{READ} {CLR}replace offline_access")
    told = person.tokens(wide, asked={"scope": f"{READ} {CLR}replace offline_access"})
    document = {**metadata("wide.example"), "client_id": wide.client_id}
    assert managing(wide, "put", document).status_code == 200
    assert wide.refresh(told["refresh_token"]).json()["scope"] == f"{READ} offline_access"


def test_a_code_that_was_given_before_the_change_is_refused(app: App, person: Person):
    code = person.code(app)
    managing(app, "put", updated(app, client_name="The bank"))
    assert app.exchange(code).json()["error"] == "invalid_grant"


def test_removal_ends_every_token_and_keeps_the_receipt(app: App, person: Person):
    """RFC 7592, 2.3; SEC-44."""
    told = person.tokens(app)
    answer = managing(app, "delete")
    assert answer.status_code == 204
    assert not Client.objects.exists()
    assert not opens(told["access_token"])
    assert app.refresh(told["refresh_token"]).status_code == 401
    consent = ClientConsent.objects.get()
    assert consent.ended_how == ClientConsent.Ended.REMOVED
    assert consent.receipt["recipient"]["host"] == "app.example"
    assert managing(app, "get").status_code == 401


def test_management_counts_as_trying(app: App):
    """SEC-59: nobody guesses tokens for long."""
    answers = [managing(app, "get", token="guess") for _ in range(61)]
    assert answers[-1].status_code == 429
