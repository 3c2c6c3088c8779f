"""What this room holds of a learner: part of the copy of one's data, and what goes when a learner is erased."""

from collections.abc import Iterator
from uuid import UUID

from apps.exchange.models import (
    AccessToken,
    ClientConsent,
    Connection,
    Grant,
    IntakeRequest,
    RefreshToken,
    Sending,
)
from apps.institution import erasing
from apps.learners.models import Learner
from apps.wallet import owning


@owning.part("connections")
def connections(learner: Learner) -> Iterator[tuple[str, bytes]]:
    """Providers that the learner connected, and what was sent there; no secret is in it."""
    sent: dict[int, list[dict[str, object]]] = {}
    for row in Sending.objects.filter(connection__learner=learner).order_by("pk"):
        sent.setdefault(row.connection_id, []).append(
            {"title": row.title, "id": row.object_id, "state": row.state, "at": row.ended_at or row.created_at}
        )
    yield (
        "connections.json",
        owning.as_json(
            [
                {
                    "provider": each.provider.name,
                    "address": each.provider.base,
                    "state": each.state,
                    "scope": each.scope,
                    "connectedOn": each.created_at,
                    "lookedAt": each.looked_at,
                    "received": each.received,
                    "sent": sent.get(each.pk, []),
                }
                for each in Connection.objects.filter(learner=learner).select_related("provider").order_by("pk")
            ]
        ),
    )


@owning.part("apps")
def apps(learner: Learner) -> Iterator[tuple[str, bytes]]:
    """Apps that the learner gave access to, ended ones included, with the receipts (PRIV-02)."""
    given = ClientConsent.objects.filter(user=learner.user_id).order_by("pk") if learner.user_id else ()
    yield (
        "apps.json",
        owning.as_json(
            [
                {
                    "id": each.public_id,
                    "app": each.client_name,
                    "host": each.client_host,
                    "scope": each.scope,
                    "grantedAt": each.granted_at,
                    "lastUsedAt": each.last_used_at,
                    "endedAt": each.withdrawn_at,
                    "endedHow": each.ended_how,
                    "receipt": each.receipt,
                }
                for each in given
            ]
        ),
    )


def erase(learner_id: UUID, records: bool) -> int:
    """Connections with their tokens, access of apps, consents, requests of offices (PRIV-05)."""
    learner = Learner.objects.filter(public_id=learner_id).first()
    if learner is None:
        return 0
    gone = Connection.objects.filter(learner=learner).delete()[0]
    gone += IntakeRequest.objects.filter(learner=learner).delete()[0]
    if learner.user_id is not None:
        gone += RefreshToken.objects.filter(user=learner.user_id).delete()[0]
        gone += AccessToken.objects.filter(user=learner.user_id).delete()[0]
        gone += Grant.objects.filter(user=learner.user_id).delete()[0]
        gone += ClientConsent.objects.filter(user=learner.user_id).delete()[0]
    return gone


def register() -> None:
    """Names the eraser."""
    erasing.register("exchange", erase)
