"""Roll-up of competency progress in a framework (part E of the CASE digest, CASE-40 to CASE-46).

A pure computation. ``compile_rollup`` turns a framework into bit sets, one bit a leaf; what a learner has
covered is then one integer, and the progress of an item is the share of its bits that are set. A cohort of
thousands over a framework of thousands is a few machine words each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: An assertion on one end counts for the other, over any number of steps and frameworks (CASE-42).
EQUIVALENCES = frozenset({"exactMatchOf", "isTranslationOf"})
#: Everything that can carry an assertion from one item to another; the rest grants nothing (CASE-44).
CARRIERS = EQUIVALENCES | {"replacedBy"}


@dataclass(frozen=True, slots=True)
class Node:
    """An item as the roll-up sees it; ``is_in_main_language`` is False only for another language."""

    identifier: str
    is_retired: bool = False
    is_in_main_language: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """origin *kind* destination, identifiers as in the framework or of any other."""

    kind: str
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Rollup:
    """A framework made ready for counting.

    ``leaves`` names the leaf of each bit, ``masks`` the leaves below each item (the item itself if it is a
    leaf; the document's identifier stands for all), ``originals`` each translated item's original. All identifiers
    are lower case.
    """

    top: str
    leaves: Sequence[str]
    masks: Mapping[str, int]
    originals: Mapping[str, str]
    _groups: Mapping[str, int] = field(repr=False)
    _members: Sequence[Sequence[str]] = field(repr=False)
    _successors: Mapping[int, Sequence[int]] = field(repr=False)
    _reached: dict[str, int] = field(default_factory=dict, repr=False)

    def reach(self, identifier: str) -> int:
        """The leaves that a valid assertion on one item (of this or any framework) covers.

        The item and what is below it (CASE-41), its equivalents (CASE-42) and its successors (CASE-43).
        """
        identifier = identifier.lower()
        found = self._reached.get(identifier)
        if found is None:
            found = 0
            for target in self.stands_for(identifier):
                if target != self.top:
                    found |= self.masks.get(target, 0)
            self._reached[identifier] = found
        return found

    def stands_for(self, identifier: str) -> tuple[str, ...]:
        """All items for which an assertion on this one counts, itself first."""
        identifier = identifier.lower()
        start = self._groups.get(identifier)
        if start is None:
            return (identifier,)
        seen = {start}
        waiting = [start]
        found = [identifier]
        while waiting:
            group = waiting.pop()
            found += [member for member in self._members[group] if member != identifier]
            for after in self._successors.get(group, ()):
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return tuple(found)

    def cover(self, asserted: Iterable[str]) -> int:
        """The covered leaves, as a set of bits, of one who has valid assertions on these items (CASE-40)."""
        covered = 0
        for identifier in asserted:
            covered |= self.reach(identifier)
        return covered

    def counts(self, identifier: str, covered: int) -> tuple[int, int]:
        """Covered leaves and all leaves below an item (or below the document)."""
        mask = self.masks.get(identifier.lower(), 0)
        return (covered & mask).bit_count(), mask.bit_count()

    def share(self, identifier: str, covered: int, weights: Mapping[str, float] | None = None) -> float:
        """Progress of an item, 0.0 to 1.0; 0.0 where nothing below it can be covered.

        ``weights`` (lower-case identifier of a leaf to its weight, 1 if absent) where the institution sets them.
        """
        mask = self.masks.get(identifier.lower(), 0)
        if not mask:
            return 0.0
        if not weights:
            return (covered & mask).bit_count() / mask.bit_count()
        below = self._names(mask)
        total = sum(weights.get(leaf, 1.0) for leaf in below)
        done = sum(weights.get(leaf, 1.0) for leaf in self._names(covered & mask))
        return done / total if total else 0.0

    def progress(self, asserted: Iterable[str]) -> dict[str, float]:
        """Progress of every item and of the document for one learner (CASE-47)."""
        covered = self.cover(asserted)
        return {identifier: self.share(identifier, covered) for identifier in self.masks}

    def _names(self, mask: int) -> list[str]:
        names = []
        while mask:
            lowest = mask & -mask
            names.append(self.leaves[lowest.bit_length() - 1])
            mask ^= lowest
        return names


def compile_rollup(top: str, nodes: Iterable[Node], links: Iterable[Link]) -> Rollup:
    """Make a framework ready for counting.

    ``links``: all associations of the framework and, of other frameworks, at least those in ``CARRIERS``. Ends
    that are not among ``nodes`` matter for carrying only. Rings do no harm: what closes one is left out.
    """
    top = top.lower()
    known = {node.identifier.lower(): node for node in nodes}
    child_of: dict[str, set[str]] = {}
    part_of: dict[str, set[str]] = {}
    has_place: set[str] = set()
    carriers: list[tuple[str, str, str]] = []
    for link in links:
        origin, destination = link.origin.lower(), link.destination.lower()
        if link.kind == "isChildOf" and origin in known:
            if destination in known or destination == top:
                has_place.add(origin)
            if destination in known and destination != origin:
                child_of.setdefault(origin, set()).add(destination)
        elif link.kind == "isPartOf" and origin in known and destination in known and destination != origin:
            part_of.setdefault(origin, set()).add(destination)
        elif link.kind in CARRIERS:
            carriers.append((link.kind, origin, destination))
    parents = dict(child_of)
    for part, wholes in part_of.items():
        if part not in has_place:  # never both: that would count twice (part E)
            parents[part] = wholes
    originals = _originals(known, has_place, carriers)
    order = _bottom_up(known, parents, child_of)
    leaves: list[str] = []
    masks: dict[str, int] = dict.fromkeys(known, 0)
    everything = 0
    for identifier, above in order:
        mask = masks[identifier]
        node = known[identifier]
        if not mask and not node.is_retired and identifier not in originals:  # CASE-45
            mask = masks[identifier] = 1 << len(leaves)
            leaves.append(identifier)
        everything |= mask
        for parent in above:
            masks[parent] |= mask
    for translated, original in originals.items():
        masks[translated] = masks[translated] or masks[original]
    masks[top] = everything
    groups, members, successors = _equivalents(carriers)
    return Rollup(top, tuple(leaves), masks, originals, groups, members, successors)


def _bottom_up(
    known: Mapping[str, Node], parents: Mapping[str, set[str]], child_of: Mapping[str, set[str]]
) -> list[tuple[str, tuple[str, ...]]]:
    """Items with the parents they pass their leaves to, children before parents.

    Items in a ring through isPartOf pass to their isChildOf parents only; in any other ring, to nobody in it.
    """
    waiting = dict.fromkeys(known, 0)
    for above in parents.values():
        for parent in above:
            waiting[parent] += 1
    ready = [identifier for identifier, count in waiting.items() if count == 0]
    order: list[tuple[str, tuple[str, ...]]] = []
    done: set[str] = set()
    while len(done) < len(known):
        while ready:
            identifier = ready.pop()
            done.add(identifier)
            passed_to = tuple(sorted(parents.get(identifier, ())))
            order.append((identifier, passed_to))
            for parent in passed_to:
                waiting[parent] -= 1
                if waiting[parent] == 0:
                    ready.append(parent)
        left = [identifier for identifier in known if identifier not in done]
        if left:
            parents = {
                child: above if child in done else child_of.get(child, set()) if child in child_of else set()
                for child, above in parents.items()
                if child not in done
            }
            waiting = dict.fromkeys(left, 0)
            for above in parents.values():
                for parent in above:
                    if parent in waiting:
                        waiting[parent] += 1
            ready = [identifier for identifier in left if waiting[identifier] == 0]
            if not ready:
                return order + [(identifier, ()) for identifier in left]
    return order


def _originals(
    known: Mapping[str, Node], has_place: set[str], carriers: Iterable[tuple[str, str, str]]
) -> dict[str, str]:
    """Each translated item with the item it translates; neither direction of the association is trusted.

    Among items that translate one another the one in the framework's language counts, else the one that has a
    place in the tree, else the one that is only an origin (J10, CASE-45).
    """
    pairs = [
        (origin, destination)
        for kind, origin, destination in carriers
        if kind == "isTranslationOf" and origin in known and destination in known and origin != destination
    ]
    destinations = {destination for _, destination in pairs}
    found: dict[str, str] = {}
    for family in _unite(pairs):
        original = min(
            family,
            key=lambda one: (
                not known[one].is_in_main_language,
                one not in has_place,
                one in destinations,
                one,
            ),
        )
        found.update({one: original for one in family if one != original})
    return found


def _unite(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups of what the pairs tie together."""
    leader: dict[str, str] = {}

    def lead(one: str) -> str:
        while leader.setdefault(one, one) != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for left, right in pairs:
        leader[lead(left)] = lead(right)
    groups: dict[str, list[str]] = {}
    for one in list(leader):
        groups.setdefault(lead(one), []).append(one)
    return list(groups.values())


def _equivalents(
    carriers: Sequence[tuple[str, str, str]],
) -> tuple[dict[str, int], list[list[str]], dict[int, list[int]]]:
    """Groups of equivalent items and, for each group, the groups that replace one of it (forward only)."""
    members = _unite(
        (origin, destination if kind in EQUIVALENCES else origin) for kind, origin, destination in carriers
    )
    groups = {one: index for index, group in enumerate(members) for one in group}
    successors: dict[int, list[int]] = {}
    for kind, origin, destination in carriers:
        if kind == "replacedBy":  # CASE-43
            if destination not in groups:
                groups[destination] = len(members)
                members.append([destination])
            successors.setdefault(groups[origin], []).append(groups[destination])
    return groups, members, successors
