"""The Django application `verification`."""

from django.apps import AppConfig
from django.core import checks


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.verification"
    label = "verification"
    verbose_name = "Verification"

    def ready(self) -> None:
        """Let its doors take whole documents, and show its figures to operators."""
        from apps.network import health, limits
        from apps.verification import codes, judging, own, policy, reports  # noqa: F401  reports: the kind of its job

        limits.allow_body(r"/(?:api/)?verify/", limits.VERIFY_BODY, members_only=False)
        health.register_gauge(judging.figures)
        own.register_served(codes.served)
        checks.register(policy.check)
