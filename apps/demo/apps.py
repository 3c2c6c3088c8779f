"""The Django application `demo`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.demo"
    label = "demo"
    verbose_name = "Demo"
