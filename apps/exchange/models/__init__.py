"""Tables of exchange: what other systems may do here, and what we hold of them."""

from apps.exchange.models.authorization import AccessToken, Client, ClientConsent, Grant, RefreshToken
from apps.exchange.models.connections import Connection, IntakeRequest, Provider, Sending

__all__ = [
    "AccessToken",
    "Client",
    "ClientConsent",
    "Connection",
    "Grant",
    "IntakeRequest",
    "Provider",
    "RefreshToken",
    "Sending",
]
