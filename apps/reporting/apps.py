"""The Django application `reporting`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.reporting"
    label = "reporting"
    verbose_name = "Reporting"
