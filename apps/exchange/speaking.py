"""Speaking with a provider that a person chose: the one way out, what can go wrong, and answers read strictly.

Every request goes through the guarded fetcher. What goes wrong is one of a few faults, which is what the pages, the
jobs and the person can do something about: come back later, ask for consent again, do not use this provider, or mend
what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.network.addresses import Target, normal_exceptions, read_url
from apps.network.fetching import Fetched
from apps.standards import strict_json
from apps.standards.errors import BudgetExhausted, FetchRefused, ParseFault, RefusedByPolicy

ANSWER_LIMIT = 5_000_000  # SEC-06
SMALL_ANSWER = 256_000
"""The most that a discovery document, a registration or a token answer may have."""
LONGEST_WAIT = 24 * 3600


class ProviderFault(Exception):
    """Something is wrong with a provider; the text tells a person what, and what to do."""

    code = "provider_fault"


class ProviderDown(ProviderFault):
    """The provider does not answer, or says that it cannot now. ``retry_after``: the seconds it asked for, if any."""

    code = "provider_down"

    def __init__(self, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class AskedEnough(ProviderFault):
    """This portal has asked the host as often as it lets itself (SEC-13); it goes on a minute later."""

    code = "asked_enough"


class ConsentEnded(ProviderFault):
    """What the learner allowed was withdrawn, ran out, or never reached this far: the learner must be asked again."""

    code = "consent_ended"


class ProviderWrong(ProviderFault):
    """The provider answers otherwise than its standard says, so it is not used."""

    code = "provider_wrong"


class RequestRefused(ProviderFault):
    """The provider understood and said no; ``status`` is the HTTP status."""

    code = "request_refused"

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Speaker(Protocol):
    """The part of the guarded fetcher that a protocol client uses."""

    def fetch(self, url: str, *, kind: str = ...) -> Fetched: ...

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = ...,
        body: bytes | None = ...,
        limit: int = ...,
    ) -> Fetched: ...


def target(url: str) -> Target:
    """The judged parts of an address: https, or one of the operator's exceptions (SEC-01, SEC-10).

    Raises ``RefusedByPolicy``.
    """
    return read_url(url, allow=normal_exceptions(settings.FETCH_ALLOW))


def origin(url: str) -> str:
    """Scheme, host and port of an address that was judged. Raises ``RefusedByPolicy``."""
    judged = target(url)
    return f"{judged.scheme}://{judged.host_header}"


def host(url: str) -> str:
    """The host of an address as a person reads it, with the port where it is an unusual one."""
    return urlsplit(url).netloc.lower()


def is_ours(url: str) -> bool:
    """Whether an address is on this portal's own host: it is never asked (SEC-09)."""
    own = urlsplit(settings.BASE_URL)
    given = urlsplit(url)
    ports = {"https": 443, "http": 80}
    try:
        return (given.hostname, given.port or ports.get(given.scheme)) == (own.hostname, own.port or ports[own.scheme])
    except (ValueError, KeyError):
        return False


def ask(
    speaker: Speaker,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limit: int = ANSWER_LIMIT,
) -> Fetched:
    """One request; answers that say "later" and hosts that give none are ``ProviderDown``.

    Raises ``ProviderWrong`` for an address that may not be asked, and ``FetchRefused`` itself for an answer that is
    too large, which a caller may mend by asking for less.
    """
    try:
        answer = speaker.send(method, url, headers=headers, body=body, limit=limit)
    except BudgetExhausted:
        raise AskedEnough(_("The provider was asked often within a minute; this goes on in a moment.")) from None
    except RefusedByPolicy:
        raise ProviderWrong(
            _("The provider named an address that this portal does not ask: only public https addresses are.")
        ) from None
    if answer.status in {429, 500, 502, 503, 504}:
        raise ProviderDown(
            _("The provider answered that it cannot serve this now (%(status)d).") % {"status": answer.status},
            retry_after=seconds_to_wait(answer),
        )
    return answer


def later(refusal: FetchRefused) -> ProviderDown:
    """No answer was to be had."""
    return ProviderDown(_("The provider cannot be reached now. %(why)s") % {"why": refusal.sentence})


def seconds_to_wait(answer: Fetched) -> int | None:
    """What ``Retry-After`` asks for, in seconds or as a date, at most a day; None where it says nothing (RFC 9110)."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return min(int(said), LONGEST_WAIT)
    moment = http_date(said)
    if moment is None:
        return None
    return max(0, min(int((moment - datetime.now(UTC)).total_seconds()), LONGEST_WAIT))


def http_date(text: str) -> datetime | None:
    """The moment of an HTTP date; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def json_object(answer: Fetched) -> dict[str, Any]:
    """The JSON object of an answer. Raises ``ProviderWrong``."""
    try:
        value = strict_json.loads(answer.body)
    except ParseFault as fault:
        raise ProviderWrong(_("The provider's answer cannot be read. %(why)s") % {"why": fault.sentence}) from None
    if not isinstance(value, dict):
        raise ProviderWrong(_("The provider's answer is not what its standard says (no JSON object)."))
    return value


def text_of(document: Mapping[str, Any], name: str, longest: int = 2_048) -> str:
    """A text of a document; empty where it is absent, too long, or no text that can be shown."""
    value = document.get(name)
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value


def what_it_said(answer: Fetched) -> str:
    """What an error answer says to people, in whatever form it has, or only its status (CLR1-C-15)."""
    try:
        document = json_object(answer)
    except ProviderWrong:
        document = {}
    for name in ("imsx_description", "error_description", "detail", "message", "error"):
        said = text_of(document, name, 300)
        if said:
            return f"{answer.status}: {said}"
    return str(answer.status)
