"""A production start refuses unsafe settings, naming all faults at once (SEC-62).

Called by the web application and the worker before they take any work, and by `manage.py check --deploy`.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from apps.accounts.models import User
from apps.network import addresses, health

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "glusterfs"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", None})
DEMO_DOMAIN = "demo.example"
DEMO_PASSWORD = "demo-portal-2026"  # noqa: S105  the one that everybody knows


class UnsafeStart(ImproperlyConfigured):
    """The settings are not fit for production; the text names every fault."""


def refuse_unsafe_start() -> None:
    """Raises `UnsafeStart` in production when anything is amiss; does nothing otherwise."""
    if not settings.PRODUCTION:
        return
    found = [*settings_faults(), *state_faults()]
    if found:
        raise UnsafeStart("The portal does not start in production:\n" + "\n".join(f"- {fault}" for fault in found))


def settings_faults() -> Iterator[str]:
    """What is wrong with the settings and files, without asking the database."""
    if settings.DEBUG:
        yield "DJANGO_DEBUG is on."
    if len(settings.SECRET_KEY) < 50 or len(set(settings.SECRET_KEY)) < 10 or settings.SECRET_KEY.startswith("django-"):
        yield "DJANGO_SECRET_KEY is absent, short or a default; give it 50 random characters."
    if not settings.BASE_URL.startswith("https://"):
        yield "CLRPORTAL_BASE_URL is not https."
    if "*" in settings.ALLOWED_HOSTS or not all(settings.ALLOWED_HOSTS):
        yield "Hosts are not limited to the portal's own."
    if not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        yield "Cookies would be sent over http."
    yield from _kek_faults(Path(settings.KEK_FILE))
    if stat.S_IMODE(Path(settings.DATA_DIR).stat().st_mode) & 0o007:
        yield "Everybody on this machine can read the data folder (CLRPORTAL_DATA_DIR); give it mode 0700."
    if connection.vendor == "sqlite" and file_system_of(Path(settings.DATA_DIR)) in NETWORK_FILE_SYSTEMS:
        yield "SQLite lies on a network folder; use a local disk or PostgreSQL."  # REL-20
    broker = urlsplit(settings.REDIS_URL)
    if settings.REDIS_URL and broker.hostname not in LOOPBACK and not broker.password:
        yield "The broker (REDIS_URL) is on another host and has no password."
    for entry in addresses.inner_exceptions(settings.FETCH_ALLOW):
        yield f"CLRPORTAL_FETCH_ALLOW lets the fetcher into an inner range: {entry}."


def _kek_faults(file: Path) -> Iterator[str]:
    if not file.is_file():
        yield "The key-encryption key (CLRPORTAL_KEK_FILE) is not there."
        return
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield "Others can read the key-encryption key (CLRPORTAL_KEK_FILE); give it mode 0600."
    if file.resolve().is_relative_to(Path(settings.DATA_DIR).resolve()):
        yield "The key-encryption key (CLRPORTAL_KEK_FILE) lies in the data folder; keep it apart from the backups."


def state_faults() -> Iterator[str]:
    """What is wrong with the database and the machine, as readiness sees it, and demo people."""
    for name in health.failing():
        yield f"Not ready: {name} (see /readyz)."
    try:
        demo = list(User.objects.filter(email__iendswith=f"@{DEMO_DOMAIN}", is_active=True))
        staff = [*demo, *User.objects.filter(is_staff=True, is_active=True).exclude(pk__in=[one.pk for one in demo])]
        if demo:
            yield "Demo people are in the database."
        if any(one.check_password(DEMO_PASSWORD) for one in staff[:50]):
            yield "Somebody has the demo password."
    except DatabaseError:
        yield "The people of the database cannot be read."


def file_system_of(folder: Path) -> str:
    """The type of the file system that a folder lies on, by the longest mount above it; empty when unknown."""
    mounts = Path("/proc/mounts")
    if not mounts.is_file():
        return ""
    found, length = "", -1
    target = os.path.realpath(folder)
    for line in mounts.read_text(errors="replace").splitlines():
        _device, point, kind, *_rest = line.split()
        above = point.rstrip("/") + "/"
        if (target + "/").startswith(above) and len(above) > length:
            found, length = kind, len(above)
    return found
