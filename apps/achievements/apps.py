"""The Django application `achievements`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django, with imports, and with the jobs."""

    name = "apps.achievements"
    label = "achievements"
    verbose_name = "Achievements"

    def ready(self) -> None:
        """Assertions follow imports; their work is done in jobs; uploads of frameworks may be large."""
        from apps.achievements import endorsement_imports, endorsing, following, granting, uploads  # noqa: F401  their kinds of job register themselves
        from apps.network import limits

        endorsing.register()
        endorsement_imports.register()
        following.register()
        uploads.register()
        limits.allow_body(r"/admin/achievements/framework/import/", limits.IMPORT_BODY)  # SEC-20
