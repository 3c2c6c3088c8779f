"""The advisor's pages: caseload, one learner's progress, the table of a group. Who is not in care is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Framework
from apps.reporting import cohorts
from apps.reporting.exports import csv_answer
from apps.reporting.progress import LearnerProgress, Line, learner_progress

PAGE_SIZE = 50
OPENED_AT_ONCE = 20


@dataclass(slots=True)
class TreeNode:
    """An item as `components/tree_items.html` shows it; `nodes` are filled where it is open already."""

    line: Line
    href: str
    below: str
    is_chosen: bool
    level: int
    nodes: list[TreeNode] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """The item's identifier."""
        return self.line.entry.identifier

    @property
    def has_children(self) -> bool:
        """Whether it can be opened."""
        return self.line.has_children


@login_required
@require_safe
@never_cache
def caseload(request: HttpRequest) -> HttpResponse:
    """Everybody in care, by need."""
    chosen = _Choice(request)
    cases = chosen.cases()
    groups = cohorts.groups_of(request.user)
    context = {
        "framework": chosen.framework,
        "query": chosen.query,
        "sort": chosen.sort,
        "page": _page(request, cases),
        "everybody": chosen.people.count() if not cases else None,
        "groups": groups,
        "filters": [
            {"name": "framework", "label": _("Framework"), "value": chosen.framework_value, "choices": chosen.offered},
            {
                "name": "group",
                "label": _("Group"),
                "value": chosen.group.key,
                "choices": [(group.key, group.title) for group in groups[1:]],
            },
            {
                "name": "need",
                "label": _("Need"),
                "value": chosen.need,
                "choices": [
                    ("any", _("Something stands out")),
                    ("results", _("Results not passed")),
                    ("progress", _("Little progress")),
                ],
            },
        ],
        "kept": [("sort", chosen.sort)] if chosen.sort != "need" else [],
    }
    return render(request, "reporting/caseload.html", context)


@login_required
@require_safe
@never_cache
def caseload_file(request: HttpRequest) -> HttpResponse:
    """The same table as a file, without whoever withholds directory information."""
    header = [
        _("Learner"), _("Student number"), _("Program"), _("Covered"), _("Of"), _("Not passed"), _("Going on"),
        _("Credits earned"), _("Need"),
    ]  # fmt: skip
    rows = (
        [
            case.learner.shown_name,
            case.learner.student_id,
            case.learner.program.title if case.learner.program else "",
            case.done,
            case.total,
            case.not_passed,
            case.going_on,
            float(case.credits),
            "; ".join(case.needs),
        ]
        for case in _Choice(request).cases()
        if not case.learner.withholds_directory  # a file goes further than a page (PRIV-03)
    )
    return csv_answer("caseload", header, rows)


