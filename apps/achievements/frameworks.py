"""Competency frameworks as people use them: the tree, search, progress made ready, alignment (D6, D7, D12, G2).

A framework's tree and roll-up are worked out once per state of the store and kept in memory: an import, or its
undo, gives a framework another state, so nothing has to be cleared.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.achievements.models import (
    Achievement,
    Alignment,
    Framework,
    FrameworkAssociation,
    FrameworkItem,
    FrameworkRubric,
    FrameworkRubricCriterion,
    FrameworkRubricLevel,
    Result,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.achievements.rollup import CARRIERS, Link, Node, Rollup, compile_rollup
from apps.learners.models import searchable
from apps.standards import markdown
from apps.standards.case import tree
from apps.standards.case.model import is_uuid

KEPT_TREES = 8
NAME_LIMIT = 255
LINE_LIMIT = 240
FOUND_LIMIT = 100
DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as a line of the tree: code, plain text of the statement, type, state."""

    pk: int
    identifier: str
    code: str
    text: str
    item_type: str
    is_retired: bool
    language: str = ""

    @property
    def label(self) -> str:
        """Code and text in one line."""
        return f"{self.code} {self.text}".strip()


@dataclass(frozen=True)
class FrameworkTree:
    """A framework in its order (D6). Identifiers are lower case; ``top`` is the document's.

    The roll-up is worked out when it is first asked for: whoever only browses does not pay for it.
    """

    framework_id: int
    title: str
    top: str
    entries: Mapping[str, Entry]
    order: tree.OrderedTree
    nodes: Sequence[Node]
    links: Sequence[Link]

    @cached_property
    def rollup(self) -> Rollup:
        """The framework made ready for counting."""
        return compile_rollup(self.top, self.nodes, self.links)

    def children(self, identifier: str | None = None) -> list[Entry]:
        """Items directly below an item, or at the top, in display order."""
        return [self.entries[child] for child in self.order.children.get(identifier or self.top, ())]

    def counted(self, identifier: str | None = None) -> list[Entry]:
        """The children that progress is counted on: neither retired nor the translation of another item."""
        return [
            entry
            for entry in self.children(identifier)
            if not entry.is_retired and entry.identifier not in self.rollup.originals
        ]

    def has_children(self, identifier: str) -> bool:
        """Whether anything lies below an item."""
        return bool(self.order.children.get(identifier))

    def number(self, identifier: str) -> str:
        """The smart level of an item, such as ``3.6.2.1``; empty for one that left the framework."""
        return self.order.smart_levels.get(identifier, "")

    def path(self, identifier: str) -> list[Entry]:
        """The items above an item on the way that breadcrumbs show, from the top; the item is not in it."""
        way: list[Entry] = []
        above = self.order.main_parent.get(identifier)
        while above is not None and above != self.top and len(way) < len(self.entries):
            way.append(self.entries[above])
            above = self.order.main_parent.get(above)
        return way[::-1]


def tree_of(framework: Framework) -> FrameworkTree:
    """The tree of a framework as it is stored now; one query when it is known already, four otherwise."""
    states = tuple(Framework.objects.order_by("pk").values_list("pk", "import_run__public_id"))
    return _tree(framework.pk, states, timezone.localdate())


@lru_cache(maxsize=KEPT_TREES)
def _tree(framework_id: int, states: tuple[tuple[int, uuid.UUID | None], ...], today: date) -> FrameworkTree:
    """The state of all frameworks is part of the key: equivalences lead from one to another."""
    framework = Framework.objects.get(pk=framework_id)
    top = str(framework.identifier)
    entries: dict[str, Entry] = {}
    leaflets: list[tree.Leaflet] = []
    nodes: list[Node] = []
    columns = (
        "pk",
        "identifier",
        "human_coding_scheme",
        "list_enumeration",
        "full_statement",
        "abbreviated_statement",
        "item_type",
        "language",
        "status_end_date",
        "retired_at",
    )
    for item in framework.items.only(*columns).iterator(chunk_size=2_000):
        identifier = str(item.identifier)
        is_retired = item.retired_at is not None or bool(item.status_end_date and item.status_end_date < today)
        entries[identifier] = Entry(
            pk=item.pk,
            identifier=identifier,
            code=item.human_coding_scheme,
            text=markdown.to_text(item.full_statement, LINE_LIMIT),
            item_type=item.item_type,
            is_retired=is_retired,
            language=item.language,
        )
        nodes.append(
            Node(
                identifier,
                is_retired=is_retired,
                is_in_main_language=not item.language or item.language == framework.language,
            )
        )
        if item.retired_at is None:
            leaflets.append(
                tree.Leaflet(identifier, item.list_enumeration, item.human_coding_scheme, item.full_statement)
            )
    columns_of_link = ("association_type", "origin_identifier", "destination_identifier", "sequence_number")
    links = list(
        FrameworkAssociation.objects.filter(
            Q(framework=framework) | Q(association_type__in=CARRIERS), retired_at=None
        ).values_list(*columns_of_link)
    )
    return FrameworkTree(
        framework_id=framework.pk,
        title=framework.title,
        top=top,
        entries=entries,
        order=tree.arrange(
            top,
            leaflets,
            [(origin, destination, number) for kind, origin, destination, number in links if kind == "isChildOf"],
        ),
        nodes=nodes,
        links=[Link(kind, origin, destination) for kind, origin, destination, _number in links],
    )


# -- looking up -----------------------------------------------------------------------------------


def listed() -> QuerySet[Framework]:
    """All frameworks with the number of their items that stand, as ``item_count``."""
    return Framework.objects.annotate(item_count=Count("items", filter=Q(items__retired_at=None)))


