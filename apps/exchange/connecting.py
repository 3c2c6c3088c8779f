"""Connections to other providers: making them, reading through them in the background, ending them.

A connection is in one of three states: connected, needs consent again, provider down. Whatever a provider gives goes
through `wallet.intake`, which judges it; nothing is believed because it came through a connection (CLR1-C-08).
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.exchange import authorizing, providers, speaking
from apps.exchange.authorizing import Attempt, Registration, Tokens
from apps.exchange.badgeconnect import client as badgeconnect
from apps.exchange.clr1 import client as clr1
from apps.exchange.models import Connection, IntakeRequest, Provider
from apps.exchange.models.connections import keep_secret, open_secret
from apps.exchange.speaking import ProviderFault, Speaker
from apps.institution import audit, branding
from apps.institution.models import Disclosure
from apps.jobs.models import Job
from apps.jobs.running import DISPATCHERS, LeaseLost, Progress, kind, start
from apps.learners.models import Learner
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.verify.sources import Fetcher
from apps.wallet import intake
from apps.wallet.models import Receipt, WalletItem

Given = TypeVar("Given")
SOURCE = Receipt.Source.CONNECTION
LOOK = "exchange-look"
LOOK_EVERY = timedelta(hours=12)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720, 1440))
"""How long a provider that is down is left alone, after one failure, two, and so on."""
OVERLAP = timedelta(minutes=2)
"""`since` reaches back a little: clocks differ, and a record may be stored a moment after its date."""
BUSY = timedelta(minutes=10)
WORK_SECONDS = 150.0
"""How long one look may take; what is left waits for the next, which begins a minute later."""
CHECKED_AGAIN = 100
"""So many earlier records are judged once more in one look, those first that were not for longest."""
ATTEMPT_LASTS = timedelta(minutes=20)
CLIENTS: dict[str, providers.Client] = {Provider.Protocol.CLR1: clr1, Provider.Protocol.BADGES: badgeconnect}
"""How each protocol is spoken."""


# --- The provider and our registration there ------------------------------------------------------


def waiting_fetcher() -> GuardedFetcher:
    """The fetcher while somebody waits."""
    return GuardedFetcher.from_settings(Budget.somebody_waits())


class _OfThisLook:
    """A cache that lives as long as one look: what a provider says of revocation is asked anew each time."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """What was kept under the key, if anything."""
        return self._kept.get(key)

    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        """Keeps a value; a look is shorter than any lifetime that matters."""
        self._kept[key] = value


def client_of(provider: Provider) -> providers.Client:
    """How this provider is spoken with."""
    return CLIENTS[provider.protocol]


def find(address: str, *, protocol: str = Provider.Protocol.CLR1, speaker: Speaker | None = None) -> providers.Provider:
    """The provider of this protocol behind an address that a person gave. Raises `ProviderFault`."""
    return CLIENTS[protocol].discover(speaker or waiting_fetcher(), address)


def endpoints_digest(found: providers.Provider) -> str:
    """What a registration holds for: were an endpoint to change, no secret would follow it (SEC-47)."""
    parts = (found.base, found.authorization_url, found.registration_url, found.token_url)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def prepare(
    found: providers.Provider, *, protocol: str = Provider.Protocol.CLR1, speaker: Speaker | None = None
) -> Provider:
    """The stored provider, with this portal registered there (once for all learners). Raises `ProviderFault`."""
    described = {
        "name": found.name[:255],
        "authorization_url": found.authorization_url,
        "registration_url": found.registration_url,
        "token_url": found.token_url,
        "revocation_url": found.metadata.revocation_url,
        "issuer": found.metadata.issuer,
        "sends_issuer": found.metadata.sends_issuer,
        "terms_url": found.terms_url,
        "privacy_url": found.privacy_url,
    }
    provider, _made = Provider.objects.get_or_create(
        protocol=protocol,
        base=found.base,
        endpoints_digest=endpoints_digest(found),
        defaults={**described, "way_back": secrets.token_urlsafe(24)},
    )
    Provider.objects.filter(pk=provider.pk).update(**described)
    provider.refresh_from_db()
    expired = provider.secret_expires_at is not None and provider.secret_expires_at <= timezone.now()
    if not provider.client_id or expired:
        _register(provider, found.scopes, speaker or waiting_fetcher())
    return provider


def _register(provider: Provider, offered: Iterable[str], speaker: Speaker) -> None:
    brand = branding.current_brand()
    scopes = [scope for scope in client_of(provider).SCOPES if scope in set(offered)]
    request = authorizing.registration_request(
        base_url=settings.BASE_URL,
        name=brand.name,
        logo_url=settings.BASE_URL + (brand.logo or "/static/portal/icon.svg"),
        redirect_uri=provider.redirect_uri,
        scopes=[*scopes, authorizing.OFFLINE_ACCESS],
        version=_version(),
    )
    made = authorizing.register(speaker, provider.registration_url, request)
    provider.client_id, provider.registered_scope = made.client_id, made.scope
    provider.management_url = made.management_url
    expires = made.secret_expires_at
    provider.secret_expires_at = datetime.fromtimestamp(expires, UTC) if 0 < expires < 32_503_680_000 else None
    keep_secret(provider, "client_secret_sealed", made.client_secret)
    keep_secret(provider, "management_token_sealed", made.management_token)
    with transaction.atomic():
        provider.save()
        audit.record("provider.registered", provider, None)


def _version() -> str:
    try:
        return version("clrportal")
    except PackageNotFoundError:
        return "0.1.0"


def registration_of(provider: Provider) -> Registration:
    """Our registration, its secrets opened."""
    return Registration(
        client_id=provider.client_id,
        client_secret=open_secret(provider, "client_secret_sealed"),
        scope=provider.registered_scope,
        management_url=provider.management_url,
        management_token=open_secret(provider, "management_token_sealed"),
    )


# --- To consent and back -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the learner's browser is sent, and what its session must remember for the return."""

    address: str
    memory: dict[str, Any]


