"""The clock that leases go by, which no process can put forward or back (REL-24, F12).

On PostgreSQL that is the database's own. SQLite asks the clock of whichever process opened it, so a process whose clock
is wrong would take work out of others' hands; there, where everybody shares one machine, the time since that machine
started is taken instead. It says nothing about the day, and nobody is shown it.
"""

import os
import platform
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from apps.jobs.models import Heartbeat

_START = datetime(2000, 1, 1, tzinfo=UTC)
_UPTIME = Path("/proc/uptime")  # what the kernel says, whatever clock the process was given
_SLACK = timedelta(seconds=60)
LARGEST_DIFFERENCE = timedelta(seconds=30)
FRESH = timedelta(seconds=60)
"""Workers write a heartbeat every 15 seconds; one that has not for so long is not asked about its clock."""


def now() -> datetime:
    """The moment by which leases begin and end. On SQLite it counts from the start of the machine."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
        return moment
    return _START + timedelta(seconds=_uptime())


def _uptime() -> float:
    try:
        return float(_UPTIME.read_text().split()[0])
    except OSError:  # not Linux
        return time.monotonic()


def has_ended(moment: datetime, length: timedelta) -> Q:
    """That a lease of this length, in the column `lease_until`, does not hold at `moment`.

    One that ends later than any lease given out now could is left over from before the machine was started anew, or
    from before a clock was put back: it holds no longer either.
    """
    return Q(lease_until__lt=moment) | Q(lease_until__gt=moment + length + _SLACK)


# --- Whether everybody's clock agrees -----------------------------------------------------------


def offset() -> timedelta:
    """How far this process's clock is from the clock of the leases; equal for all whose clocks agree."""
    return timezone.now() - now()


def beat() -> None:
    """Notes that this worker lives, and how far its clock is off; forgets those that ceased long ago."""
    moment = now()
    Heartbeat.objects.update_or_create(
        name=f"{platform.node()}:{os.getpid()}"[:64], defaults={"at": moment, "offset": offset()}
    )
    Heartbeat.objects.exclude(at__gt=moment - 10 * FRESH, at__lte=moment + _SLACK).delete()


def workers_agree() -> bool:
    """Whether the clocks of all workers that live are within 30 s of this process's (REL-24)."""
    mine, moment = offset(), now()
    lately = Heartbeat.objects.filter(at__gt=moment - FRESH, at__lte=moment + _SLACK)
    return all(abs(theirs - mine) <= LARGEST_DIFFERENCE for theirs in lately.values_list("offset", flat=True))
