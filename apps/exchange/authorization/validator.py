"""The rules by which codes and tokens are given: oauthlib asks, the tables answer (SEC-40 to SEC-44).

The library's own validator compares and stores codes in clear, takes a `plain` challenge, answers a refresh that came
twice at once with an empty token and stumbles over a header that is no base64; so each answer is given here.
"""

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from oauth2_provider.models import set_token_value
from oauth2_provider.oauth2_backends import get_oauthlib_core
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauthlib.oauth2.rfc6749 import errors

from apps.exchange.authorization import ending
from apps.exchange.authorization import scopes as offered
from apps.exchange.models import AccessToken, Client, ClientConsent, Grant, RefreshToken

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""What SHA-256 gives in base64url without padding (RFC 7636, 4.2)."""
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)


def new_token(request: Any = None, refresh_token: bool = False) -> str:
    """A token of 256 random bits (SEC-43)."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """What is stored of a code or token: SHA-256, hexadecimal (SEC-43)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def server() -> Any:
    """The library's endpoints with the rules of this module."""
    made = get_oauthlib_core().server
    made.auth_grant.register_code_modifier(_longer_code)
    return made


def _longer_code(grant: dict[str, Any], token_handler: Any, request: Any) -> dict[str, Any]:
    """The library's codes have 178 random bits; ours 256 (SEC-43)."""
    return {**grant, "code": new_token()}


