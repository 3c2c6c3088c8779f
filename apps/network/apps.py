"""The Django application `network`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.network"
    label = "network"
    verbose_name = "Network"

    def ready(self) -> None:
        """Register what the edge knows about its own readiness."""
        from apps.network import health

        health.register_own()
