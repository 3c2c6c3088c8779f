"""One import of a source at a time (ROST-36): a lock that ends with the process that holds it."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

_TAKE = """
    SELECT CASE
        WHEN EXISTS (
            SELECT 1 FROM pg_locks
            WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND objsubid = 1
                AND (classid::bigint << 32 | objid::bigint) = %s
        ) THEN false
        ELSE pg_try_advisory_lock(%s)
    END
"""
"""PostgreSQL gives a session a lock that it has already a second time; an import within an import is refused too."""


class Busy(Exception):
    """Another import of this source is running."""


@contextmanager
def one_import_of(source: str) -> Iterator[None]:
    """Holds the source's lock; raises `Busy` at once when somebody else has it."""
    digest = hashlib.sha256(f"import\n{source}".encode()).digest()
    if connection.vendor == "postgresql":
        key = int.from_bytes(digest[:8], "big", signed=True)
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [key, key])
            if not cursor.fetchone()[0]:
                raise Busy
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
        return
    folder = Path(settings.DATA_DIR) / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / f"import-{digest.hex()[:32]}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            raise Busy from fault
        yield
    finally:
        os.close(handle)