def depart(provider: Provider, learner: Learner, *, may_send: bool = False, request_id: str = "") -> Departure:
    """The way to consent at a provider: reading always, sending only where the learner wants it.

    What the session keeps is bound to this provider by the way back that only it was given (SEC-47).
    """
    registered = set(provider.registered_scope.split())
    client = client_of(provider)
    wanted = [client.READ, *((each for each in client.SCOPES if each != client.READ) if may_send else ())]
    wanted.append(authorizing.OFFLINE_ACCESS)
    scopes = [scope for scope in wanted if scope in registered or not registered]
    Provider.objects.filter(pk=provider.pk).update(last_departure_at=timezone.now())
    attempt = Attempt.new()
    address = authorizing.authorization_address(
        provider.authorization_url,
        client_id=provider.client_id,
        redirect_uri=provider.redirect_uri,
        scopes=scopes,
        attempt=attempt,
    )
    memory = {
        "state": attempt.state,
        "verifier": attempt.verifier,
        "scopes": scopes,
        "learner": str(learner.public_id),
        "request": request_id,
        "at": int(time.time()),
    }
    return Departure(address, memory)


def arrive(
    provider: Provider,
    learner: Learner,
    memory: Mapping[str, Any] | None,
    answer: Mapping[str, str],
    *,
    speaker: Speaker | None = None,
) -> Connection:
    """The connection after a return from consent; the first look is queued with it.

    `memory` is what the session kept for this very provider, taken out of it before, so that it serves once. Raises
    `authorizing.WrongReturn`, `authorizing.NotConsented` or `ProviderFault`.
    """
    attempt = None
    if (
        memory is not None
        and memory.get("learner") == str(learner.public_id)
        and 0 <= time.time() - memory.get("at", 0) <= ATTEMPT_LASTS.total_seconds()
    ):
        attempt = Attempt(str(memory["state"]), str(memory["verifier"]))
    code = authorizing.code_of(
        answer,
        attempt,
        issuer=provider.issuer,
        sends_issuer=provider.sends_issuer,
        authorization_url=provider.authorization_url,
    )
    assert attempt is not None and memory is not None  # else `code_of` refused
    tokens = authorizing.redeem(
        speaker or waiting_fetcher(),
        provider.token_url,
        registration_of(provider),
        code=code,
        redirect_uri=provider.redirect_uri,
        verifier=attempt.verifier,
        scopes=memory["scopes"],
        with_scope=provider.protocol == Provider.Protocol.BADGES,  # BC-C-07: five fields
    )
    client = client_of(provider)
    if client.READ not in tokens.scopes and (
        provider.protocol == Provider.Protocol.CLR1 or client.WRITE not in tokens.scopes
    ):
        raise authorizing.NotConsented(_("You did not allow reading there, so nothing was connected."))
    with transaction.atomic():
        connection = _connected(provider, learner)
        _keep_tokens(connection, tokens)
        connection.state, connection.reason, connection.failures = Connection.State.CONNECTED, "", 0
        connection.save()
        _answer_intake(connection, str(memory.get("request", "")))
        audit.record("connection.made", connection, learner.user, provider=str(provider.public_id))
        ask_to_look(connection)
    return connection


