"""What the engine asks of the world: a fetcher, the portal's own documents, a budget, and the moment.

The engine never opens a connection and never looks at a clock. The doors of ``apps.verification`` hand in
``network.fetching`` and the database; tests hand in a map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from apps.standards import strict_json
from apps.standards.errors import BudgetExhausted, FetchRefused, NotADocument, ParseFault, RefusedByPolicy
from apps.standards.jsonld.active import Processing
from apps.standards.jsonld.canonical import BUILT_IN
from apps.standards.proofs.jws import PublicKey


@dataclass(frozen=True, slots=True)
class Fetched:
    """What stood at an address: also answers other than 200 are answers."""

    status: int
    content_type: str
    body: bytes
    final_url: str


class Answer(Protocol):
    """What the engine looks at in an answer; ``Fetched`` is one, the fetcher's own type may be another."""

    @property
    def status(self) -> int: ...

    @property
    def content_type(self) -> str: ...

    @property
    def body(self) -> bytes: ...


class Fetcher(Protocol):
    """The one way to the outside. ``kind`` is ``json``, ``token`` (JWT, JWS) or ``image``."""

    def fetch(self, url: str, *, kind: str) -> Answer:
        """The answer at an address, whatever its status.

        Raises one of the ``FetchRefused`` errors when there is no answer to be had: ``RefusedByPolicy``,
        ``NotReachable``, ``AnswerTooLarge``, ``AnswerTooSlow``, ``NotADocument``, ``BudgetExhausted``.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A document that this portal issued, as it lies in the database.

    ``payload`` is the JSON as issued, ``signed_form`` the compact JWS or VC-JWT around it (None for a
    document whose proof is inside). ``superseded_by`` is the id of the record that replaced it.
    """

    payload: bytes
    signed_form: str | None = None
    superseded_by: str | None = None
    revoked: bool = False
    revocation_reason: str | None = None


class OwnDocuments(Protocol):
    """Look-up of what this portal itself issued and serves (SEC-09: never requested over the network)."""

    def issued(self, id: str) -> OwnRecord | None:
        """The record, assertion, endorsement or credential that was issued under this id."""
        ...

    def served(self, url: str) -> Fetched | None:
        """What this portal answers a stranger at one of its own addresses (profile, key, revocation list,
        status list, hosted object); None for an address that is not ours."""
        ...


class NothingOwn:
    """The look-up of a verifier that has issued nothing."""

    def issued(self, id: str) -> OwnRecord | None:
        """Nothing."""
        return None

    def served(self, url: str) -> Fetched | None:
        """Nothing."""
        return None


class OfflineFetcher:
    """The fetcher for ``--offline``: refuses every address."""

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """Raises ``RefusedByPolicy``."""
        raise RefusedByPolicy("Nothing is fetched in an offline verification.")


@dataclass(slots=True)
class Budget:
    """How much one verification may ask for (SEC-07). ``clock`` gives seconds; None: time is not counted."""

    requests: int = 30
    size: int = 20_000_000
    seconds: float = 8.0
    depth: int = 5
    clock: Callable[[], float] | None = None
    spent_requests: int = 0
    spent_size: int = 0
    _started: float | None = None

    def check_time(self) -> None:
        """Raises ``BudgetExhausted`` once the time is used up."""
        if self.clock is None:
            return
        now = self.clock()
        if self._started is None:
            self._started = now
        elif now - self._started > self.seconds:
            raise BudgetExhausted("The time for one verification is used up.")

    def spend_request(self) -> None:
        """Counts one request. Raises ``BudgetExhausted``."""
        self.check_time()
        if self.spent_requests >= self.requests:
            raise BudgetExhausted(f"The record asks for more than {self.requests} other documents.")
        self.spent_requests += 1

    def spend_size(self, size: int) -> None:
        """Counts bytes received. Raises ``BudgetExhausted``."""
        self.spent_size += size
        if self.spent_size > self.size:
            raise BudgetExhausted("The documents that the record asks for are too large together.")


def _no_keys(issuer: str) -> Sequence[PublicKey]:
    return ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator of a verifier decided: keys trusted by hand, and contexts besides the built-in ones.

    ``pinned`` gives the keys of an issuer whose own keys cannot be looked up (digest of CLR 2.0, 6.3, rule 5);
    ``processing`` knows the contexts (SEC-22).
    """

    pinned: Callable[[str], Sequence[PublicKey]] = _no_keys
    processing: Processing = BUILT_IN


@dataclass(slots=True)
class Run:
    """One verification: its sources, its budget, and what it has already fetched."""

    fetcher: Fetcher
    own: OwnDocuments
    now: datetime
    expected_recipients: Sequence[str] = ()
    budget: Budget = field(default_factory=Budget)
    policy: Policy = field(default_factory=Policy)
    _answers: dict[tuple[str, str], Answer | FetchRefused] = field(default_factory=dict)
    _documents: dict[str, Any] = field(default_factory=dict)

    def get(self, url: str, *, kind: str = "json") -> Answer:
        """What stands at an address (without its fragment); each address is asked at most once.

        Raises ``FetchRefused`` or one of its kinds.
        """
        address = url.partition("#")[0]
        key = (address, kind)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._ask(address, kind)
        if isinstance(known, FetchRefused):
            raise known
        return known

    def _ask(self, url: str, kind: str) -> Answer | FetchRefused:
        own = self.own.served(url)
        if own is not None:
            return own
        try:
            self.budget.spend_request()
            answer = self.fetcher.fetch(url, kind=kind)
            self.budget.spend_size(len(answer.body))
        except FetchRefused as refusal:
            return refusal
        return answer

    def get_document(self, url: str) -> Any:
        """The JSON document at an address that answers 200.

        Raises ``FetchRefused`` when it cannot be had, ``NotADocument`` when it is not JSON.
        """
        address = url.partition("#")[0]
        if address in self._documents:
            return self._documents[address]
        answer = self.get(url)
        if answer.status != 200:
            raise FetchRefused(f"The address {shown_address(url)} answered {answer.status} instead of the document.")
        try:
            document = strict_json.loads(answer.body)
        except ParseFault:
            raise NotADocument(f"What stands at {shown_address(url)} is not JSON.") from None
        self._documents[address] = document
        return document


def shown_address(url: str, limit: int = 120) -> str:
    """An address from a document, made fit to stand in a sentence: no controls, not too long."""
    clean = url if url.isprintable() else "".join(char if char.isprintable() else "?" for char in url)
    return clean if len(clean) <= limit else clean[:limit] + "…"


def is_web_address(value: object) -> bool:
    """Whether a value is a string that begins with ``http://`` or ``https://``."""
    return isinstance(value, str) and value[:8].lower().startswith(("http://", "https://"))
