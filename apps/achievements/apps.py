"""The Django application `achievements`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.achievements"
    label = "achievements"
    verbose_name = "Achievements"
