"""The Django application `issuance`."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate


class Config(AppConfig):
    """Registers the room with Django, and what it keeps in place in the database."""

    name = "apps.issuance"
    label = "issuance"
    verbose_name = "Issuance"

    def ready(self) -> None:
        """Watches migrations (REL-15)."""
        from apps.institution import audit
        from apps.issuance import badges, depending, documents, erasing, immutability, revoking, specimen, telling
        from apps.network import health

        pre_migrate.connect(immutability.before_migrate, sender=self, dispatch_uid="issuance.triggers_off")
        post_migrate.connect(immutability.after_migrate, sender=self, dispatch_uid="issuance.triggers_on")
        register(immutability.check_triggers, Tags.database)
        health.register_check("triggers", immutability.is_ready)
        audit.EXAMINERS.append(documents.examine)
        audit.EXAMINERS.append(badges.examine)
        badges.register()
        depending.register()
        erasing.register()
        revoking.register()
        specimen.register()
        telling.register()
