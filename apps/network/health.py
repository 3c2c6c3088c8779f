"""For operators: ``/healthz``, ``/readyz`` and ``/metrics`` (REL-29).

A room adds what only it knows: ``register_check`` for readiness, ``register_gauge`` for figures.
"""

from __future__ import annotations

import datetime
import hmac
import ipaddress
import logging
import shutil
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from apps.network.errors import refuse

log = logging.getLogger(__name__)

MAX_CLOCK_DIFFERENCE = datetime.timedelta(seconds=30)

Check = Callable[[], bool]
#: Name of the figure, its labels and its value.
Sample = tuple[str, dict[str, str], float]
Gauge = Callable[[], Iterable[Sample]]

_checks: dict[str, tuple[Check, bool]] = {}
_gauges: list[Gauge] = []


def register_check(name: str, check: Check, *, only_degrades: bool = False) -> None:
    """Ask ``check`` at each ``/readyz``: False or an exception means not ready, by this name.

    ``only_degrades``: reading goes on without it (a broker), so the portal says "degraded" and stays ready.
    """
    _checks[name] = (check, only_degrades)


def register_gauge(gauge: Gauge) -> None:
    """Add the samples that ``gauge`` gives to ``/metrics``; no label may hold personal data (PRIV-04)."""
    if gauge not in _gauges:
        _gauges.append(gauge)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything needed is there, 503 with the names of what is not."""
    names = failing(also_degrading=True)
    down = [name for name in names if not _checks[name][1]]
    status = "down" if down else "degraded" if names else "ready"
    return JsonResponse({"status": status, "failing": names}, status=503 if down else 200)


def failing(*, also_degrading: bool = False) -> list[str]:
    """Names of the checks that do not hold now."""
    asked = [(name, check) for name, (check, only_degrades) in _checks.items() if also_degrading or not only_degrades]
    return [name for name, check in asked if not _holds(name, check)]


def _holds(name: str, check: Check) -> bool:
    try:
        return bool(check())
    except Exception as fault:  # noqa: BLE001  whatever a check raises means that it does not hold
        log.warning("readiness check %s failed: %s", name, type(fault).__name__)
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in the text form of Prometheus, for loopback or the bearer of ``CLRPORTAL_METRICS_TOKEN``."""
    if not _may_see_metrics(request):
        return refuse(request, 404)
    lines = ["# TYPE clrportal_up gauge", "clrportal_up 1"]
    named: set[str] = set()
    for gauge in _gauges:
        for name, labels, value in gauge():
            if name not in named:
                named.add(name)
                lines.append(f"# TYPE {name} gauge")
            shown = ",".join(f'{key}="{text}"' for key, text in sorted(labels.items()))
            lines.append(f"{name}{{{shown}}} {value:g}" if shown else f"{name} {value:g}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _may_see_metrics(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if request.META.get("network.forwarded"):
        return False  # a proxy that nobody told us about speaks for somebody else
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


# --- What the edge itself can tell ----------------------------------------------------------------------


def database_writable() -> bool:
    """A write is accepted (and taken back)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET app = app WHERE id = (SELECT MIN(id) FROM django_migrations)")
        transaction.set_rollback(True)
    return True


def migrations_applied() -> bool:
    """No migration of the code is missing in the database."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def disk_has_room() -> bool:
    """The data folder's disk has room for what is written while issuing."""
    return shutil.disk_usage(settings.DATA_DIR).free >= settings.MIN_FREE_BYTES


def clock_agrees_with_database() -> bool:
    """This process and the database differ by no more than 30 s (REL-24)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return True  # the database has this machine's clock
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    difference: datetime.timedelta = abs(datetime.datetime.now(datetime.UTC) - moment)
    return difference <= MAX_CLOCK_DIFFERENCE


def broker_answers() -> bool:
    """The broker can be reached (Redis) or its folder can be written."""
    if settings.REDIS_URL:
        import redis

        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
        return bool(client.ping())
    probe = settings.BROKER_DIR / "queue" / ".probe"
    probe.write_bytes(b"")
    probe.unlink(missing_ok=True)
    return True


def figures() -> Iterable[Sample]:
    """Figures of the edge: free room on the disk."""
    yield "clrportal_disk_free_bytes", {}, float(shutil.disk_usage(settings.DATA_DIR).free)


def register_own() -> None:
    """Register the checks and figures of the edge; called once at start."""
    register_check("database", database_writable)
    register_check("migrations", migrations_applied)
    register_check("disk", disk_has_room)
    register_check("clock", clock_agrees_with_database)
    register_check("broker", broker_answers, only_degrades=True)
    register_gauge(figures)
