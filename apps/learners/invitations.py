"""Inviting learners to their own sign-in, one, a selection or a class at a time; an import never makes one."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from apps.accounts import inviting
from apps.accounts.models import Invitation, User
from apps.institution import audit
from apps.learners.models import Learner


@dataclass(slots=True)
class Invited:
    """What became of a request to invite: how many letters, and who got none and why."""

    count: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """Learner's name to reason."""


def invite(learners: Iterable[Learner], *, by: User) -> Invited:
    """Invites those who have an address and no account yet; earlier links of theirs stop working."""
    outcome = Invited()
    wanted: list[tuple[str, Learner]] = []
    taken: set[str] = set()
    for learner in learners:
        address = learner.email.strip()
        if learner.user_id is not None:
            outcome.left_out[learner.name] = _("has a sign-in already")
        elif not address:
            outcome.left_out[learner.name] = _("has no e-mail address")
        elif address.casefold() in taken:
            outcome.left_out[learner.name] = _("shares the address of somebody else in this selection")
        else:
            taken.add(address.casefold())
            wanted.append((address, learner))
    outcome.count = len(inviting.invite_many([(address, learner.public_id) for address, learner in wanted], by=by))
    return outcome


@inviting.on_accept
def link(invitation: Invitation, user: User) -> None:
    """Makes the learner who was invited belong to the account; raises `NotOpen` where that cannot be."""
    if invitation.kind != Invitation.Kind.LEARNER or invitation.subject_id is None:
        return
    learner = Learner.objects.select_for_update().filter(public_id=invitation.subject_id).first()
    if learner is None or learner.user_id == user.pk:
        return
    if learner.user_id is not None or Learner.objects.filter(user=user).exists():
        raise inviting.NotOpen(
            _("This account already belongs to a learner. Nothing was changed; the office can bring the two together.")
        )
    learner.user = user
    learner.save(update_fields=["user"])
    if not user.name:
        user.name = learner.shown_name[:255]
        user.save(update_fields=["name"])
    audit.record("learner.linked", learner, user, user=str(user.public_id))
