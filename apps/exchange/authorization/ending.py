"""Ending access: by the learner, by the client, with a password, by time. It holds from the next request (PRIV-02)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.exchange.models import AccessToken, Client, ClientConsent, Grant, RefreshToken
from apps.exchange.models.authorization import ABSOLUTE
from apps.institution import audit

KEPT = timedelta(days=1)
"""How long codes and tokens that are over are kept, so that a second use is recognised."""


def end(consents: Iterable[ClientConsent], how: str, *, by: Any = None) -> int:
    """Ends these consents with every code and token that came of them; gives how many held until now."""
    ids = [consent.pk for consent in consents]
    with transaction.atomic():
        held = list(ClientConsent.objects.select_for_update().filter(pk__in=ids, withdrawn_at=None))
        now = timezone.now()
        ClientConsent.objects.filter(pk__in=[consent.pk for consent in held]).update(withdrawn_at=now, ended_how=how)
        # SEC-44: refresh tokens stay as revoked, so that one that comes again is recognised.
        RefreshToken.objects.filter(consent__in=ids, revoked=None).update(revoked=now, access_token=None)
        AccessToken.objects.filter(consent__in=ids).delete()
        Grant.objects.filter(consent__in=ids, used_at=None).update(used_at=now)
        audit.record_many([audit.act("consent.ended", consent, by, how=str(how)) for consent in held])
    return len(held)


def withdraw(consents: Iterable[ClientConsent], *, by: Any) -> int:
    """The learner ends access (SEC-48)."""
    return end(consents, ClientConsent.Ended.WITHDRAWN, by=by)


def end_with_password(user: Any) -> int:
    """All access of others ends when a password changes (SEC-44)."""
    return end(ClientConsent.objects.filter(user=user, withdrawn_at=None), ClientConsent.Ended.PASSWORD)


def remove(client: Client, *, by: Any = None) -> None:
    """Removes a registration with all its tokens; what learners consented to stays as their receipt."""
    with transaction.atomic():
        end(ClientConsent.objects.filter(client=client, withdrawn_at=None), ClientConsent.Ended.REMOVED, by=by)
        audit.record("client.removed", client, by)
        client.delete()


def sweep() -> dict[str, int]:
    """Removes what is over: registrations never used in 90 days (SEC-46), codes and tokens past all use."""
    now = timezone.now()
    unused = list(Client.objects.unused())
    for client in unused:
        remove(client)
    codes, _rows = Grant.objects.filter(expires__lt=now - KEPT).delete()
    access, _rows = AccessToken.objects.filter(expires__lt=now - KEPT).delete()
    refresh, _rows = RefreshToken.objects.filter(
        Q(began_at__lt=now - ABSOLUTE - KEPT) | Q(revoked__lt=now - ABSOLUTE)
    ).delete()
    return {"clients": len(unused), "codes": codes, "access_tokens": access, "refresh_tokens": refresh}
