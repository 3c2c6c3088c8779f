"""What the authorization server tells other rooms at start."""

from typing import Any

from django.dispatch import receiver

from apps.accounts.signin import password_set
from apps.exchange.authorization import (
    answers,
    ending,
    logos,  # noqa: F401  its kind of job registers itself
)


@receiver(password_set, dispatch_uid="exchange.end_access")
def _end_access(sender: Any, user: Any, **kwargs: Any) -> None:
    """All access of apps ends with the password (SEC-44)."""
    ending.end_with_password(user)


answers.register()
