"""One verification from start to end, the same behind every door: page, program, command.

Nothing of the document is stored; the log has format, verdict and duration (PRIV-08).
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from apps.network.counting import shared_counters
from apps.network.fetching import Budget, GuardedFetcher
from apps.network.health import Sample
from apps.standards.verify import engine
from apps.standards.verify.sources import Budget as WorkBudget
from apps.standards.verify.sources import Fetcher
from apps.standards.verify.verdict import Result
from apps.verification import policy
from apps.verification.own import PortalDocuments

log = logging.getLogger(__name__)

WAITING_SECONDS = 8.0  # SEC-07: somebody waits
JOB_SECONDS = 20.0  # SEC-07: in a job or on the command line
_YEARS = 10 * 365 * 86_400
_VERDICTS = ("valid", "invalid", "undecided")


def judge_while_waiting(source: bytes, *, recipients: Sequence[str] = ()) -> Result:
    """Judge ``source`` now, within the budget of somebody who waits, over the guarded fetcher."""
    fetcher = GuardedFetcher.from_settings(Budget.somebody_waits())
    return judge(source, fetcher=fetcher, seconds=WAITING_SECONDS, recipients=recipients)


def judge(
    source: bytes,
    *,
    fetcher: Fetcher,
    seconds: float,
    recipients: Sequence[str] = (),
    now: datetime | None = None,
) -> Result:
    """Judge a document, or the document at an address.

    ``now`` is the aware moment to judge at (the present if absent), ``recipients`` identities of the person
    expected. Never raises: where the portal itself fails, the result is undecided and says so (I6).
    """
    started = time.monotonic()
    try:
        result = engine.verify(
            source,
            fetcher=fetcher,
            own=PortalDocuments(),
            now=now or datetime.now(UTC),
            expected_recipients=tuple(recipients),
            budget=WorkBudget(seconds=seconds, clock=time.monotonic),
            policy=policy.current(),
        )
    except Exception as fault:  # noqa: BLE001  a verifier answers; the fault is noted without the document's text
        trace = "".join(traceback.format_tb(fault.__traceback__))
        log.error("verification failed inside: %s\n%s", type(fault).__name__, trace)
        result = Result()
        result.failed("input", "NOT_DECIDED", "The portal failed while it judged this document. It has been noted.")
    duration = time.monotonic() - started
    log.info("verified format=%s verdict=%s ms=%d", result.format, result.verdict, round(duration * 1000))
    shared_counters().add(f"verified:{result.verdict}", window=_YEARS)
    return result


def figures() -> list[Sample]:
    """How many verifications came to which verdict, for ``/metrics``."""
    counters = shared_counters()
    return [
        ("clrportal_verifications_total", {"verdict": verdict}, float(counters.read(f"verified:{verdict}")))
        for verdict in _VERDICTS
    ]
