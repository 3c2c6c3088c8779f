"""Tables of exchange: what other systems may do here, and what we hold of them."""

from apps.exchange.models.authorization import AccessToken, Client, Consent, Grant, RefreshToken

__all__ = ["AccessToken", "Client", "Consent", "Grant", "RefreshToken"]
