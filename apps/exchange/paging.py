"""The pages of a learner's documents: what is asked for in the query, and the links from page to page.

CLR 1.0 and Badge Connect page alike (CLR1-P-05, P-06; BC-R-06 to R-09).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest

from apps.exchange.answering import Refusal
from apps.network.numbers import whole
from apps.standards import moments
from apps.standards.errors import DocumentFault

PAGE = 50
"""Documents on a page where the asker does not say (contract)."""
MOST = 100
FARTHEST = 1_000_000  # SEC-34
WRONG_QUERY = "invalid_query_parameter"
"""The code of a refusal for what stands in the query."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page is asked for. ``since_text`` is the moment as it was written, for the links."""

    limit: int
    offset: int
    since: datetime | None
    since_text: str


def asked(request: HttpRequest) -> Asked:
    """The page that a query asks for. Raises `Refusal` 400."""
    return Asked(
        limit=min(_number(request, "limit", PAGE, least=1), MOST),
        offset=_number(request, "offset", 0, least=0, most=FARTHEST),
        since=_since(request),
        since_text=request.GET.get("since", ""),
    )


def _number(request: HttpRequest, name: str, absent: int, *, least: int, most: int | None = None) -> int:
    """A whole number of the query (SEC-34). Raises `Refusal` 400."""
    given = request.GET.getlist(name)
    if not given:
        return absent
    number = whole(given[0]) if len(given) == 1 else None
    if number is None and len(given) == 1 and most is None and re.fullmatch("[0-9]{1,100}", given[0]):
        return MOST  # more than any database counts is still more than the most
    if number is None or number < least or (most is not None and number > most):
        upto = f" to {most}" if most is not None else " or more"
        raise Refusal(400, f"{name} must be one whole number, {least}{upto}.", code=WRONG_QUERY)
    return number


def _since(request: HttpRequest) -> datetime | None:
    """The moment of `since` (CLR1-P-06). Raises `Refusal` 400."""
    given = request.GET.getlist("since")
    if not given:
        return None
    try:
        # A plus sign that was not encoded arrives as a blank.
        moment = moments.read(given[0].replace(" ", "+")) if len(given) == 1 else None
        if moment is not None and moment.has_zone:
            return _EPOCH + timedelta(microseconds=moment.nanoseconds // 1_000)
    except (DocumentFault, OverflowError):
        pass
    raise Refusal(400, "since must be one date and time with its zone, as 2026-06-30T15:00:00Z.", code=WRONG_QUERY)


def links(address: str, page: Asked, total: int) -> str:
    """The value of `Link`: first, last, and where they exist next and prev (RFC 8288; CLR1-P-05, BC-R-06)."""
    last = max(total - 1, 0) // page.limit * page.limit
    places = {"first": 0, "last": last}
    if page.offset + page.limit < total:
        places["next"] = page.offset + page.limit
    if page.offset > 0:
        places["prev"] = min(max(page.offset - page.limit, 0), last)
    kept = {"since": page.since_text} if page.since_text else {}
    return ", ".join(
        f'<{address}?{urlencode({"limit": page.limit, "offset": place, **kept})}>; rel="{relation}"'
        for relation, place in places.items()
    )
