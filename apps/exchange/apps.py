"""The Django application `exchange`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.exchange"
    label = "exchange"
    verbose_name = "Exchange"
