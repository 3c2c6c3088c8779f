"""The Django application `verification`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.verification"
    label = "verification"
    verbose_name = "Verification"
