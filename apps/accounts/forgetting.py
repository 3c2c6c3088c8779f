"""Forgetting a person who signed in: the row stays, because others name it; nobody is in it any more (PRIV-05)."""

from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.accounts.models import Invitation, User
from apps.accounts.permissions import Role, roles_of

NOBODY = "erased.invalid"


def forget_user(user: User) -> bool:
    """Takes the person out of an account and ends its sessions; not where somebody works here too."""
    if set(roles_of(user)) - {Role.LEARNER} or user.is_staff or user.is_superuser:
        return False
    user.email, user.name, user.language = f"{user.public_id}@{NOBODY}", "", ""
    user.is_active = False
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.history.all().delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
    return True


def forget_invitations(subject_id: UUID) -> int:
    """Takes the address out of the invitations of a learner, and ends their links."""
    found = Invitation.objects.filter(subject_id=subject_id)
    found.filter(withdrawn_at=None, accepted_at=None).update(withdrawn_at=timezone.now())
    return found.exclude(email=f"nobody@{NOBODY}").update(email=f"nobody@{NOBODY}")