def _connected(provider: Provider, learner: Learner) -> Connection:
    """The learner's connection at this provider, new or known, for this transaction alone."""
    try:
        with transaction.atomic():
            return Connection.objects.create(provider=provider, learner=learner)
    except IntegrityError:
        return Connection.objects.select_for_update().get(provider=provider, learner=learner)


def _keep_tokens(connection: Connection, tokens: Tokens) -> None:
    keep_secret(connection, "access_sealed", tokens.access)
    if tokens.refresh:  # where none came the old one goes on (section 7.5)
        keep_secret(connection, "refresh_sealed", tokens.refresh)
    connection.access_ends_at = timezone.now() + timedelta(seconds=tokens.lasts)
    connection.scope = " ".join(sorted(tokens.scopes))


# --- Access ---------------------------------------------------------------------------------------


def access_token(connection: Connection, speaker: Speaker, *, anew: bool = False) -> str:
    """A token that is good now; one that has ended, or was refused, is refreshed first (CLR1-C-05).

    Raises `ConsentEnded` where that is not possible, or another `ProviderFault`.
    """
    ends = connection.access_ends_at
    if not anew and ends is not None and ends > timezone.now() + timedelta(seconds=30):
        return open_secret(connection, "access_sealed")
    refresh_token = open_secret(connection, "refresh_sealed")
    if not refresh_token:
        raise speaking.ConsentEnded(_("What you allowed at the provider has run out."))
    tokens = authorizing.refresh(
        speaker,
        connection.provider.token_url,
        registration_of(connection.provider),
        refresh_token=refresh_token,
        scopes=connection.scopes,
    )
    _keep_tokens(connection, tokens)
    fields = ("access_sealed", "refresh_sealed", "access_ends_at", "scope")
    kept = {name: getattr(connection, name) for name in fields}
    if not Connection.objects.filter(pk=connection.pk).update(**kept):  # at once: the old one is worth nothing now
        _end_tokens(connection.provider, [(tokens.refresh, "refresh_token"), (tokens.access, "access_token")], speaker)
        raise speaking.ConsentEnded(_("This connection was ended."))
    return tokens.access


def _end_tokens(provider: Provider, tokens: Iterable[tuple[str, str]], speaker: Speaker) -> bool:
    """Revokes tokens at the provider; whether it took all of them."""
    registration = registration_of(provider)
    taken = [
        authorizing.revoke(speaker, provider.revocation_url, registration, token, hint)
        for token, hint in tokens
        if token
    ]
    return all(taken)


# --- Looking ----------------------------------------------------------------------------------------


def ask_to_look(connection: Connection, *, by: Any = None) -> Job:
    """Queues a look at what the provider has."""
    Connection.objects.filter(pk=connection.pk).update(next_look_at=timezone.now() + BUSY)
    title = _("Look for records at %(provider)s") % {"provider": connection.provider.host}
    return start(LOOK, title, arguments={"connection": str(connection.public_id)}, user=by)


def look_where_due() -> None:
    """Queues a look for each connection that is due; called every 15 seconds by the dispatcher (REL-06)."""
    for connection in Connection.objects.due(timezone.now()).select_related("provider")[:50]:
        ask_to_look(connection)


if look_where_due not in DISPATCHERS:
    DISPATCHERS.append(look_where_due)


@kind(LOOK)
def _look(job: Job, progress: Progress) -> None:
    connection = _claimed(str(job.arguments["connection"]))
    if connection is not None:
        look(connection, progress=progress)


def _claimed(public_id: str) -> Connection | None:
    """The connection for this worker alone; None where it is gone, another is at it, or consent is missing."""
    now = timezone.now()
    free = Q(busy_until__isnull=True) | Q(busy_until__lt=now)
    mine = Connection.objects.filter(free, public_id=public_id).exclude(state=Connection.State.CONSENT)
    if not mine.update(busy_until=now + BUSY, fence=F("fence") + 1):
        return None
    return Connection.objects.select_related("provider", "learner").filter(public_id=public_id).first()


