"""The Django application `learners`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.learners"
    label = "learners"
    verbose_name = "Learners"

    def ready(self) -> None:
        """Names the kinds of background work and lets uploads of bundles be large."""
        from apps.learners import (
            erasing,
            invitations,  # noqa: F401  what happens on acceptance registers itself
        )
        from apps.learners.importing import jobs  # noqa: F401  the kinds register themselves
        from apps.network import limits

        erasing.register()
        limits.allow_body(r"/admin/learners/importrun/upload/", limits.IMPORT_BODY)
