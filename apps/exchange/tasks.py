"""The tasks of exchange that Celery finds by name."""

from celery import shared_task

from apps.exchange.authorization import ending


@shared_task(name="exchange.sweep")
def sweep() -> dict[str, int]:
    """Once a day: registrations that were never used, codes and tokens that are over (SEC-46)."""
    return ending.sweep()
