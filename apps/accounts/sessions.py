"""Sessions: kept under the digest of their key, ended when idle or old, renewed when roles change (SEC-54).

The engine is Django's database store with one difference: the table holds the SHA-256 of the key that stands in the
cookie, so that whoever reads a backup cannot use what is in it (I7).
"""

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.permissions import STAFF_ROLES, roles_of

STAFF_IDLE = 30 * 60
OTHERS_IDLE = 12 * 3600
LONGEST = 24 * 3600
NOTED_EVERY = 60
"""Seconds within which further requests of a session are not noted, so that reading pages writes seldom."""


def stored(session_key: str) -> str:
    """The name of a session in the table: SHA-256 in the 40 characters that the column has."""
    return base64.b85encode(hashlib.sha256(session_key.encode()).digest()).decode()


class SessionStore(DatabaseStore):
    """Django's database store, but the table does not hold the keys."""

    def _get_session_from_db(self) -> Any:
        if self.session_key is None:
            return None
        try:
            return self.model.objects.get(session_key=stored(self.session_key), expire_date__gt=timezone.now())
        except self.model.DoesNotExist:
            self._session_key = None
            return None

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return self.model.objects.filter(session_key=stored(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row of this session."""
        row = super().create_model_instance(data)
        row.session_key = stored(row.session_key)
        return cast(Session, row)

    def delete(self, session_key: str | None = None) -> None:
        """Ends a session on the server."""
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=stored(key)).delete()


class SessionAgeMiddleware:
    """Ends sessions that are idle or old, and gives a new id when somebody's roles changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            self._check(request)
        return self._get_response(request)

    def _check(self, request: HttpRequest) -> None:
        now = int(time.time())
        roles = sorted(roles_of(request.user))
        session = request.session
        began = session.get("began")
        seen = session.get("seen", now)
        idle = STAFF_IDLE if STAFF_ROLES & set(roles) or request.user.is_staff else OTHERS_IDLE
        if began is not None and (now - seen > idle or now - began > LONGEST):
            logout(request)
            messages.info(request, _("You were signed out because the page was left alone for a while."))
            return
        if began is None:
            session["began"], session["seen"], session["roles"] = now, now, roles
        elif session.get("roles") != roles:
            session.cycle_key()
            session["roles"] = roles
        if now - seen >= NOTED_EVERY:
            session["seen"] = now
