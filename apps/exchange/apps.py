"""The Django application `exchange`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.exchange"
    label = "exchange"
    verbose_name = "Exchange"

    def ready(self) -> None:
        """Registers background work, what we serve at our own addresses, and what the authorization server tells."""
        from apps.exchange import connecting, hosted, hosted_badges, owning, sending  # noqa: F401  register their work
        from apps.exchange.authorization import starting  # noqa: F401  registers itself
        from apps.verification import own

        own.register_served(hosted.served)
        own.register_served(hosted_badges.served)
        from apps.exchange.clr1 import answers, openapi  # noqa: F401  openapi: how bearer tokens are described

        answers.register()
        from apps.exchange.badgeconnect import answers as badge_answers

        badge_answers.register()
        owning.register()
