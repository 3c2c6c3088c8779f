"""RDF Dataset Canonicalization (RDFC-1.0, the former URDNA2015), with a limit on the work it may cost.

Most credentials need the first step alone: each blank node is told apart by the statements around it. What
remains is told apart by walking the neighbourhood, whose cost can explode for graphs made to do so ("poison
graphs"); the walk is counted and given up beyond a limit, as the recommendation demands (SEC-22).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from apps.standards.jsonld.faults import TooMuchWork
from apps.standards.jsonld.rdf import Quad, line

#: Steps of the neighbourhood walk, and how many more for each blank node. One step costs some microseconds; real
#: credentials stay below a tenth.
WORK_LIMIT = 50_000
WORK_PER_NODE = 100
WORK_AT_MOST = 400_000
DEPTH_LIMIT = 200

_POSITIONS = ((0, "s"), (2, "o"), (3, "g"))


def canonical_lines(quads: Iterable[Quad], *, algorithm: str = "sha256") -> list[str]:
    """The sorted lines of the canonical N-Quads document.

    ``algorithm`` is the hash used inside (``sha256``; ``sha384`` for P-384 proofs). Raises ``TooMuchWork``.
    """
    statements = set(quads)
    labels = canonical_labels(statements, algorithm=algorithm)
    if not labels:
        return sorted(line(quad) for quad in statements)
    return sorted(line(relabelled(quad, labels)) for quad in statements)


def relabelled(quad: Quad, labels: dict[str, str]) -> Quad:
    """A quad with other names for its blank nodes."""
    subject, predicate, object_, graph = quad
    return (
        labels[subject] if subject[0] == "_" else subject,
        predicate,
        labels[object_] if object_[0] == "_" else object_,
        labels[graph] if graph and graph[0] == "_" else graph,
    )


def canonical_labels(statements: set[Quad], *, algorithm: str = "sha256") -> dict[str, str]:
    """The canonical label (``_:c14n0`` …) of every blank node. Raises ``TooMuchWork``."""
    about: dict[str, list[Quad]] = {}
    for quad in statements:
        subject, _, object_, graph = quad
        seen = set()
        if subject[0] == "_":
            seen.add(subject)
        if object_[0] == "_":
            seen.add(object_)
        if graph and graph[0] == "_":
            seen.add(graph)
        for node in seen:
            about.setdefault(node, []).append(quad)
    if not about:
        return {}
    hasher: Callable[[bytes], hashlib._Hash] = getattr(hashlib, algorithm)
    first = {node: _first_degree(node, around, hasher) for node, around in about.items()}
    by_hash: dict[str, list[str]] = {}
    for node, digest in first.items():
        by_hash.setdefault(digest, []).append(node)
    issued = _Issuer("_:c14n")
    shared: list[list[str]] = []
    for digest in sorted(by_hash):
        nodes = by_hash[digest]
        if len(nodes) == 1:
            issued.give(nodes[0])
        else:
            shared.append(nodes)
    if shared:
        _Neighbourhood(about, first, issued, hasher).tell_apart(shared)
    return issued.labels


def _first_degree(node: str, around: list[Quad], hasher: Callable[[bytes], hashlib._Hash]) -> str:
    lines = []
    for subject, predicate, object_, graph in around:
        masked = (
            subject if subject[0] != "_" else "_:a" if subject == node else "_:z",
            predicate,
            object_ if object_[0] != "_" else "_:a" if object_ == node else "_:z",
            graph if not graph or graph[0] != "_" else "_:a" if graph == node else "_:z",
        )
        lines.append(line(masked))
    lines.sort()
    return hasher("".join(lines).encode("utf-8")).hexdigest()


class _Issuer:
    """Gives labels in the order of asking, always the same to the same node."""

    __slots__ = ("labels", "prefix")

    def __init__(self, prefix: str, labels: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.labels = labels if labels is not None else {}

    def give(self, node: str) -> str:
        label = self.labels.get(node)
        if label is None:
            label = self.labels[node] = f"{self.prefix}{len(self.labels)}"
        return label

    def copy(self) -> _Issuer:
        return _Issuer(self.prefix, dict(self.labels))


class _Neighbourhood:
    """The "hash n-degree quads" part, for blank nodes that their own statements do not tell apart."""

    def __init__(
        self,
        about: dict[str, list[Quad]],
        first: dict[str, str],
        issued: _Issuer,
        hasher: Callable[[bytes], hashlib._Hash],
    ) -> None:
        self.about = about
        self.first = first
        self.issued = issued
        self.hasher = hasher
        self.work = 0
        self.depth = 0
        self.limit = min(WORK_LIMIT + WORK_PER_NODE * len(about), WORK_AT_MOST)

    def tell_apart(self, groups: list[list[str]]) -> None:
        """Issues labels to all nodes of the groups, which come in the order of their hashes."""
        for nodes in groups:
            results: list[tuple[str, _Issuer]] = []
            for node in nodes:
                if node in self.issued.labels:
                    continue
                temporary = _Issuer("_:b")
                temporary.give(node)
                results.append(self._hash(node, temporary))
            results.sort(key=lambda result: result[0])
            for _, issuer in results:
                for node in issuer.labels:
                    self.issued.give(node)

    def _spend(self, steps: int) -> None:
        self.work += steps
        if self.work > self.limit or self.depth > DEPTH_LIMIT:
            raise TooMuchWork(
                "The record has parts without names that cannot be told apart in reasonable time, so its signature "
                "was not checked. Records made by ordinary software do not look like this."
            )

    def _hash(self, node: str, issuer: _Issuer) -> tuple[str, _Issuer]:
        related = self._related(node, issuer)
        to_hash: list[str] = []
        for digest in sorted(related):
            to_hash.append(digest)
            chosen_path = ""
            chosen: _Issuer | None = None
            for ordering in _orderings(related[digest]):
                self._spend(len(ordering))
                found = self._path(ordering, issuer.copy(), chosen_path)
                if found is not None and (chosen is None or found[0] < chosen_path):
                    chosen_path, chosen = found
            to_hash.append(chosen_path)
            if chosen is not None:
                issuer = chosen
        return self.hasher("".join(to_hash).encode("utf-8")).hexdigest(), issuer

    def _path(self, ordering: list[str], issuer: _Issuer, best: str) -> tuple[str, _Issuer] | None:
        path = ""
        to_visit: list[str] = []
        for node in ordering:
            label = self.issued.labels.get(node)
            if label is None:
                if node not in issuer.labels:
                    to_visit.append(node)
                label = issuer.give(node)
            path += label
            if best and len(path) >= len(best) and path > best:
                return None
        for node in to_visit:
            self.depth += 1
            digest, further = self._hash(node, issuer)
            self.depth -= 1
            path += issuer.give(node) + f"<{digest}>"
            issuer = further
            if best and len(path) >= len(best) and path > best:
                return None
        return path, issuer

    def _related(self, node: str, issuer: _Issuer) -> dict[str, list[str]]:
        related: dict[str, list[str]] = {}
        around = self.about[node]
        self._spend(1 + len(around))
        for quad in around:
            for place, position in _POSITIONS:
                other = quad[place]
                if not other or other[0] != "_" or other == node:
                    continue
                name = self.issued.labels.get(other) or issuer.labels.get(other) or self.first[other]
                predicate = "" if position == "g" else quad[1]
                digest = self.hasher(f"{position}{predicate}{name}".encode()).hexdigest()
                related.setdefault(digest, []).append(other)
        return related


def _orderings(nodes: list[str]) -> Iterator[list[str]]:
    """Every different ordering of a list; a node that occurs several times is not told apart from itself."""
    ordering = sorted(nodes)
    while True:
        yield ordering
        rising = len(ordering) - 2
        while rising >= 0 and ordering[rising] >= ordering[rising + 1]:
            rising -= 1
        if rising < 0:
            return
        greater = len(ordering) - 1
        while ordering[greater] <= ordering[rising]:
            greater -= 1
        ordering = list(ordering)
        ordering[rising], ordering[greater] = ordering[greater], ordering[rising]
        ordering[rising + 1 :] = reversed(ordering[rising + 1 :])
