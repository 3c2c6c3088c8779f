"""The Django application `issuance`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.issuance"
    label = "issuance"
    verbose_name = "Issuance"
