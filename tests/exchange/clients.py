"""Programs that ask for records, and the tokens that learners gave them."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.models import set_token_value

from apps.exchange.models import AccessToken, Client, ClientConsent
from apps.issuance.models import Record

ALL_SCOPES = " ".join(
    [
        *(f"https://purl.imsglobal.org/spec/clr/v1p0/scope/{name}" for name in ("readonly", "replace", "delete")),
        *(
            f"https://purl.imsglobal.org/spec/ob/v2p1/scope/{name}"
            for name in ("assertion.readonly", "assertion.create", "profile.readonly", "profile.update")
        ),
        "offline_access",
    ]
)


def registered(host: str = "wallet.example", **changed: Any) -> Client:
    """A client as a registration leaves it; its secret is `secret` + the host."""
    made = {
        "host": host,
        "name": "Wallet of tests",
        "client_uri": f"https://{host}/",
        "logo_uri": f"https://{host}/logo.png",
        "tos_uri": f"https://{host}/terms",
        "policy_uri": f"https://{host}/privacy",
        "redirect_uris": f"https://{host}/callback",
        "software_id": "tests",
        "software_version": "1",
        "scope": ALL_SCOPES,
        "may_refresh": True,
        "client_type": Client.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": Client.GRANT_AUTHORIZATION_CODE,
        "client_secret": f"secret-{host}",
        "registration_token_digest": hashlib.sha256(f"management-{host}".encode()).hexdigest(),
        **changed,
    }
    return Client.objects.create(**made)


def consented(user: Any, client: Client, *scopes: str, records: Iterable[Record] | None = None) -> ClientConsent:
    """A learner's consent; without `records` it covers all."""
    consent = ClientConsent.objects.create(
        user=user,
        client=client,
        client_name=client.name,
        client_host=client.host,
        client_version=client.version,
        scope=" ".join(scopes),
        all_records=records is None,
    )
    consent.chosen_records.set(records or [])
    return consent


def token_of(consent: ClientConsent, *, seconds: int = 3600) -> tuple[str, AccessToken]:
    """A token of this consent, as text and as row."""
    text = secrets.token_urlsafe(32)
    row = AccessToken(
        user=consent.user,
        application=consent.client,
        consent=consent,
        scope=consent.scope,
        expires=timezone.now() + timedelta(seconds=seconds),
    )
    set_token_value(row, text)
    row.save()
    return text, row
