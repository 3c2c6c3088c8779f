"""The Django application `institution`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.institution"
    label = "institution"
    verbose_name = "Institution"
