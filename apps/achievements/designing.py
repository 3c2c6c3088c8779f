"""The look of an achievement's badge: as somebody designed it, else the usual one of its kind."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.achievements import emblems
from apps.achievements.emblems import Emblem
from apps.achievements.models import Achievement, BadgeDesign
from apps.institution import audit, branding, colours, files


def emblem_of(achievement: Achievement, accent: str | None = None) -> Emblem:
    """What its badge is drawn from; `accent` is the institution's colour, asked for when it is not given.

    Raises `files.FileMissing`, `files.FileDamaged` when an uploaded picture is not there any more.
    """
    design = BadgeDesign.objects.filter(achievement=achievement).first()
    accent = accent or branding.current_brand().accent
    if design is None:
        return emblems.usual(achievement.achievement_type, colour=accent, band=achievement.human_code)
    return emblem_in(design, accent)


def emblem_in(design: BadgeDesign, accent: str) -> Emblem:
    """A design as what it is drawn from."""
    return Emblem(
        shape=design.shape,
        colour=design.colour if colours.is_colour(design.colour) else accent,
        icon="" if design.letters else design.icon,
        letters=design.letters,
        band=design.band,
        picture=files.get(design.picture_digest) if design.picture_digest else b"",
    )


def drawn(achievement: Achievement, accent: str | None = None) -> tuple[str, bytes]:
    """The badge of an achievement as SVG and as PNG of 512 points."""
    emblem = emblem_of(achievement, accent)
    drawing = emblems.svg(emblem, label=achievement.name)
    return drawing, emblem.picture or emblems.png(drawing)


def save(design: BadgeDesign, *, by: Any) -> None:
    """Stores a design; badges that were issued keep the picture they were issued with."""
    with transaction.atomic():
        design.changed_at, design.changed_by = timezone.now(), by
        design.save()
        audit.record("badge.designed", design.achievement, by, shape=design.shape, picture=design.picture_digest)


def designed(achievements: Iterable[int]) -> set[int]:
    """Those of these achievements (primary keys) that somebody designed a badge for."""
    rows = BadgeDesign.objects.filter(achievement__in=list(achievements))
    return set(rows.values_list("achievement_id", flat=True))
