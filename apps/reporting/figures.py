"""When a figure about a group may be shown (PRIV-09)."""

from __future__ import annotations

from collections.abc import Iterable

SMALLEST_GROUP = 10


def may_show(size: int, *, within: Iterable[int] = ()) -> bool:
    """Whether a figure about a group of this size may be shown.

    Groups under ten are suppressed, and so is a group whose difference to one it lies in (``within``: their sizes)
    has under ten people: the two figures together would tell about the few (PRIV-09).
    """
    return size >= SMALLEST_GROUP and all(whole == size or whole - size >= SMALLEST_GROUP for whole in within)


def mean_share(shares: list[float], *, within: Iterable[int] = ()) -> float | None:
    """The mean of a group, None where it may not be shown."""
    return sum(shares) / len(shares) if may_show(len(shares), within=within) else None
