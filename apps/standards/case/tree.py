"""Order and shape of the items of a framework: rings, depth, order of children, smart levels (D4, D6).

All of it works level by level or with an explicit stack; a tree of any depth costs no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_DIGITS = re.compile(r"([0-9]+)")
_LAST = (1,)
#: Deeper items have no number: it would be longer than the statement, and those of a long chain longer than memory.
NUMBERED_LEVELS = 100

#: One part of a key in natural order: numbers by value before texts by letters.
_Part = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """The tree by isChildOf in numbers: ``parents`` maps a child's place to its parents' places (items only).

    ``roots``: items without an item above; ``depth``: items on the longest way down (part I). Where items lie
    in a ring, they have no depth and are left out.
    """

    size: int
    parents: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def roots(self) -> int:
        """Number of items without an item as parent."""
        return self.size - len(self.parents)

    @property
    def depth(self) -> int:
        """Number of items on the longest way from a root down."""
        children: dict[int, list[int]] = {}
        waiting: dict[int, int] = {}
        for child, above in self.parents.items():
            waiting[child] = len(above)
            for parent in above:
                children.setdefault(parent, []).append(child)
        level = [place for place in range(self.size) if place not in self.parents]
        deep = 0
        while level:
            deep += 1
            below: list[int] = []
            for parent in level:
                for child in children.get(parent, ()):
                    waiting[child] -= 1
                    if waiting[child] == 0:
                        below.append(child)
            level = below
        return deep


def rings(edges: Mapping[int, Sequence[tuple[int, int]]]) -> list[int]:
    """One label of each ring in a graph, the smallest of the ring's labels; in rising order.

    ``edges`` maps a node to (node, label) pairs. Strongly connected components by Tarjan's algorithm with an
    explicit stack. Edges from a node to itself are not looked for.
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    component: dict[int, int] = {}
    path: list[int] = []
    for start in edges:
        if start in order:
            continue
        work: list[tuple[int, int]] = [(start, 0)]
        while work:
            node, step = work.pop()
            if step == 0:
                order[node] = low[node] = len(order)
                path.append(node)
            else:
                low[node] = min(low[node], low[edges[node][step - 1][0]])
            for position in range(step, len(edges.get(node, ()))):
                target = edges[node][position][0]
                if target not in order:
                    work.append((node, position + 1))
                    work.append((target, 0))
                    break
                if target not in component:
                    low[node] = min(low[node], order[target])
            else:
                if low[node] == order[node]:
                    while True:
                        member = path.pop()
                        component[member] = order[node]
                        if member == node:
                            break
    found: dict[int, int] = {}
    for node, targets in edges.items():
        for target, label in targets:
            if target != node and component[node] == component.get(target):
                ring = component[node]
                found[ring] = min(found.get(ring, label), label)
    return sorted(found.values())


def natural(text: str) -> tuple[_Part, ...]:
    """A key that sorts ``2`` before ``10`` and ``a2`` before ``a10``; letter case counts last."""
    parts: list[_Part] = []
    for part in _DIGITS.split(text):
        if not part:
            continue
        if part[0].isdecimal() and part.isascii():
            digits = part.lstrip("0")
            parts.append((0, len(digits), digits))
        else:
            parts.append((1, 0, part.casefold()))
    return tuple(parts)


def _last_if_missing(text: str | None) -> tuple[object, ...]:
    return (0, natural(text), text) if text else _LAST


def place_key(
    sequence_number: int | None,
    list_enumeration: str | None,
    human_coding_scheme: str | None,
    full_statement: str,
    identifier: str,
) -> tuple[object, ...]:
    """The key by which the children of one parent are ordered (D6, CASE-13)."""
    return (
        (0, sequence_number) if sequence_number is not None else _LAST,
        _last_if_missing(list_enumeration),
        _last_if_missing(human_coding_scheme),
        full_statement,
        identifier.lower(),
    )


@dataclass(frozen=True, slots=True)
class Leaflet:
    """What ordering needs of an item."""

    identifier: str
    list_enumeration: str | None = None
    human_coding_scheme: str | None = None
    full_statement: str = ""


@dataclass(frozen=True, slots=True)
class OrderedTree:
    """Children of each parent in display order; the parent of the top level is the document's key.

    ``main_parent`` says below which parent an item is shown in breadcrumbs, ``smart_levels`` its number there.
    """

    children: Mapping[str, Sequence[str]]
    main_parent: Mapping[str, str]
    smart_levels: Mapping[str, str]


def arrange(
    top: str,
    items: Iterable[Leaflet],
    child_of: Iterable[tuple[str, str, int | None]],
) -> OrderedTree:
    """Order the items of a framework (D4, D6).

    ``top`` is the document's identifier, ``child_of`` gives (child, parent, sequenceNumber) in the order of the
    package; identifiers of parents that are neither item nor document are passed over. Items without a parent
    hang below the document. Everything is keyed by the lower-case identifier.
    """
    known = {item.identifier.lower(): item for item in items}
    top = top.lower()
    numbers: dict[str, dict[str, int | None]] = {}
    first: dict[str, tuple[tuple[int, int], str]] = {}
    for index, (child_id, parent_id, number) in enumerate(child_of):
        child, parent = child_id.lower(), parent_id.lower()
        if child not in known or (parent not in known and parent != top):
            continue
        among = numbers.setdefault(parent, {})
        earlier = among.get(child)
        if child not in among or (number is not None and (earlier is None or number < earlier)):
            among[child] = number
        rank = (number if number is not None else 2**63, index)
        if child not in first or rank < first[child][0]:
            first[child] = (rank, parent)
    for identifier in known:
        if identifier not in first:
            numbers.setdefault(top, {})[identifier] = None
            first[identifier] = ((2**63, 0), top)

    def place(parent: str, child: str) -> tuple[object, ...]:
        item = known[child]
        return place_key(
            numbers[parent][child],
            item.list_enumeration,
            item.human_coding_scheme,
            item.full_statement,
            child,
        )

    children = {
        parent: tuple(sorted(among, key=lambda child, parent=parent: place(parent, child)))  # type: ignore[misc]
        for parent, among in numbers.items()
    }
    main_parent = {child: parent for child, (_, parent) in first.items()}
    levels: dict[str, str] = {}
    waiting = [(top, "", 0)]
    while waiting:
        parent, above, depth = waiting.pop()
        for position, child in enumerate(children.get(parent, ()), start=1):
            if main_parent[child] == parent and child not in levels:
                label = f"{above}.{position}" if above else str(position)
                levels[child] = label if depth < NUMBERED_LEVELS else ""
                waiting.append((child, levels[child], depth + 1))
    return OrderedTree(children, main_parent, levels)