def look(connection: Connection, *, progress: Progress | None = None) -> None:
    """Reads what is new at the provider and judges again what came earlier; leaves the connection in its state.

    Never raises for the provider's faults: they are the state, its reason, and when the next look is.
    """
    now = timezone.now()
    ended = {"busy_until": None, "looked_at": now, "reason": "", "state": Connection.State.CONNECTED, "failures": 0}
    try:
        is_whole = _Look(connection, progress).run()
        ended["next_look_at"] = now + (LOOK_EVERY if is_whole else timedelta(minutes=1))
    except speaking.AskedEnough:
        ended = {"busy_until": None, "next_look_at": now + timedelta(minutes=1)}
    except speaking.ConsentEnded as fault:
        ended |= {"state": Connection.State.CONSENT, "reason": str(fault)}
        ended |= {"access_sealed": None, "refresh_sealed": None, "access_ends_at": None}  # worth nothing any more
    except ProviderFault as fault:
        wait = BACKOFF[min(connection.failures, len(BACKOFF) - 1)]
        if isinstance(fault, speaking.ProviderDown) and fault.retry_after is not None:
            wait = max(timedelta(seconds=fault.retry_after), timedelta(minutes=1))
        ended |= {"state": Connection.State.DOWN, "reason": str(fault), "next_look_at": now + wait}
        ended["failures"] = min(connection.failures + 1, 1_000)
    mine = Connection.objects.filter(pk=connection.pk, fence=connection.fence)
    with transaction.atomic():
        if mine.update(**ended) and ended.get("state", connection.state) != connection.state:
            audit.record("connection.changed", connection, None, state=str(ended["state"]))


class _Look:
    """One look: its clock, its cache, and the token that may have to be renewed on the way."""

    def __init__(self, connection: Connection, progress: Progress | None) -> None:
        self._connection = connection
        self._progress = progress
        self._began = timezone.now()
        self._end = time.monotonic() + WORK_SECONDS
        self._cache = _OfThisLook()
        self._renewed = False
        self._token = ""
        self._seen: set[int] = set()

    def run(self) -> bool:
        """Whether everything was looked at."""
        self._token = access_token(self._connection, self._speaker())
        try:
            is_whole = self._read()
        except speaking.ConsentEnded:
            if self._renewed:
                raise
            self._renewed = True
            self._token = access_token(self._connection, self._speaker(), anew=True)
            is_whole = self._read()
        return self._judge_again() and is_whole

    def _speaker(self) -> GuardedFetcher:
        return GuardedFetcher(
            Budget.in_a_job(), allow=settings.FETCH_ALLOW, own_base=settings.BASE_URL, cache=self._cache
        )

    def _read(self) -> bool:
        connection = self._connection
        client = client_of(connection.provider)
        if client.READ not in connection.scopes:
            return True  # the learner lets this portal send there, and nothing else
        since = connection.seen_until - OVERLAP if connection.seen_until and not connection.resume else None
        # One budget a page: what a page needs is bounded by the fetcher, how many there are by the client.
        pages = client.records(
            _EachWithItsOwnBudget(self._speaker), connection.provider.base, self._token, since=since,
            resume=connection.resume,
        )  # fmt: skip
        for page in pages:
            if not connection.resume:
                connection.reading_since = min(page.at or self._began, self._began)
            for document in page.documents:
                if time.monotonic() > self._end:
                    return self._stop_at(page.url)
                self._take_in(document)
            connection.resume = page.resume
            self._keep("resume", "reading_since", "received")
        if connection.resume:
            return False
        connection.seen_until = connection.reading_since
        self._keep("seen_until")
        return True

    def _stop_at(self, url: str) -> bool:
        self._connection.resume = url
        self._keep("resume", "reading_since", "received")
        return False

    def _keep(self, *fields: str) -> None:
        """Stores how far the reading is, while the connection is still there and this worker's."""
        connection = self._connection
        mine = Connection.objects.filter(pk=connection.pk, fence=connection.fence)
        if not mine.update(**{name: getattr(connection, name) for name in fields}):
            raise LeaseLost

    def _take_in(self, document: bytes) -> None:
        fetcher = self._verifying()
        connection = self._connection
        try:
            taken = intake.take_in(
                connection.learner, document, source=SOURCE, sender=str(connection.public_id), fetcher=fetcher
            )
        except intake.NotTaken:
            self._report(failed=1)
            return
        if taken.created:
            connection.received += 1
            self._seen.add(taken.item.pk)
        self._report(done=1)

    def _verifying(self) -> Fetcher:
        provider = self._connection.provider
        return client_of(provider).verifying(self._speaker(), provider.base, self._token)

    def _judge_again(self) -> bool:
        """Earlier records may have been revoked since: each standing one is judged anew (CLR1-C-09)."""
        sender = str(self._connection.public_id)
        earlier = WalletItem.objects.filter(learner=self._connection.learner).received_from(SOURCE, sender)
        standing = earlier.filter(state__in=[WalletItem.State.STANDING, WalletItem.State.SUPERSEDED])
        for item in standing.exclude(pk__in=self._seen).order_by("checked_at")[:CHECKED_AGAIN]:
            if time.monotonic() > self._end:
                return False
            intake.check_again(item, fetcher=self._verifying())
            self._report(done=1)
        return True

    def _report(self, *, done: int = 0, failed: int = 0) -> None:
        if self._progress is not None:
            job = self._progress.job
            job.done, job.failed = job.done + done, job.failed + failed
            self._progress.update(done=job.done, failed=job.failed)