@login_required
@require_safe
@never_cache
def learner(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One learner: framework tree with roll-up, and the evidence of the chosen item beside it."""
    person = get_object_or_404(cohorts.whose_progress(request.user), public_id=public_id)
    framework, offered = _framework(request)
    if framework is None:
        return render(request, "reporting/learner.html", {"learner": person})
    progress = learner_progress(person, framework)
    chosen = _chosen_item(request, progress)
    done, total = progress.total
    way = [entry.identifier for entry in progress.tree.path(chosen)][:OPENED_AT_ONCE] if chosen else []
    context = {
        "learner": person,
        "framework": framework,
        "done": done,
        "total": total,
        "percent": done * 100 // total if total else 0,
        "nodes": _nodes(progress, None, 1, way, chosen, person, framework),
        "chosen": progress.line(progress.tree.entries[chosen]) if chosen else None,
        "chosen_path": progress.tree.path(chosen)[-OPENED_AT_ONCE:] if chosen else [],
        "grounds": progress.grounds(chosen) if chosen else [],
        "filters": [
            {"name": "framework", "label": _("Framework"), "value": str(framework.identifier), "choices": offered}
        ],
        "is_advisor": has_role(request.user, Role.ADVISOR),
    }
    return render(request, "reporting/learner.html", context)


@login_required
@require_safe
@never_cache
def items_below(request: HttpRequest, public_id: UUID, identifier: UUID) -> HttpResponse:
    """The items below an item of a learner's tree, when it is opened."""
    person = get_object_or_404(cohorts.whose_progress(request.user), public_id=public_id)
    framework, _offered = _framework(request)
    if framework is None:
        raise Http404
    progress = learner_progress(person, framework)
    if str(identifier) not in progress.tree.entries:
        raise Http404
    level = request.GET.get("level", "2")
    number = int(level) if level.isascii() and level.isdigit() and len(level) < 6 else 2
    nodes = _nodes(progress, str(identifier), number, [], None, person, framework)
    return render(
        request, "components/tree_items.html", {"nodes": nodes, "row": "reporting/tree_row.html", "panel": "grounds"}
    )


@login_required
@require_safe
@never_cache
def group(request: HttpRequest, key: str) -> HttpResponse:
    """The table of a group against a framework, with a way down in each column."""
    chosen, framework, offered, groups = _group(request, key)
    context: dict[str, Any] = {
        "group": chosen,
        "groups": groups,
        "framework": framework,
        "filters": [
            {
                "name": "framework",
                "label": _("Framework"),
                "value": str(framework.identifier) if framework else "",
                "choices": offered,
            }
        ],
    }
    if framework is not None:
        table = _table(request, chosen, framework)
        context |= {
            "table": table,
            "page": _page(request, table.rows),
            "columns": list(zip(table.columns, table.means, strict=True)),
            "path": table.tree.path(table.below.identifier) if table.below else [],
            "sort": request.GET.get("sort", ""),
            "kept": [("below", table.below.identifier)] if table.below else [],
            "base": urlencode({"framework": str(framework.identifier)}),
            "has_children": {entry.identifier for entry in table.columns if table.tree.counted(entry.identifier)},
        }
    return render(request, "reporting/group.html", context)


@login_required
@require_safe
@never_cache
def group_file(request: HttpRequest, key: str) -> HttpResponse:
    """The same table as a file, in percent, without whoever withholds directory information."""
    chosen, framework, _offered, _groups = _group(request, key)
    if framework is None:
        raise Http404
    table = _table(request, chosen, framework)
    header = [_("Learner"), _("Student number"), _("All"), *(entry.label for entry in table.columns)]
    rows = (
        [row.learner.shown_name, row.learner.student_id, row.whole.percent, *(cell.percent for cell in row.cells)]
        for row in table.rows
        if not row.learner.withholds_directory  # PRIV-03
    )
    return csv_answer("group", header, rows)


# -- what the request asks for ----------------------------------------------------------------------


class _Choice:
    """The caseload's choices as they stand in the address; 404 for whoever advises nobody by role."""

    def __init__(self, request: HttpRequest) -> None:
        if not has_role(request.user, Role.ADVISOR):
            raise Http404
        self.query = request.GET.get("q", "")[:200]
        self.need = request.GET.get("need", "")
        self.sort = request.GET.get("sort") or "need"
        self.framework, self.offered = _framework(request)
        self.framework_value = str(self.framework.identifier) if self.framework else ""
        self.group = _named_group(request, request.GET.get("group") or cohorts.EVERYBODY)
        self.people = cohorts.members(request.user, self.group)

    def cases(self) -> list[cohorts.Case]:
        """The chosen cases in the chosen order."""
        people = self.people.matching(self.query) if self.query else self.people
        return cohorts.caseload(people, self.framework, need=self.need, sort=self.sort)


def _framework(request: HttpRequest) -> tuple[Framework | None, list[tuple[str, str]]]:
    """The framework that the address names, else the one that most is aligned to; and those on offer."""
    known = list(
        Framework.objects.annotate(aligned=Count("items__alignments")).order_by("-aligned", "title").defer("document")
    )
    offered = sorted(((str(framework.identifier), framework.title) for framework in known), key=lambda pair: pair[1])
    wanted = request.GET.get("framework", "")
    if not wanted:
        return (known[0] if known else None), offered
    found = [framework for framework in known if str(framework.identifier) == wanted.lower()]
    if not found:
        raise Http404
    return found[0], offered


def _named_group(request: HttpRequest, key: str) -> cohorts.Group:
    found = [group for group in cohorts.groups_of(request.user) if group.key == key]
    if not found:
        raise Http404
    return found[0]


def _group(
    request: HttpRequest, key: str
) -> tuple[cohorts.Group, Framework | None, list[tuple[str, str]], list[cohorts.Group]]:
    if not has_role(request.user, Role.ADVISOR):
        raise Http404
    groups = cohorts.groups_of(request.user)
    found = [group for group in groups if group.key == key]
    if not found:
        raise Http404
    framework, offered = _framework(request)
    return found[0], framework, offered, groups


def _table(request: HttpRequest, chosen: cohorts.Group, framework: Framework) -> cohorts.HeatMap:
    everybody = cohorts.in_care(request.user).order_by().count()
    try:
        return cohorts.heat_map(
            cohorts.members(request.user, chosen),
            framework,
            below=request.GET.get("below") or None,
            sort=request.GET.get("sort", ""),
            within=[everybody],
        )
    except LookupError:
        raise Http404 from None


def _chosen_item(request: HttpRequest, progress: LearnerProgress) -> str | None:
    item = request.GET.get("item", "").lower()
    if not item:
        return None
    if item not in progress.tree.entries:
        raise Http404
    return item


def _page(request: HttpRequest, rows: Any) -> Page[Any]:
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))


def _nodes(
    progress: LearnerProgress,
    parent: str | None,
    level: int,
    way: list[str],
    chosen: str | None,
    person: Any,
    framework: Framework,
) -> list[TreeNode]:
    """The tree's lines at one level, with what lies on the way to the chosen item opened."""
    here = reverse("advising:learner", args=[person.public_id])
    nodes = []
    for line in progress.lines(parent):
        identifier = line.entry.identifier
        address = urlencode({"framework": str(framework.identifier), "item": identifier})
        below = reverse("advising:items_below", args=[person.public_id, identifier])
        asked = urlencode({"framework": str(framework.identifier), "level": level + 1})
        node = TreeNode(
            line=line,
            href=f"{here}?{address}",
            below=f"{below}?{asked}",
            is_chosen=identifier == chosen,
            level=level,
        )
        if identifier in way:
            node.nodes = _nodes(progress, identifier, level + 1, way, chosen, person, framework)
        nodes.append(node)
    return nodes
