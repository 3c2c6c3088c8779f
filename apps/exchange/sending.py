"""Badges on their way to other hosts: what the learner chose, or lets go by itself, with history and retry.

A row of `Sending` is the truth about each badge and host; a job delivers what is due (BC-C-12 to C-14). The same
badge to the same host is one row: sent again, it is the same history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.exchange import connecting, speaking
from apps.exchange.authorization.scopes import PROFILE_READONLY
from apps.exchange.badgeconnect import client, holdings
from apps.exchange.models import Connection, Provider, Sending
from apps.issuance.badges import badges_of
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import Badge
from apps.jobs.models import Job
from apps.jobs.running import DISPATCHERS, Progress, kind, start
from apps.learners.models import Learner
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.ob2 import connect
from apps.wallet.models import WalletItem

DELIVER = "exchange-deliver"
WAIT = timedelta(minutes=30)
"""How long a host that did not say is left alone after a failure (B9)."""
TRIES = 3
AT_ONCE = 200
BUSY_WAIT = timedelta(minutes=1)
ISSUED, KEPT = Badge._meta.label_lower, WalletItem._meta.label_lower
State = Sending.State


@dataclass(frozen=True, slots=True)
class Choice:
    """A badge that can be sent: what it is, and its name for its owner."""

    object_type: str
    object_id: UUID
    title: str

    @property
    def value(self) -> str:
        """As a form names it."""
        return f"{self.object_type}:{self.object_id}"


# --- What can be sent -----------------------------------------------------------------------------


def choices(learner: Learner) -> list[Choice]:
    """The learner's badges, issued here or kept in the wallet, the newest change first."""
    own = [_issued(badge) for badge in badges_of(learner).select_related("assertion__achievement")]
    kept = holdings.wallet_badges(learner).order_by("-changed_at", "-pk")
    return own + [
        Choice(KEPT, item.public_id, item.title or str(_("Badge without a title"))) for item in kept[:AT_ONCE]
    ]


def _issued(badge: Badge) -> Choice:
    return Choice(ISSUED, badge.public_id, badge.assertion.achievement.name)


# --- Queueing -------------------------------------------------------------------------------------


def queue(connection: Connection, chosen: Iterable[Choice], *, by: Any = None) -> list[Sending]:
    """Notes that badges are to be sent and wakes a worker; one that is on its way already is not doubled."""
    now = timezone.now()
    found = []
    with transaction.atomic():
        for choice in chosen:
            sending, is_new = Sending.objects.get_or_create(
                connection=connection,
                object_type=choice.object_type,
                object_id=choice.object_id,
                defaults={"title": choice.title, "due_at": now},
            )
            if not is_new and sending.state != State.QUEUED:
                Sending.objects.filter(pk=sending.pk).update(
                    state=State.QUEUED, reason="", attempts=0, due_at=now, created_at=now, ended_at=None
                )
            found.append(sending)
        if found:
            _wake(connection, by)
    return found


def _wake(connection: Connection, by: Any = None) -> Job:
    title = _("Send badges to %(provider)s") % {"provider": connection.provider.host}
    return start(DELIVER, title, arguments={"connection": str(connection.public_id)}, user=by)


def queue_new() -> None:
    """Queues badges issued here since their learner let them go to a host by themselves: a whole batch, too."""
    for connection in _with_new_badges():
        noted = Sending.objects.filter(connection=connection, object_type=ISSUED, object_id=OuterRef("public_id"))
        fresh = badges_of(connection.learner).filter(created_at__gte=connection.sends_new_since)
        new = fresh.filter(~Exists(noted)).select_related("assertion__achievement")[:AT_ONCE]
        queue(connection, [_issued(badge) for badge in new])


def _with_new_badges() -> Sequence[Connection]:
    """Connections whose learner agreed and has a badge that was not noted for it yet."""
    noted = Sending.objects.filter(
        connection=OuterRef(OuterRef("pk")), object_type=ISSUED, object_id=OuterRef("public_id")
    )
    fresh = Badge.objects.standing().filter(
        ~Exists(noted),
        assertion__learner=OuterRef("learner"),
        created_at__gte=OuterRef("sends_new_since"),
    )
    agreed = Connection.objects.filter(
        Exists(fresh),
        provider__protocol=Provider.Protocol.BADGES,
        state=Connection.State.CONNECTED,
        sends_new_since__isnull=False,
    )
    return list(agreed.select_related("provider", "learner")[:50])


