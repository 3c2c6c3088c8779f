"""What a learner's page in the office shows of records: identity card, earned by term, the next sensible step."""

from itertools import groupby
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Assertion
from apps.issuance.models import Record
from apps.learners.models import Learner

TERMLESS = "￿"
"""Sorts what belongs to no term behind every term."""


def gather(request: HttpRequest, learner: Learner) -> dict[str, Any]:
    """The records with their state, and what stands to the learner's name by term; a constant number of queries."""
    records = (
        Record.objects.visible_to(request.user)
        .filter(learner=learner)
        .with_staleness()
        .select_related("snapshot", "draft__term")
        .defer("snapshot__content")
        .order_by("-pk")
    )
    earned = (
        Assertion.objects.visible_to(request.user)
        .standing()
        .filter(learner=learner)
        .select_related("achievement", "session")
        .prefetch_related("results__achieved_level")
    )
    return {
        "records": list(records),
        "terms": _by_term(list(earned)),
        "cohorts": list(learner.cohorts.all()),
        "may_begin": has_role(request.user, Role.REGISTRAR) and learner.merged_into_id is None,
        "may_invite": has_role(request.user, Role.REGISTRAR, Role.ADMIN) and learner.user_id is None,
    }


def _by_term(earned: list[Assertion]) -> list[tuple[str, list[Assertion]]]:
    """Terms in order of time, what has none last."""

    def key(assertion: Assertion) -> tuple[str, str]:
        if assertion.session is not None:
            return assertion.session.start_date.isoformat(), assertion.session.title
        return TERMLESS, assertion.term

    ordered = sorted(earned, key=lambda one: (*key(one), one.achievement.human_code, one.achievement.name, one.pk))
    return [(title or _("Without a term"), list(rows)) for (_start, title), rows in groupby(ordered, key=key)]


def register() -> None:
    """Puts it on the page that the room of learners has."""
    page: Any = admin.site._registry[Learner]
    page.gather = gather
    page.change_form_outer_before_template = "admin/issuance/learner.html"


register()
