"""The Django application `wallet`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.wallet"
    label = "wallet"
    verbose_name = "Wallet"
