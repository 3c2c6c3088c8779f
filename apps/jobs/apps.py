"""The Django application `jobs`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django, and the outbox with the rooms below it that write letters."""

    name = "apps.jobs"
    label = "jobs"
    verbose_name = "Background work"

    def ready(self) -> None:
        """Takes over the letters of the accounts; tells the edge when letters lie too long."""
        from apps.accounts import inviting, signin, telling  # noqa: F401  their letters register themselves
        from apps.jobs import clock, outbox, retention  # noqa: F401  the rules register themselves
        from apps.network import health

        for kind in telling.LETTERS:
            outbox.take_over(kind, telling.LETTERS[kind])
        telling.deliver_through(outbox.put)
        health.register_check("outbox", outbox.is_being_emptied)
        health.register_check("worker_clock", clock.workers_agree)
