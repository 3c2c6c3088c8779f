"""The Django application `accounts`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"
