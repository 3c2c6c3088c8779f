"""The Django application `institution`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.institution"
    label = "institution"
    verbose_name = "Institution"

    def ready(self) -> None:
        """Says what must hold before the portal is ready (REL-29)."""
        from apps.institution import erasing, keys
        from apps.network import health

        health.register_check("signing_key", keys.opens)
        health.register_check("erasures", erasing.is_applied)