class _EachWithItsOwnBudget:
    """A speaker whose every request has the budget of a job: a reading of many pages is bounded by its pages."""

    def __init__(self, make: Callable[[], GuardedFetcher]) -> None:
        self._make = make

    def fetch(self, url: str, *, kind: str = "json") -> Any:
        """As the guarded fetcher's own."""
        return self._make().fetch(url, kind=kind)

    def send(self, method: str, url: str, **options: Any) -> Any:
        """As the guarded fetcher's own."""
        return self._make().send(method, url, **options)


# --- Sending ------------------------------------------------------------------------------------------


def send(
    connection: Connection, content: bytes, *, about: Any, by: Any, speaker: Speaker | None = None
) -> providers.Sent:
    """Sends one record to the provider, as it is, because the learner said so (CLR1-C-12).

    `about` is the record or wallet item, for the disclosure that is noted. Raises `ProviderFault`; a consent that has
    ended is noted on the connection too.
    """
    client = client_of(connection.provider)
    if client.WRITE not in connection.scopes:
        raise speaking.RequestRefused(_("You have not allowed sending records to this provider."), status=403)
    speaker = speaker or waiting_fetcher()

    def post(mine: Connection, token: str) -> providers.Sent:
        return client.post(speaker, mine.provider.base, token, content=content)

    sent = with_access(connection, post, speaker)
    note_sent(connection, about, by, outcome=sent.outcome)
    return sent


def with_access(connection: Connection, use: Callable[[Connection, str], Given], speaker: Speaker) -> Given:
    """Does something with a token that is good now, alone on this connection; one that is refused is renewed once.

    Raises `ProviderFault`; a consent that has ended is noted on the connection too.
    """
    mine = _claimed(str(connection.public_id))  # one at a time: a refresh token that is used twice ends everything
    if mine is None:
        raise speaking.AskedEnough(_("This connection is in use just now. Please try again in a minute."))
    changes: dict[str, Any] = {"busy_until": None}
    try:
        try:
            return use(mine, access_token(mine, speaker))
        except speaking.ConsentEnded:
            return use(mine, access_token(mine, speaker, anew=True))
    except speaking.ConsentEnded as fault:
        changes |= {"state": Connection.State.CONSENT, "reason": str(fault)}
        raise
    finally:
        Connection.objects.filter(pk=mine.pk, fence=mine.fence).update(**changes)


def note_sent(connection: Connection, about: Any, by: Any, *, outcome: str) -> None:
    """The disclosure and the audit entry of something that went to a provider."""
    with transaction.atomic():
        Disclosure.objects.create(
            learner_id=connection.learner.public_id,
            object_type=about._meta.label_lower,
            object_id=str(about.public_id),
            recipient=connection.provider.host,
            purpose="sent through a connection",
            basis="the learner's own act",
        )
        audit.record("record.sent", about, by, connection=str(connection.public_id), outcome=outcome)


# --- Ending ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """What disconnecting did: whether the provider was told, and how many records went with it."""

    told: bool
    removed: int


