"""The server under test: what it said so far, and the way to ask it.

The server may be any vendor's; ours is asked like every other, over HTTP (the operator who names its address allows
it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import orjson
from django.conf import settings

from apps.exchange import authorizing
from apps.exchange.conformance.table import CannotSay, NotMet, expect
from apps.exchange.providers import NoProvider
from apps.network.fetching import Budget, Fetched, GuardedFetcher
from apps.standards import strict_json
from apps.standards.errors import BudgetExhausted, FetchRefused, ParseFault

JSON_TYPES = ("application/json", "application/ld+json")

Consent = Callable[[str], str]
"""Takes the address of consent, lets a learner agree there, and gives the address that the browser ended at."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator gives beyond the address; everything may be absent.

    `token`: access for reading (and, by its scopes, writing and deleting) of a learner; `other_token`: of another
    learner; `consent`: a way to ask a learner; `revoked`: the address of a hosted object that was revoked.
    """

    token: str = ""
    other_token: str = ""
    consent: Consent | None = None
    revoked: str = ""
    may_register: bool = True


class Subject:
    """A server that speaks one of the protocols; each protocol says where its base is and what it lists."""

    SUITE: ClassVar[str]
    """Who the suite says it is when it registers."""
    PATH: ClassVar[str]
    """Where the API stands below the address of the server."""
    SCOPES: ClassVar[tuple[str, ...]]
    """What the suite asks the learner for, where it is offered; the first one opens the listing."""
    SCOPE_AT_TOKEN: ClassVar[bool] = False
    """Whether a code is redeemed with the scope beside it."""

    def __init__(self, base_url: str, given: Given, wait: Callable[[float], None]) -> None:
        authority = urlsplit(base_url if "://" in base_url else f"https://{base_url}").netloc
        host = authority.rpartition(":")[0] if ":" in authority.rpartition("]")[2] else authority
        # SEC-10: an exception by the operator, who named the address at the shell.
        self._allow = [*settings.FETCH_ALLOW, authority, f"{host}:80"]
        self._wait = wait
        self.given = given
        self.token = given.token
        self.base = self._base_of(base_url)
        self.discovery: dict[str, Any] = {}
        self.registration: authorizing.Registration | None = None
        self.tokens: authorizing.Tokens | None = None
        self.code, self.attempt = "", authorizing.Attempt.new()

    def _base_of(self, base_url: str) -> str:
        """The API's base behind whatever form of address the operator gave. Raises `NoProvider`."""
        text = base_url if "://" in base_url else f"https://{base_url}"
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise NoProvider(f"{base_url} is not the address of a server, as https://records.example.edu.")
        path = parts.path.partition(self.PATH)[0].rstrip("/")
        return f"{parts.scheme}://{parts.netloc}{path}{self.PATH}"

    @property
    def listing(self) -> str:
        """The address that lists what a learner has."""
        raise NotImplementedError

    def fetcher(self, budget: Budget | None = None) -> GuardedFetcher:
        """The guarded fetcher; an own portal is asked like another."""
        return GuardedFetcher(budget or Budget.in_a_job(), allow=self._allow, own_base="")

    def ask(
        self, method: str, url: str, *, token: str = "", body: object = None, form: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Fetched:  # fmt: skip
        """One request. The portal asks no host more than 60 times a minute (SEC-13), so a long run waits."""
        sent = {"Accept": "application/ld+json, application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        content = None
        if form is not None:
            sent["Content-Type"], content = "application/x-www-form-urlencoded", urlencode(form).encode()
        elif body is not None:
            sent.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, bytes) else orjson.dumps(body)
        for _ in range(3):
            try:
                return self.fetcher().send(method, url, headers=sent, body=content)
            except BudgetExhausted:
                self._wait(21)
        return self.fetcher().send(method, url, headers=sent, body=content)

    def fetch(self, url: str, *, kind: str = "json") -> Fetched:
        """As a verification asks for documents."""
        return self.ask("GET", url)

    def need_discovery(self) -> dict[str, Any]:
        """What the server says of itself: its scopes and its OAuth addresses."""
        if not self.discovery:
            raise CannotSay("The discovery document could not be read.")
        return self.discovery

    def need_token(self) -> str:
        """A learner's access."""
        if not self.token:
            raise CannotSay("Needs a learner's access: --consent, or --token-file.")
        return self.token

    def need_other_token(self) -> str:
        """Another learner's access."""
        if not self.given.other_token:
            raise CannotSay("Needs the access of another learner: other_token in --token-file.")
        return self.given.other_token

    def need_registration(self) -> authorizing.Registration:
        """The suite's own registration."""
        if self.registration is None:
            raise CannotSay("The suite could not register, or was told not to.")
        return self.registration

    def need_scope(self, scope: str) -> str:
        """A learner's access that covers a scope, as far as that is known."""
        token = self.need_token()
        if self.tokens is not None and scope not in self.tokens.scopes:
            raise CannotSay(f"The learner's access does not cover {scope.rsplit('/', 1)[-1]}.")
        return token


def document(answer: Fetched) -> dict[str, Any]:
    """The JSON object of an answer. Raises `NotMet`."""
    try:
        value = strict_json.loads(answer.body)
    except ParseFault as fault:
        raise NotMet(f"{answer.final_url} answers no JSON: {fault.sentence}") from None
    expect(isinstance(value, dict), f"{answer.final_url} answers no JSON object.")
    return value


def must_be(answer: Fetched, *statuses: int) -> None:
    """Raises `NotMet` for another status."""
    wanted = " or ".join(str(status) for status in statuses)
    expect(answer.status in statuses, f"{answer.final_url} answered {answer.status} instead of {wanted}.")


def is_safe(url: object, base: str) -> bool:
    """Whether an address is https; plain http counts where the server itself is asked without TLS (SEC-10)."""
    schemes = {"https"} if base.startswith("https") else {"http", "https"}
    return isinstance(url, str) and urlsplit(url).scheme in schemes and bool(urlsplit(url).netloc)


def without_tls(subject: Subject, address: str) -> str:
    """Nothing is served at an address when it is asked for without TLS."""
    parts = urlsplit(address)
    if parts.scheme != "https":
        raise CannotSay("The server was named without TLS.")
    try:
        answer = subject.ask("GET", f"http://{parts.hostname}{parts.path}")
    except FetchRefused:
        return "Nobody answers without TLS."
    expect(answer.status != 200, "It answers without TLS.")
    return f"Without TLS it answers {answer.status}."
