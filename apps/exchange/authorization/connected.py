"""Which apps have access to a learner's records, and which had (CLR1-AS-13, BC-P-21)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.exchange.authorization import scopes as offered
from apps.exchange.models import AccessToken, Client, ClientConsent, Grant, RefreshToken
from apps.exchange.models.authorization import ABSOLUTE, IDLE
from apps.issuance import showing
from apps.issuance.models import Record

__all__ = ["IDLE", "Access", "App", "of", "receipt_of"]


@dataclass(frozen=True, slots=True)
class Access:
    """One consent as the list shows it."""

    consent: ClientConsent
    has_access: bool
    meanings: list[offered.Meaning]
    records: list[showing.Shown]


@dataclass(slots=True)
class App:
    """One app with all that one learner ever let it do, newest first."""

    client: Client | None
    host: str
    name: str
    accesses: list[Access] = field(default_factory=list)

    @property
    def has_access(self) -> bool:
        """Whether a token or code of it may still be used."""
        return any(access.has_access for access in self.accesses)

    @property
    def newest(self) -> ClientConsent:
        """Its newest consent."""
        return self.accesses[0].consent

    @property
    def consequences(self) -> list[str]:
        """What ending its access does, for the dialog that asks."""
        return [
            _("It can read or add nothing more, from now on."),
            _("What it has read before it may have kept; ask it to delete that."),
            _("Your records stay as they are. You can let it in again whenever it asks."),
        ]

    @property
    def used_at(self) -> datetime | None:
        """When it last got a token."""
        return max((one.consent.last_used_at for one in self.accesses if one.consent.last_used_at), default=None)


def of(user: Any) -> list[App]:
    """The apps of this learner, those with access first; a constant number of queries."""
    now = timezone.now()
    mine = OuterRef("pk")
    consents = (
        ClientConsent.objects.filter(user=user)
        .select_related("client", "user")
        .prefetch_related(Prefetch("chosen_records", queryset=showing.issued_records(Record.objects.all())))
        .annotate(
            has_token=Exists(AccessToken.objects.filter(consent=mine, expires__gt=now))
            | Exists(
                RefreshToken.objects.filter(
                    consent=mine, revoked=None, created__gt=now - IDLE, began_at__gt=now - ABSOLUTE
                )
            )
            | Exists(Grant.objects.filter(consent=mine, used_at=None, expires__gt=now))
        )
    )
    apps: dict[Any, App] = {}
    for consent in consents:
        key = consent.client_id or consent.client_host
        app = apps.setdefault(key, App(consent.client, consent.client_host, consent.client_name))
        app.accesses.append(_access(consent))
    return sorted(apps.values(), key=lambda app: not app.has_access)


def _access(consent: Any) -> Access:
    return Access(
        consent,
        consent.is_active and consent.has_token,
        [offered.MEANINGS[scope] for scope in consent.scopes if scope in offered.MEANINGS],
        showing.newest_first(_issued(consent.chosen_records.all())),
    )


def _issued(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.is_published]


def receipt_of(consent: ClientConsent) -> dict[str, Any]:
    """The receipt as it was stored, with what became of the consent since."""
    ended = consent.withdrawn_at.isoformat(timespec="seconds") if consent.withdrawn_at else None
    return {**consent.receipt, "endedAt": ended, "ended": str(consent.get_ended_how_display()) or None}
