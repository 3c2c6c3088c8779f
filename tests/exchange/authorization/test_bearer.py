"""Who calls an API with a token (SEC-45)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.exchange.authorization import bearer
from apps.exchange.authorization.scopes import ASSERTION_READONLY, CLR_READONLY, CLR_REPLACE
from apps.exchange.models import ClientConsent
from tests.exchange.clients import registered
from tests.exchange.conftest import GrantToken

pytestmark = pytest.mark.django_db


class Door(APIView):
    """An API that wants to read."""

    authentication_classes = [bearer.Bearer]
    permission_classes = [bearer.scopes(CLR_READONLY)]

    def get(self, request: Any) -> Response:
        return Response({"user": request.user.pk, "consent": request.auth.consent.pk})


def asked(token: str | None = None, path: str = "/", **headers: str) -> Response:
    """The answer to a request with this token."""
    if token is not None:
        headers["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return Door.as_view()(APIRequestFactory().get(path, **headers))


@pytest.fixture
def learner(db: None) -> User:
    return User.objects.create_user("learner@people.example", "seven-lanterns-1894")


def test_a_token_gives_its_learner_and_its_consent(learner: User, grant_token: GrantToken):
    text, row = grant_token(learner, CLR_READONLY)
    assert asked(text).data == {"user": learner.pk, "consent": row.consent.pk}


def test_the_word_bearer_may_have_any_case(learner: User, grant_token: GrantToken):
    """RFC 7235."""
    text, _row = grant_token(learner, CLR_READONLY)
    assert asked(HTTP_AUTHORIZATION=f"bearer {text}").status_code == 200


def test_without_a_token_the_answer_is_401_and_names_no_error():
    """RFC 6750, 3.1."""
    response = asked()
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="clrportal"'


@pytest.mark.parametrize("sent", ["", "x", "a b", "ü" * 20, "x" * 5000, "a\x00b" * 10, "Bearer " + "x" * 43])
def test_a_made_up_token_is_invalid(sent: str):
    response = asked(sent)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_other_schemes_are_no_tokens():
    assert asked(HTTP_AUTHORIZATION="Basic eDp5").status_code == 401


def test_a_token_in_the_address_counts_for_nothing(learner: User, grant_token: GrantToken):
    """SEC-45: header only."""
    text, _row = grant_token(learner, CLR_READONLY)
    assert asked(path=f"/?access_token={text}").status_code == 401


def test_an_expired_token_is_invalid(learner: User, grant_token: GrantToken):
    text, row = grant_token(learner, CLR_READONLY)
    row.expires = timezone.now() - timedelta(seconds=1)
    row.save()
    assert asked(text).status_code == 401


def test_another_scope_is_not_enough(learner: User, grant_token: GrantToken):
    """No scope implies another; a token of Badge Connect opens no CLR (SEC-45)."""
    text, _row = grant_token(learner, CLR_REPLACE, ASSERTION_READONLY)
    response = asked(text)
    assert response.status_code == 403
    assert response.data["detail"].code == "insufficient_scope"


def test_a_withdrawn_consent_ends_the_token_at_the_next_request(learner: User, grant_token: GrantToken):
    """PRIV-02."""
    text, row = grant_token(learner, CLR_READONLY)
    ClientConsent.objects.filter(pk=row.consent.pk).update(withdrawn_at=timezone.now())
    assert asked(text).status_code == 401


def test_a_token_ends_with_its_client(learner: User, grant_token: GrantToken):
    """SEC-44."""
    client = registered("gone.example")
    text, _row = grant_token(learner, CLR_READONLY, client=client)
    client.delete()
    assert asked(text).status_code == 401


def test_a_person_who_may_not_sign_in_has_no_tokens(learner: User, grant_token: GrantToken):
    text, _row = grant_token(learner, CLR_READONLY)
    learner.is_active = False
    learner.save()
    assert asked(text).status_code == 401


def test_only_the_digest_of_a_token_is_stored(learner: User, grant_token: GrantToken):
    """SEC-43."""
    text, row = grant_token(learner, CLR_READONLY)
    row.refresh_from_db()
    assert row.token == ""
    assert text not in row.token_checksum
