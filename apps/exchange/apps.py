"""The Django application `exchange`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.exchange"
    label = "exchange"
    verbose_name = "Exchange"

    def ready(self) -> None:
        """Registers the background work of connections."""
        from apps.exchange import connecting  # noqa: F401  its kind of job and its dispatcher register themselves
