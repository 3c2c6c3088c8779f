"""Roles, and the one place that says which role may do what (reliability, section 7)."""

from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User


class Role(models.TextChoices):
    """A role is a group of this name; one person may have several."""

    LEARNER = "learner", _("Student")
    ADVISOR = "advisor", _("Advisor")
    REGISTRAR = "registrar", _("Registrar")
    APPROVER = "approver", _("Approver")
    REVIEWER = "reviewer", _("Reviewer")
    ADMIN = "admin", _("Administrator")
    EMPLOYER = "employer", _("Employer")


STAFF_ROLES = frozenset({Role.REGISTRAR, Role.APPROVER, Role.REVIEWER, Role.ADMIN})
"""Roles that work in the admin."""


def roles_of(user: Any) -> frozenset[str]:
    """The names of the user's roles, asked of the database once per user object."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return frozenset()
    known: frozenset[str] | None = getattr(user, "_roles", None)
    if known is None:
        known = frozenset(user.groups.values_list("name", flat=True))
        user._roles = known
    return known


def has_role(user: Any, *roles: str) -> bool:
    """Whether the user has at least one of the roles."""
    return bool(roles_of(user) & {str(role) for role in roles})


def give_roles(user: User, *roles: str) -> None:
    """Adds the user to the groups of the roles and lets staff roles into the admin."""
    for role in roles:
        user.groups.add(Group.objects.get_or_create(name=str(role))[0])
    if set(roles) & STAFF_ROLES and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    if hasattr(user, "_roles"):
        del user._roles
