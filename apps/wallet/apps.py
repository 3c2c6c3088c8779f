"""The Django application `wallet`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.wallet"
    label = "wallet"
    verbose_name = "Wallet"

    def ready(self) -> None:
        """Lets the verifier find shares by their links; names letters, background work, the copy and the eraser."""
        from apps.network import limits
        from apps.verification import own
        from apps.wallet import letters, owning, receipts, sharing  # noqa: F401  register themselves

        own.register_served(sharing.served)
        owning.register()
        limits.allow_body(r"/wallet/add/", limits.VERIFY_BODY)