def disconnect(connection: Connection, *, by: Any, remove_records: bool = False) -> Ended:
    """Ends a connection: its tokens are revoked there and forgotten here, whether or not the provider hears it.

    The records that came stay in the wallet unless the learner wants them gone (CLR1-C-14). With the last
    connection our registration at the provider goes too.
    """
    provider = connection.provider
    registration = registration_of(provider)
    tokens = [
        (open_secret(connection, "refresh_sealed"), "refresh_token"),
        (open_secret(connection, "access_sealed"), "access_token"),
    ]
    sender, learner = str(connection.public_id), connection.learner
    removed = 0
    with transaction.atomic():
        audit.record("connection.ended", connection, by, removed_records=remove_records)
        open_requests = IntakeRequest.objects.filter(connection=connection, state=IntakeRequest.State.AGREED)
        open_requests.update(state=IntakeRequest.State.WITHDRAWN, answered_at=timezone.now())
        if remove_records:
            mine = WalletItem.objects.filter(learner=learner).received_from(SOURCE, sender).kept()
            removed = sum(intake.take_back(item, source=SOURCE, sender=sender) for item in mine)
        connection.delete()
        is_last = not Connection.objects.filter(provider=provider).exists() and not _somebody_is_there(provider)
        if is_last:
            provider.delete()
    speaker = waiting_fetcher()
    told = _end_tokens(provider, tokens, speaker)
    if is_last:
        authorizing.deregister(speaker, registration)
    return Ended(told=told, removed=removed)


def _somebody_is_there(provider: Provider) -> bool:
    """Whether a learner may be at the provider's consent page just now, to come back with our registration."""
    left = Provider.objects.filter(pk=provider.pk).values_list("last_departure_at", flat=True).first()
    return left is not None and left > timezone.now() - ATTEMPT_LASTS


# --- Intake: an office asks, the learner decides -------------------------------------------------


def ask_for_records(learner: Learner, *, purpose: str, provider_address: str = "", by: Any) -> IntakeRequest:
    """An admissions officer asks a learner for records from elsewhere; the learner sees it among the connections."""
    with transaction.atomic():
        request = IntakeRequest.objects.create(
            learner=learner, purpose=purpose, provider_address=provider_address, asked_by=by
        )
        audit.record("intake.asked", request, by, learner=str(learner.public_id))
    return request


def answer_request(request: IntakeRequest, *, by: Any, connection: Connection | None) -> None:
    """The learner agrees, for one connection, or declines; an agreement can be taken back the same way."""
    agreed = connection is not None
    state = IntakeRequest.State.AGREED if agreed else IntakeRequest.State.DECLINED
    if not agreed and request.state == IntakeRequest.State.AGREED:
        state = IntakeRequest.State.WITHDRAWN
    with transaction.atomic():
        request.state, request.connection, request.answered_at = state, connection, timezone.now()
        request.save(update_fields=["state", "connection", "answered_at"])
        audit.record(f"intake.{state}", request, by, connection=str(connection.public_id) if connection else "")


def _answer_intake(connection: Connection, request_id: str) -> None:
    """The learner came to connect because an office asked, and said so before leaving for consent."""
    if not request_id:
        return
    asked = IntakeRequest.objects.filter(
        public_id=request_id, learner=connection.learner, state=IntakeRequest.State.ASKED
    ).first()
    if asked is not None:
        answer_request(asked, by=connection.learner.user, connection=connection)


def item_for_office(public_id: UUID, *, by: Any) -> WalletItem | None:
    """A received record that somebody of the office may see, because its learner agreed; the look is noted."""
    agreed = IntakeRequest.objects.filter(state=IntakeRequest.State.AGREED, connection__isnull=False)
    for request in agreed.filter(learner__wallet_items__public_id=public_id).select_related("connection", "learner"):
        for item in records_for(request, by=by):
            if item.public_id == public_id:
                return item
    return None


def records_for(request: IntakeRequest, *, by: Any) -> list[WalletItem]:
    """What the office may see of a request: the records of the one connection, while the learner agrees.

    Each look is noted as a disclosure, once a day a record at most.
    """
    if request.state != IntakeRequest.State.AGREED or request.connection is None:
        return []
    sender = str(request.connection.public_id)
    received = WalletItem.objects.filter(learner=request.learner).received_from(SOURCE, sender)
    items = list(received.kept().select_related("learner").newest_first())
    today = timezone.now() - timedelta(days=1)
    known = set(
        Disclosure.objects.filter(
            learner_id=request.learner.public_id, recipient=str(by), purpose=request.purpose, at__gte=today
        ).values_list("object_id", flat=True)
    )
    Disclosure.objects.bulk_create(
        [
            Disclosure(
                learner_id=request.learner.public_id,
                object_type=item._meta.label_lower,
                object_id=str(item.public_id),
                recipient=str(by),
                purpose=request.purpose,
                basis="consent of the learner",
            )
            for item in items
            if str(item.public_id) not in known
        ]
    )
    return items
