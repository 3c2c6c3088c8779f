"""The cohort's heat map beside one bare SQL aggregate over the same rows, in milliseconds (performance, goals)."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime

from django.db import connection

from apps.achievements.models import (
    Achievement,
    Alignment,
    Assertion,
    Framework,
    FrameworkAssociation,
    FrameworkItem,
    Result,
    ResultDescription,
)
from apps.demo.bench import Row, median_seconds
from apps.institution.models import Organization
from apps.learners.models import Cohort, Learner
from apps.reporting.cohorts import heat_map

AREAS, LEAVES = 12, 100
ACHIEVEMENTS, ALIGNED_TO, EARNED = 300, 4, 30
SIZES = (250, 1_000)
RUNS = 5
BARE = """
    SELECT a.learner_id, t.item_id, COUNT(*)
    FROM achievements_assertion a
    JOIN achievements_alignment t ON t.achievement_id = a.achievement_id
    JOIN learners_cohort_learners c ON c.learner_id = a.learner_id
    WHERE c.cohort_id = %s AND a.withdrawn_at IS NULL
    GROUP BY a.learner_id, t.item_id
"""


def run() -> list[Row]:
    """One row a size of the cohort; what a heat map needs is made first and does not count."""
    chance = random.Random(1)  # noqa: S311  the same rows in each run
    framework = _framework()
    achievements = _achievements(list(framework.items.order_by("pk")), chance)
    rows: list[Row] = []
    for size in SIZES:
        cohort = _cohort(size, achievements, chance)
        people = Learner.objects.filter(cohorts=cohort)
        ours = median_seconds(lambda people=people: heat_map(people, framework), RUNS)  # type: ignore[misc]
        bare = median_seconds(lambda cohort=cohort: _bare(cohort), RUNS)  # type: ignore[misc]
        rows.append(
            {
                "name": "progress",
                "case": f"heat map, {size} learners, {AREAS * (LEAVES + 1)} items",
                "reference": "bare SQL aggregate",
                "value": ours * 1_000,
                "unit": "ms",
                "raw": bare * 1_000,
                "ratio": ours / bare,
                "runs": RUNS,
            }
        )
    return rows


def _bare(cohort: Cohort) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [cohort.pk])
        cursor.fetchall()


def _framework() -> Framework:
    framework = Framework.objects.create(
        identifier=uuid.uuid4(), uri="urn:bench", title="Bench", creator="Bench", last_changed=datetime.now(UTC)
    )
    areas = [_item(framework, f"A{area}") for area in range(AREAS)]
    leaves = [_item(framework, f"A{area}.{leaf}") for area in range(AREAS) for leaf in range(LEAVES)]
    FrameworkItem.objects.bulk_create([*areas, *leaves])
    FrameworkAssociation.objects.bulk_create(
        FrameworkAssociation(
            framework=framework,
            identifier=uuid.uuid4(),
            association_type="isChildOf",
            origin_identifier=str(leaf.identifier),
            destination_identifier=str(areas[index // LEAVES].identifier),
        )
        for index, leaf in enumerate(leaves)
    )
    return framework


def _item(framework: Framework, code: str) -> FrameworkItem:
    return FrameworkItem(
        framework=framework, identifier=uuid.uuid4(), uri="urn:bench", full_statement=code, human_coding_scheme=code
    )


def _achievements(items: list[FrameworkItem], chance: random.Random) -> list[Achievement]:
    issuer = Organization.objects.create(name="Bench")
    made = Achievement.objects.bulk_create(
        Achievement(name=f"Achievement {number}", issuer=issuer) for number in range(ACHIEVEMENTS)
    )
    ResultDescription.objects.bulk_create(
        ResultDescription(achievement=one, name="Grade", result_type="LetterGrade") for one in made
    )
    Alignment.objects.bulk_create(
        Alignment(
            achievement=one,
            item=item,
            target_identifier=str(item.identifier),
            target_name=item.full_statement,
            target_url=item.uri,
        )
        for one in made
        for item in chance.sample(items[AREAS:], ALIGNED_TO)
    )
    return made


def _cohort(size: int, achievements: list[Achievement], chance: random.Random) -> Cohort:
    cohort = Cohort.objects.create(title=f"{size} learners")
    people = [Learner(given_name="Learner", family_name=str(number)) for number in range(size)]
    for one in people:
        one.set_search_fields()
    Learner.objects.bulk_create(people, batch_size=1_000)
    cohort.learners.set(people)
    assertions = Assertion.objects.bulk_create(
        [
            Assertion(learner=one, achievement=achievement)
            for one in people
            for achievement in chance.sample(achievements, EARNED)
        ],
        batch_size=1_000,
    )
    described = dict(ResultDescription.objects.values_list("achievement", "pk"))
    Result.objects.bulk_create(
        [
            Result(
                assertion=assertion,
                result_description_id=described[assertion.achievement_id],
                status=Result.Status.COMPLETED if chance.random() < 0.9 else Result.Status.FAILED,
            )
            for assertion in assertions
        ],
        batch_size=1_000,
    )
    return cohort
