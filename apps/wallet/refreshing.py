"""Checking what is in wallets again, on a schedule: a thing may have been revoked or expired since.

What connections brought is checked by them, with what their providers say; this is for the rest.
"""

import time
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.verify.sources import Fetcher
from apps.wallet import intake
from apps.wallet.models import Receipt, WalletItem

EVERY = timedelta(days=1)
MOST_AT_ONCE = 50
"""How many things one run checks; the others wait for the next, which begins a minute later."""
SECONDS = 45.0


def due(now: datetime | None = None) -> QuerySet[WalletItem]:
    """What is to be checked again, that which was not for longest first."""
    before = (now or timezone.now()) - EVERY
    found = WalletItem.objects.kept().exclude(state=WalletItem.State.SUPERSEDED).filter(checked_at__lt=before)
    brought = Receipt.objects.filter(source=Receipt.Source.CONNECTION).values("item")
    return found.exclude(pk__in=brought).order_by("checked_at", "pk")


def check_due(*, fetcher: Fetcher | None = None, now: datetime | None = None) -> int:
    """Check what is due, as far as one run goes; gives how many were checked."""
    begin, done = time.monotonic(), 0
    for item in due(now).select_related("learner")[:MOST_AT_ONCE]:
        own = fetcher or GuardedFetcher.from_settings(Budget.in_a_job())
        intake.check_again(item, fetcher=own, now=now)
        done += 1
        if time.monotonic() - begin > SECONDS:
            break
    return done
