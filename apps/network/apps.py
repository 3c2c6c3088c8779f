"""The Django application `network`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.network"
    label = "network"
    verbose_name = "Network"
