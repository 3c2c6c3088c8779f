"""Counters and places that all processes of the portal share, and that a restart does not forget.

Used by the rate limits (SEC-59) and by the limits of the fetcher (SEC-13). Kept in Redis where the portal has
one, else in an SQLite file of its own in the data folder: never in the portal's database, so that counting
never waits for an import that is being written, and a limit never makes a request wait. When neither can be
written (a full disk), counting goes on in this process's memory (REL-23).
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from django.conf import settings

log = logging.getLogger(__name__)
R = TypeVar("R")


@dataclass(frozen=True)
class Count:
    """How often something happened in the running window, this time included, and when the window ends."""

    value: int
    seconds_left: int


class Store(Protocol):
    """Where counters are kept."""

    def add(self, key: str, amount: int, window: int, now: float) -> Count: ...

    def read(self, key: str, now: float) -> int: ...

    def clear(self, key: str) -> None: ...

    def take_place(self, key: str, owner: str, places: int, until: float, now: float) -> bool: ...

    def leave_place(self, key: str, owner: str) -> None: ...


class FileStore:
    """Counters in an SQLite file: one statement a count, atomic between processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None or self._local.pid != os.getpid():
            held = sqlite3.connect(self._path, timeout=1.0, isolation_level=None)
            self._path.chmod(0o600)
            # A lost count after a power cut harms nobody, so nothing is synced here.
            held.execute("PRAGMA journal_mode=WAL")
            held.execute("PRAGMA synchronous=OFF")
            held.execute("CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, value INTEGER, until REAL)")
            held.execute(
                "CREATE TABLE IF NOT EXISTS place (key TEXT, owner TEXT, until REAL, PRIMARY KEY (key, owner))"
            )
            self._local.connection, self._local.pid = held, os.getpid()
        return held

    def add(self, key: str, amount: int, window: int, now: float) -> Count:
        connection = self._connection()
        value, until = connection.execute(
            "INSERT INTO counter VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET "
            "value = CASE WHEN until <= ?4 THEN ?2 ELSE value + ?2 END, "
            "until = CASE WHEN until <= ?4 THEN ?3 ELSE until END RETURNING value, until",
            (key, amount, now + window, now),
        ).fetchone()
        if secrets.randbelow(500) == 0:
            connection.execute("DELETE FROM counter WHERE until <= ?", (now,))
        return Count(value, max(1, round(until - now)))

    def read(self, key: str, now: float) -> int:
        row = self._connection().execute("SELECT value FROM counter WHERE key = ? AND until > ?", (key, now)).fetchone()
        return int(row[0]) if row else 0

    def clear(self, key: str) -> None:
        self._connection().execute("DELETE FROM counter WHERE key = ?", (key,))

    def take_place(self, key: str, owner: str, places: int, until: float, now: float) -> bool:
        connection = self._connection()
        connection.execute("DELETE FROM place WHERE until <= ?", (now,))
        taken = connection.execute(
            "INSERT INTO place SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM place WHERE key = ?1) < ?4",
            (key, owner, until, places),
        )
        return taken.rowcount == 1

    def leave_place(self, key: str, owner: str) -> None:
        self._connection().execute("DELETE FROM place WHERE key = ? AND owner = ?", (key, owner))


class RedisStore:
    """Counters in Redis, shared by all machines of the portal."""

    def __init__(self, url: str) -> None:
        import redis

        self._redis: Any = redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)

    def add(self, key: str, amount: int, window: int, now: float) -> Count:
        with self._redis.pipeline() as pipeline:
            pipeline.incrby(f"count:{key}", amount)
            pipeline.expire(f"count:{key}", window, nx=True)
            pipeline.ttl(f"count:{key}")
            value, _, left = pipeline.execute()
        return Count(int(value), max(1, int(left)))

    def read(self, key: str, now: float) -> int:
        return int(self._redis.get(f"count:{key}") or 0)

    def clear(self, key: str) -> None:
        self._redis.delete(f"count:{key}")

    def take_place(self, key: str, owner: str, places: int, until: float, now: float) -> bool:
        name = f"place:{key}"
        with self._redis.pipeline() as pipeline:
            pipeline.zremrangebyscore(name, "-inf", now)
            pipeline.zadd(name, {owner: until})
            pipeline.expire(name, max(60, math.ceil(until - now)), gt=True)
            pipeline.expire(name, max(60, math.ceil(until - now)), nx=True)
            pipeline.zcard(name)
            *_, held = pipeline.execute()
        if int(held) > places:
            self._redis.zrem(name, owner)
            return False
        return True

    def leave_place(self, key: str, owner: str) -> None:
        self._redis.zrem(f"place:{key}", owner)


