"""What every test of exchange may ask for."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from apps.exchange.models import AccessToken, Client
from apps.issuance.models import Record
from apps.network.counting import Counters, MemoryStore
from apps.network.fetching import Budget, GuardedFetcher
from tests.exchange import clients

GrantToken = Callable[..., tuple[str, AccessToken]]


@pytest.fixture
def grant_token(db: None) -> GrantToken:
    """`grant_token(learner_user, *scopes, records=None)` → (token text, AccessToken): access that a learner gave.

    Without `records` the consent covers all of them; `client=` names the program, else one of a host of its own.
    """

    def grant(
        learner_user: Any, *scopes: str, records: Iterable[Record] | None = None, client: Client | None = None
    ) -> tuple[str, AccessToken]:
        if client is None:
            client = Client.objects.filter(host="wallet.example").first() or clients.registered()
        return clients.token_of(clients.consented(learner_user, client, *scopes, records=records))

    return grant


@pytest.fixture
def fetcher(settings: Any) -> Callable[[], GuardedFetcher]:
    """Makes fetchers with the operator's exceptions of the moment and counters of their own."""

    def make() -> GuardedFetcher:
        return GuardedFetcher(
            Budget.in_a_job(),
            allow=settings.FETCH_ALLOW,
            own_base=settings.BASE_URL,
            counters=Counters(MemoryStore()),
        )

    return make