class OfferedScopes(BaseScopes):
    """The scopes of the standards; a client gets those that it registered for."""

    def get_all_scopes(self) -> dict[str, str]:
        """Every scope with its meaning."""
        return {scope: str(meaning.sentence) for scope, meaning in offered.MEANINGS.items()}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """What this client may ask for."""
        return offered.known(application.scopes) if application is not None else []

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """None: a request names its scopes."""
        return []


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent to say who it is; `by`: `basic` or `post`."""

    client_id: str
    secret: str
    by: str


class UsedTwice(Exception):
    """A code or refresh token came a second time; all that came of its consent ends."""

    def __init__(self, consent: ClientConsent) -> None:
        super().__init__("used twice")
        self.consent = consent


def credentials(request: Any) -> Credentials | None:
    """Id and secret of an oauthlib request; None where there are none, or none that can be read (RFC 6749, 2.3.1)."""
    header = request.headers.get("Authorization", "")
    if header:
        found = _BASIC.fullmatch(header.strip())
        if not found:
            return None
        try:
            text = base64.b64decode(found[1], validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return None
        client_id, colon, secret = text.partition(":")
        return Credentials(unquote_plus(client_id), unquote_plus(secret), "basic") if colon else None
    if request.client_id and request.client_secret:
        return Credentials(request.client_id, request.client_secret, "post")
    return None


class Validator(OAuth2Validator):
    """The answers to oauthlib's questions, in the order in which it asks them."""

    # --- Who the client is ------------------------------------------------------------------------------

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Always: every client of the profile has a secret (BC-P-17)."""
        return True

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the secret is the client's; in the body only where the field needs it (BC-P-17, digest B10)."""
        sent = credentials(request)
        if sent is None or "\x00" in sent.client_id:
            return False
        if sent.by == "post" and getattr(request, "grant_type", None) == "authorization_code":
            return False  # BC-P-17: Basic alone for the exchange of a code
        if sent.by == "basic" and request.client_id and request.client_id != sent.client_id:
            return False
        client = Client.objects.filter(client_id=sent.client_id).first()
        if client is None or not check_password(sent.secret, client.client_secret):
            return False
        request.client, request.client_id = client, client.client_id
        return True

    def authenticate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """No: there are no clients without a secret."""
        return False

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether there is such a client."""
        if request.client is None and "\x00" not in client_id:
            request.client = Client.objects.filter(client_id=client_id).first()
        return request.client is not None and request.client.client_id == client_id

    # --- What it asks for -------------------------------------------------------------------------------

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the very text was registered (SEC-41)."""
        return bool(request.client.redirect_uri_allowed(redirect_uri))

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """None: the address must be named (BC-P-13)."""
        return None

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Code alone (SEC-40)."""
        return response_type == "code"

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Always (SEC-40)."""
        return True

    def validate_scopes(
        self, client_id: str, scopes: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client registered for all of these, and they are offered (CLR1-AS-04)."""
        return bool(scopes) and set(scopes) <= set(offered.known(client.scopes))

    def is_origin_allowed(self, client_id: str, origin: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """No (SEC-57)."""
        return False

    # --- The code ---------------------------------------------------------------------------------------

    def save_authorization_code(self, client_id: str, code: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Stores the digest of a code with all that it is bound to (SEC-40); `request.consent` was given before."""
        consent: ClientConsent = request.consent
        Grant.objects.create(
            application=request.client,
            user=request.user,
            code=digest(code["code"]),
            expires=timezone.now() + timedelta(seconds=settings.OAUTH2_PROVIDER["AUTHORIZATION_CODE_EXPIRE_SECONDS"]),
            redirect_uri=request.redirect_uri,
            scope=consent.scope,
            code_challenge=request.code_challenge,
            code_challenge_method="S256",
            consent=consent,
            family=consent.public_id,
        )

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Codes for all, refreshing for clients that registered for it (CLR1-AS-11)."""
        return grant_type == "authorization_code" or (grant_type == "refresh_token" and bool(client.may_refresh))

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the code is this client's, fresh, and its challenge and address fit (SEC-40, BC-P-18)."""
        if request.redirect_uri is None or request.code_verifier is None:
            raise errors.InvalidRequestError(description="redirect_uri and code_verifier are needed.", request=request)
        grant = Grant.objects.select_related("consent__client", "consent__user").filter(code=digest(code)).first()
        if grant is None or grant.application_id != client.pk:
            return False
        if grant.used_at is not None:
            ending.end([grant.consent], ClientConsent.Ended.MISUSED)
            return False
        request.grant, request.user, request.scopes = grant, grant.user, grant.scope.split()
        return (
            not grant.is_expired()
            and grant.consent.is_active
            and grant.consent.client_version == client.version
            and request.redirect_uri == grant.redirect_uri
            and _fits(request.code_verifier, grant.code_challenge)
        )

    def get_code_challenge(self, code: str, request: Any) -> str:
        """The challenge, for oauthlib's own look."""
        return str(request.grant.code_challenge)

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        """Always SHA-256."""
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether it is the address of the authorization."""
        return bool(redirect_uri == request.grant.redirect_uri)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing more: `save_bearer_token` marked it as used in the transaction of its tokens."""

    # --- Refreshing -------------------------------------------------------------------------------------

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether it is this client's and may be used now; one used before ends all of its consent (SEC-44)."""
        found = (
            RefreshToken.objects.select_related("consent__client", "consent__user")
            .filter(token_checksum=digest(refresh_token))
            .order_by("-pk")
            .first()
        )
        if found is None or found.application_id != client.pk:
            return False
        if found.revoked is not None:
            ending.end([found.consent], ClientConsent.Ended.MISUSED)
            return False
        request.user, request.refresh_token_instance = found.user, found
        # SEC-48: what the client says of itself has grown, so the learner is asked again.
        return not found.is_over and found.consent.is_active and found.consent.client_version == client.version

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> str:
        """What was allowed and is still registered."""
        allowed = request.refresh_token_instance.scope.split()
        return " ".join(scope for scope in allowed if scope in request.client.scopes)

    def is_within_original_scope(
        self, request_scopes: Any, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """No more than oauthlib found: scope never grows (SEC-44)."""
        return False

    # --- Tokens -----------------------------------------------------------------------------------------

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Stores the digests of new tokens and uses up what they were given for, in one transaction under its lock."""
        try:
            with transaction.atomic():
                if request.grant_type == "authorization_code":
                    self._swap_code(token, request)
                else:
                    self._swap_refresh_token(token, request)
                now = timezone.now()
                Client.objects.filter(pk=request.client.pk).update(last_used_at=now)
        except UsedTwice as twice:
            ending.end([twice.consent], ClientConsent.Ended.MISUSED)
            raise errors.InvalidGrantError(request=request) from None

    def _swap_code(self, token: Any, request: Any) -> None:
        # The consent's row first, here as in `ending`: who waits for both waits in one order.
        consent = ClientConsent.objects.select_for_update().get(pk=request.grant.consent_id)
        grant = Grant.objects.select_for_update().get(pk=request.grant.pk)
        if grant.used_at is not None:
            raise UsedTwice(consent)
        if not consent.is_active:
            raise errors.InvalidGrantError(request=request)
        Grant.objects.filter(pk=grant.pk).update(used_at=timezone.now())
        access = _store_access(token, request, consent)
        if offered.OFFLINE_ACCESS in request.scopes and request.client.may_refresh:  # CLR1-AS-11
            _store_refresh(token, request, consent, access, began_at=timezone.now(), scope=consent.scope)
        else:
            token.pop("refresh_token", None)

    def _swap_refresh_token(self, token: Any, request: Any) -> None:
        consent = ClientConsent.objects.select_for_update().get(pk=request.refresh_token_instance.consent_id)
        old = RefreshToken.objects.select_for_update().get(pk=request.refresh_token_instance.pk)
        if old.revoked is not None:  # F30: both came at once, and this is the second
            raise UsedTwice(consent)
        if not consent.is_active:
            raise errors.InvalidGrantError(request=request)
        former = old.access_token_id
        RefreshToken.objects.filter(pk=old.pk).update(revoked=timezone.now(), access_token=None)
        AccessToken.objects.filter(pk=former).delete()
        access = _store_access(token, request, consent)
        _store_refresh(token, request, consent, access, began_at=old.began_at, scope=old.scope)

    # --- Giving back ------------------------------------------------------------------------------------

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Ends a token of this client; with its refresh token ends the access as a whole (RFC 7009, 2.1)."""
        found = RefreshToken.objects.filter(token_checksum=digest(token), application=request.client).first()
        if found is not None:
            ending.end([found.consent], ClientConsent.Ended.RETURNED)
            return
        access = AccessToken.objects.filter(token_checksum=digest(token), application=request.client).first()
        if access is None:
            return
        access.delete()
        if not RefreshToken.objects.filter(consent=access.consent_id, revoked=None).exists():
            ending.end([access.consent], ClientConsent.Ended.RETURNED)


def _fits(verifier: str, challenge: str) -> bool:
    """Whether SHA-256 of the verifier is the challenge (RFC 7636, 4.6)."""
    if not VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()
    return constant_time_compare(made, challenge)


def _store_access(token: Any, request: Any, consent: ClientConsent) -> AccessToken:
    row = AccessToken(
        user=request.user,
        application=request.client,
        consent=consent,
        family=consent.public_id,
        scope=token["scope"],
        expires=timezone.now() + timedelta(seconds=token["expires_in"]),
    )
    set_token_value(row, token["access_token"])
    row.save()
    ClientConsent.objects.filter(pk=consent.pk).update(last_used_at=timezone.now())
    return row


def _store_refresh(
    token: Any, request: Any, consent: ClientConsent, access: AccessToken, *, began_at: Any, scope: str
) -> None:
    row = RefreshToken(
        user=request.user,
        application=request.client,
        consent=consent,
        access_token=access,
        token_family=consent.public_id,
        began_at=began_at,
        scope=scope,
    )
    set_token_value(row, token["refresh_token"])
    row.save()
