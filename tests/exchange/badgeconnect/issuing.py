"""Badges of a running portal's demo student, made as if the student had asked for them."""

from tests.portal import Portal

_MAKE = """
from apps.issuance import badges
made = []
for assertion in badges.Assertion.objects.filter(learner__user__email="student@demo.example").order_by("pk"):
    record = badges.record_holding(assertion)
    if record is not None and len(made) < {count}:
        made.append(badges.make(record, assertion))
print("MADE", len(made))
"""


def issue_badges(portal: Portal, count: int) -> None:
    """Makes some badges for the demo student."""
    done = portal.manage("shell", "-c", _MAKE.format(count=count))
    assert f"MADE {count}" in done.stdout, done.stdout + done.stderr