def search(text: str, *, framework: Framework | None = None, offered: bool = False) -> QuerySet[FrameworkItem]:
    """Items whose code, statement or keywords hold every word of a text, in any script, in NFC (CASE-19, G4).

    A UUID finds its item. ``offered``: only what may be aligned anew (not retired, framework not deprecated, D9).
    """
    found = FrameworkItem.objects.select_related("framework").order_by("framework__title", "pk")
    if framework is not None:
        found = found.filter(framework=framework)
    if offered:
        found = found.filter(
            Q(status_end_date=None) | Q(status_end_date__gte=timezone.localdate()), retired_at=None
        ).exclude(framework__adoption_status__iexact=DEPRECATED)
    words = searchable(text).split()
    if len(words) == 1 and is_uuid(words[0]):
        return found.filter(identifier=words[0])
    for word in words:
        found = found.filter(search_text__contains=word)
    return found if words else found.none()


def related(item: FrameworkItem) -> QuerySet[FrameworkAssociation]:
    """Associations of an item in both directions, of any framework, other than its place in the tree."""
    identifier = str(item.identifier)
    return (
        FrameworkAssociation.objects.filter(
            Q(origin_identifier=identifier) | Q(destination_identifier=identifier), retired_at=None
        )
        .exclude(association_type="isChildOf")
        .select_related("framework", "origin", "destination")
    )


def aligned_achievements(item: FrameworkItem) -> QuerySet[Achievement]:
    """Current achievements that are aligned to an item, themselves or by one of their possible results."""
    identifier = str(item.identifier)
    here = Q(item=item) | Q(target_identifier__iexact=identifier)
    own = Alignment.objects.filter(here, achievement__isnull=False).values("achievement")
    by_result = Alignment.objects.filter(here, result_description__isnull=False).values(
        "result_description__achievement"
    )
    return Achievement.objects.current().filter(Q(pk__in=own) | Q(pk__in=by_result) | Q(competency=item))


def licence_of(framework: Framework) -> tuple[str, str]:
    """Title and text of the licence as the package gave them (D12); empty where it gave none."""
    for entry in framework.definitions.get("CFLicenses") or ():
        if isinstance(entry, dict) and (framework.license in ("", entry.get("title"))):
            return framework.license or str(entry.get("title") or ""), str(entry.get("licenseText") or "")
    return framework.license, ""


# -- aligning (D7, G2) ----------------------------------------------------------------------------

Aligned = Achievement | ResultDescription | RubricCriterionLevel | Result
Target = FrameworkItem | FrameworkRubric | FrameworkRubricCriterion | FrameworkRubricLevel


class NotOffered(Exception):
    """A retired item or a deprecated framework is not offered for new alignments (D9)."""


def alignment_values(target: Target) -> dict[str, Any]:
    """The columns of an alignment to an item, rubric, criterion or level, as of now (D7, G2).

    The alignment keeps them: an issued record does not change when the framework does.
    """
    if isinstance(target, FrameworkItem):
        statement = markdown.to_text(target.abbreviated_statement or target.full_statement, NAME_LIMIT)
        return {
            "item": target,
            "target_type": "CFItem",
            "target_identifier": str(target.identifier),
            "target_name": statement or str(target.identifier),
            "target_url": target.uri,
            "target_code": target.human_coding_scheme[:NAME_LIMIT] or str(target.identifier),
            "target_description": target.full_statement,
            "target_framework": target.framework.title,
        }
    if isinstance(target, FrameworkRubric):
        kind, name, about, framework = "CFRubric", target.title, "", target.framework
        item = None
    elif isinstance(target, FrameworkRubricCriterion):
        kind, name, about = "CFRubricCriterion", target.category or target.description, target.description
        framework, item = target.rubric.framework, target.item
    else:
        kind, name, about = "CFRubricCriterionLevel", target.quality or target.description, target.description
        framework, item = target.criterion.rubric.framework, target.criterion.item
    return {
        "item": item,
        "target_type": kind,
        "target_identifier": str(target.identifier),
        "target_name": markdown.to_text(name, NAME_LIMIT) or str(target.identifier),
        "target_url": target.uri,
        "target_code": str(target.identifier),
        "target_description": about,
        "target_framework": framework.title,
    }


def align(aligned: Aligned, target: Target) -> Alignment:
    """Tie something to be earned, or earned, to a framework (CASE-20); the same tie twice is one.

    Raises ``NotOffered`` for a retired item or an item of a deprecated framework.
    """
    if isinstance(target, FrameworkItem) and not is_offered(target):
        raise NotOffered
    name = {
        Achievement: "achievement",
        ResultDescription: "result_description",
        RubricCriterionLevel: "level",
        Result: "result",
    }[type(aligned)]
    values = alignment_values(target)
    stored, _created = Alignment.objects.get_or_create(
        **{name: aligned, "target_identifier": values.pop("target_identifier")}, defaults=values
    )
    return stored


def is_offered(item: FrameworkItem) -> bool:
    """Whether new alignments to an item are offered (D9)."""
    ended = item.status_end_date is not None and item.status_end_date < timezone.localdate()
    return item.retired_at is None and not ended and item.framework.adoption_status.casefold() != DEPRECATED


def successors(item: FrameworkItem) -> QuerySet[FrameworkItem]:
    """What replaced an item, by replacedBy (D9)."""
    links = FrameworkAssociation.objects.filter(
        association_type="replacedBy", origin_identifier=str(item.identifier), retired_at=None
    )
    names = [name for name in links.values_list("destination_identifier", flat=True) if is_uuid(name)]
    return FrameworkItem.objects.filter(identifier__in=names).select_related("framework")
