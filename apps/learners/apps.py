"""The Django application `learners`."""

from django.apps import AppConfig


class Config(AppConfig):
    """Registers the room with Django."""

    name = "apps.learners"
    label = "learners"
    verbose_name = "Learners"
