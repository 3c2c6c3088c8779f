"""The Django application `jobs`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.jobs"
    label = "jobs"
    verbose_name = "Background work"