def deliver_where_due() -> None:
    """Queues a delivery for each connection that has something due; called every 15 seconds (REL-06)."""
    queue_new()
    now = timezone.now()
    due = Sending.objects.due(now).filter(connection=OuterRef("pk"))
    waiting = Job.objects.filter(kind=DELIVER, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    under_way = {str(each.get("connection")) for each in waiting.values_list("arguments", flat=True)}
    for connection in Connection.objects.filter(Exists(due)).select_related("provider")[:50]:
        if str(connection.public_id) not in under_way:
            _wake(connection)


if deliver_where_due not in DISPATCHERS:
    DISPATCHERS.append(deliver_where_due)


def let_go(connection: Connection, wanted: bool) -> None:
    """The learner lets badges that are earned from now on go to the host by themselves, or no longer."""
    since = timezone.now() if wanted else None
    Connection.objects.filter(pk=connection.pk).update(sends_new_since=since)
    connection.sends_new_since = since


# --- Delivering -----------------------------------------------------------------------------------


@kind(DELIVER)
def _deliver(job: Job, progress: Progress) -> None:
    connection = (
        Connection.objects.select_related("provider", "learner__user")
        .filter(public_id=str(job.arguments["connection"]))
        .first()
    )
    if connection is None:
        return
    due = list(Sending.objects.due(timezone.now()).filter(connection=connection).order_by("due_at", "pk")[:AT_ONCE])
    progress.update(total=len(due))
    sent = failed = 0
    for sending in due:
        if deliver(connection, sending):
            sent += 1
        else:
            failed += 1
        progress.update(done=sent, failed=failed)


def deliver(connection: Connection, sending: Sending) -> bool:
    """Sends one badge now and notes what became of it; whether the host took it. Never raises for its faults."""
    speaker = GuardedFetcher.from_settings(Budget.in_a_job())
    about = _object(connection, sending)
    content = _content(about)
    if about is None or content is None:
        _end(sending, State.FAILED, _("This badge is no longer here, or no longer holds."))
        return False
    if client.WRITE not in connection.scopes:
        _end(sending, State.REFUSED, _("You have not allowed sending badges to this provider."))
        return False

    def post(mine: Connection, token: str) -> None:
        base = mine.provider.base
        if PROFILE_READONLY in mine.scopes and not connect.is_made_out_to(  # BC-C-13
            content, client.identifiers(speaker, base, token)
        ):
            raise client.NotAccepted(
                _("This badge is made out to an address that the provider does not know as yours. Add it there first.")
            )
        client.post(speaker, base, token, content=content)

    try:
        connecting.with_access(connection, post, speaker)
    except speaking.AskedEnough as fault:
        _try_again(sending, str(fault), timezone.now() + BUSY_WAIT, counts=False)
    except client.NotAccepted as fault:
        _end(sending, State.REFUSED, str(fault))
    except speaking.ConsentEnded as fault:
        _end(sending, State.FAILED, str(fault))
    except speaking.ProviderFault as fault:
        wait = WAIT
        if isinstance(fault, speaking.ProviderDown) and fault.retry_after is not None:
            wait = timedelta(seconds=max(fault.retry_after, 1))
        _try_again(sending, str(fault), timezone.now() + wait)
    else:
        connecting.note_sent(connection, about, connection.learner.user, outcome="new")
        _end(sending, State.SENT, "")
        return True
    return False


def _object(connection: Connection, sending: Sending) -> Badge | WalletItem | None:
    """What is to be sent, if it is still the learner's and still holds."""
    if sending.object_type == ISSUED:
        return badges_of(connection.learner).filter(public_id=sending.object_id).first()
    return holdings.wallet_badges(connection.learner).filter(public_id=sending.object_id).first()


def _content(about: Badge | WalletItem | None) -> bytes | None:
    if about is None:
        return None
    if isinstance(about, WalletItem):
        return holdings.text_of_item(about)
    try:
        return holdings.text_of_badge(about)
    except DocumentDamaged:
        return None


def _end(sending: Sending, state: str, reason: str) -> None:
    Sending.objects.filter(pk=sending.pk).update(
        state=state, reason=reason, attempts=F("attempts") + 1, ended_at=timezone.now()
    )


def _try_again(sending: Sending, reason: str, at: datetime, *, counts: bool = True) -> None:
    """Later, or given up after the third time (BC-C-14)."""
    if counts and sending.attempts + 1 >= TRIES:
        _end(sending, State.FAILED, reason)
        return
    Sending.objects.filter(pk=sending.pk).update(
        reason=reason, due_at=at, attempts=F("attempts") + (1 if counts else 0)
    )
