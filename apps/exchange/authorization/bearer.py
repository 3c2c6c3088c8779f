"""Who calls an API with a token: the door of every protocol of exchange (SEC-45).

A view names `Bearer` as its authentication and `scopes(…)` as its permission; `request.auth` is then the
`AccessToken`, `request.auth.consent.records()` what it may see, `request.user` the learner who consented. Refusals
are exceptions of REST framework with the codes of RFC 6750; each protocol gives them its own body.
"""

import hashlib
import re
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.exchange.models import AccessToken

REALM = "clrportal"
_TOKEN = re.compile(rb"[A-Za-z0-9\-._~+/]{16,512}=*")  # b64token of RFC 6750, in the length of ours


class InvalidToken(AuthenticationFailed):
    """401: the token is unknown, expired or ended, or stands where no token may stand."""

    default_code = "invalid_token"
    default_detail = _("This access token is not valid: it is unknown, expired, or access was ended.")


class InsufficientScope(APIException):
    """403 (401 in Badge Connect): the token is good, but its learner did not allow this."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "insufficient_scope"
    default_detail = _("This access token does not carry the scope that is needed here.")

    def __init__(self, needed: tuple[str, ...]) -> None:
        super().__init__()
        self.needed = needed


_LOOKED_AT = (
    *("scope", "expires", "family", "user_id", "application_id", "consent_id"),
    *(f"user__{name}" for name in ("is_active", "email", "name", "public_id")),
    *(f"consent__{name}" for name in ("public_id", "user_id", "client_id", "client_name", "client_host")),
    *(f"consent__{name}" for name in ("scope", "all_records", "withdrawn_at", "last_used_at")),
    *(f"consent__client__{name}" for name in ("public_id", "client_id", "host", "name", "last_used_at")),
)
"""What each request with a token looks at; anything else of these rows is loaded when it is asked for."""


def challenge(error: str = "", scope: str = "") -> str:
    """The value of `WWW-Authenticate` (RFC 6750, section 3); `error` stays empty where no token was sent."""
    parts = [f'Bearer realm="{REALM}"']
    if error:
        parts.append(f'error="{error}"')
    if scope:
        parts.append(f'scope="{scope}"')
    return ", ".join(parts)


def find(token: str) -> AccessToken | None:
    """The access token of this text when it may be used now: not expired, its consent holds, its person is active."""
    found: AccessToken | None = (
        AccessToken.objects.select_related("consent__client", "user")
        .only(*_LOOKED_AT)
        .filter(token_checksum=hashlib.sha256(token.encode()).hexdigest(), application__pk=F("consent__client"))
        .first()
    )
    if found is not None:  # the same rows by another way: they are not asked for twice
        found.application = found.consent.client
        if found.user_id == found.consent.user_id:
            found.consent.user = found.user
    if found is None or found.is_expired() or not found.consent.is_active or found.user_id != found.consent.user_id:
        return None
    return found


class Bearer(BaseAuthentication):
    """Access tokens in the Authorization header, and nowhere else."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        """The learner and the token; None without a header; raises `InvalidToken`."""
        scheme, _blank, credentials = get_authorization_header(request).strip().partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not _TOKEN.fullmatch(credentials.strip()):
            raise InvalidToken
        found = find(credentials.strip().decode("ascii"))
        if found is None:
            raise InvalidToken
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401; it names an error only when a token was sent (RFC 6750, 3.1)."""
        return challenge("invalid_token" if get_authorization_header(request) else "")


def scopes(*needed: str) -> type[BasePermission]:
    """A permission: the token carries all of these scopes. Without a token 401, with too little 403."""

    class HasScopes(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            token = request.auth
            if not isinstance(token, AccessToken):
                return False
            if not set(needed) <= set(token.scope.split()):
                raise InsufficientScope(needed)
            return True

    return HasScopes


def token_key(request: Any) -> str:
    """What the rate of an API counts (SEC-59): the token, else the address; for `limited(API, by=token_key)`."""
    from apps.network.limits import asker_of

    sent = request.headers.get("Authorization", "")
    return hashlib.sha256(sent.encode()).hexdigest() if sent else asker_of(request)