class MemoryStore:
    """Counters in this process alone: what is left when nothing can be written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, tuple[int, float]] = {}
        self._places: dict[str, dict[str, float]] = {}

    def add(self, key: str, amount: int, window: int, now: float) -> Count:
        with self._lock:
            if len(self._counters) > 100_000:
                self._counters = {name: held for name, held in self._counters.items() if held[1] > now}
            value, until = self._counters.get(key, (0, 0.0))
            if until <= now:
                value, until = 0, now + window
            self._counters[key] = (value + amount, until)
            return Count(value + amount, max(1, round(until - now)))

    def read(self, key: str, now: float) -> int:
        value, until = self._counters.get(key, (0, 0.0))
        return value if until > now else 0

    def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def take_place(self, key: str, owner: str, places: int, until: float, now: float) -> bool:
        with self._lock:
            held = {name: end for name, end in self._places.get(key, {}).items() if end > now}
            if len(held) < places:
                held[owner] = until
            self._places[key] = held
            return owner in held

    def leave_place(self, key: str, owner: str) -> None:
        with self._lock:
            self._places.get(key, {}).pop(owner, None)


class Counters:
    """Counting by name within windows of time; ``clock`` gives seconds since 1970.

    Keys must hold no personal data: callers hash what identifies a person (PRIV-04).
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._spare = MemoryStore()
        self._clock = clock

    def _shared(self, act: Callable[[Store], R]) -> R | None:
        """What the shared store answers; None when it cannot be reached or written."""
        try:
            return act(self._store)
        except Exception as fault:
            from_redis = type(fault).__module__.partition(".")[0] == "redis"  # not imported where there is no Redis
            if not (from_redis or isinstance(fault, sqlite3.Error | OSError)):
                raise
            log.warning("shared counters unavailable (%s), counting in memory", type(fault).__name__)
            return None

    def add(self, key: str, *, window: int, amount: int = 1) -> Count:
        """Count ``amount`` more under ``key``; the window of ``window`` seconds begins with the first.

        What had to be counted in memory for a while stays part of the count.
        """
        now = self._clock()
        count = self._shared(lambda store: store.add(key, amount, window, now))
        if count is None:
            return self._spare.add(key, amount, window, now)
        return replace(count, value=count.value + self._spare.read(key, now))

    def read(self, key: str) -> int:
        """The count of the running window, 0 when there is none."""
        now = self._clock()
        return (self._shared(lambda store: store.read(key, now)) or 0) + self._spare.read(key, now)

    def clear(self, key: str) -> None:
        """Forget the count under ``key``."""
        self._shared(lambda store: store.clear(key))
        self._spare.clear(key)

    @contextmanager
    def place(self, key: str, *, places: int, seconds: float) -> Iterator[bool]:
        """Hold one of ``places`` places under ``key`` while the block runs; gives whether there was one.

        A holder that dies loses its place after ``seconds``.
        """
        owner = secrets.token_hex(8)
        now = self._clock()
        held = self._shared(lambda store: store.take_place(key, owner, places, now + seconds, now))
        if held is None:
            held = self._spare.take_place(key, owner, places, now + seconds, now)
        try:
            yield held
        finally:
            if held:
                self._shared(lambda store: store.leave_place(key, owner))
                self._spare.leave_place(key, owner)


@lru_cache(maxsize=1)
def shared_counters() -> Counters:
    """The counters of this portal, as the settings say."""
    if settings.REDIS_URL:
        return Counters(RedisStore(settings.REDIS_URL))
    return Counters(FileStore(Path(settings.DATA_DIR) / "counters.sqlite3"))
