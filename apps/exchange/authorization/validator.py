"""The rules by which codes and tokens are given: what the library leaves open, closed (SEC-40 to SEC-44)."""

import secrets
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes

from apps.exchange.authorization import scopes as offered


def new_token(request: Any = None, refresh_token: bool = False) -> str:
    """A token of 256 random bits (SEC-43)."""
    return secrets.token_urlsafe(32)


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


class Validator(OAuth2Validator):
    """The library's rules, made stricter."""
