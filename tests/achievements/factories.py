"""Small things to earn, for tests."""

from typing import Any

from apps.achievements.models import Achievement
from apps.institution.models import Organization


def organization(name: str = "Cedar Fathom College") -> Organization:
    return Organization.objects.get_or_create(name=name)[0]


def achievement(name: str = "Data literacy", **more: Any) -> Achievement:
    return Achievement.objects.create(name=name, issuer=organization(), **more)
