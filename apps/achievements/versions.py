"""Versions of achievements: one that an issued record names never changes, a new version takes its place."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.achievements.models import (
    Achievement,
    AchievementAssociation,
    Alignment,
    BadgeDesign,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.institution import audit

Naming = Callable[[set[int]], set[int]]
"""Of achievements (primary keys), those that an issued or approved record names."""
NAMED_BY_RECORDS: list[Naming] = []
"""The room above that issues registers here."""


def named(achievements: set[int]) -> set[int]:
    """Those of these achievements that may not be edited in place."""
    return {pk for look in NAMED_BY_RECORDS for pk in look(achievements)}


def may_be_edited(achievement: Achievement) -> bool:
    """Whether this version may still be edited in place; otherwise make a `new_version` and edit that."""
    return achievement.replaced_by_id is None and not named({achievement.pk})


def new_version(achievement: Achievement, *, by: Any = None, **changes: Any) -> Achievement:
    """The next version: a copy with possible results, levels, alignments, associations and badge, and these changes.

    What was awarded stays with the version that it was awarded under.
    """
    with transaction.atomic():
        old = Achievement.objects.select_for_update().get(pk=achievement.pk)
        if old.replaced_by_id is not None:
            raise ValueError("There is a newer version already; edit that one.")
        values = {
            each.attname: getattr(old, each.attname)
            for each in Achievement._meta.concrete_fields
            if each.attname not in {"id", "public_id", "version", "replaced_by_id", "created_at", *changes}
        }
        retired, old.retired_at = old.retired_at, timezone.now()
        old.save(update_fields=["retired_at"])  # frees the place of the course's current achievement
        fresh = Achievement.objects.create(**{**values, **changes, "version": old.version + 1, "retired_at": retired})
        old.replaced_by, old.retired_at = fresh, retired
        old.save(update_fields=["replaced_by", "retired_at"])
        copy_parts(old, fresh)
        audit.record("achievement.version", fresh, by, replaces=str(old.public_id), version=fresh.version)
    return fresh


def copy_parts(old: Achievement, fresh: Achievement) -> None:
    """Copies possible results with their levels, alignments, associations, and the design of the badge."""
    design = BadgeDesign.objects.filter(achievement=old).first()
    if design is not None:
        design.pk, design.achievement, design._state.adding = None, fresh, True
        design.save()
    for description in old.result_descriptions.prefetch_related("alignments", "rubric_criterion_levels__alignments"):
        copied = ResultDescription.objects.create(
            achievement=fresh,
            name=description.name,
            result_type=description.result_type,
            allowed_values=description.allowed_values,
            value_min=description.value_min,
            value_max=description.value_max,
            required_value=description.required_value,
            position=description.position,
        )
        _copy_alignments(description.alignments.all(), result_description=copied)
        for level in description.rubric_criterion_levels.all():
            copied_level = RubricCriterionLevel.objects.create(
                result_description=copied,
                name=level.name,
                level=level.level,
                points=level.points,
                description=level.description,
                position=level.position,
            )
            _copy_alignments(level.alignments.all(), level=copied_level)
            if description.required_level_id == level.pk:
                ResultDescription.objects.filter(pk=copied.pk).update(required_level=copied_level)
    _copy_alignments(old.alignments.all(), achievement=fresh)
    for association in old.associations.all():
        AchievementAssociation.objects.create(
            achievement=fresh, association_type=association.association_type, target=association.target
        )
    for association in old.associated_from.all():
        AchievementAssociation.objects.get_or_create(
            achievement=association.achievement, association_type=association.association_type, target=fresh
        )


def _copy_alignments(alignments: Any, **owner: Any) -> None:
    Alignment.objects.bulk_create(
        Alignment(
            **owner,
            item_id=each.item_id,
            target_identifier=each.target_identifier,
            target_name=each.target_name,
            target_url=each.target_url,
            target_code=each.target_code,
            target_description=each.target_description,
            target_framework=each.target_framework,
            target_type=each.target_type,
            position=each.position,
        )
        for each in alignments
    )
