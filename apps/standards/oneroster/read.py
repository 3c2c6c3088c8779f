"""Reading a bundle, stage by stage: container, manifest, files and headers, rows, references (ROST-22).

    with open_bundle(path) as bundle:
        manifest = read_manifest(bundle)
        reading = read_tables(bundle, manifest, take=stage_rows, stored=what_the_portal_has)

Rows are handed on in batches, by column and already in canonical form, while the file is still being read; whoever
takes them throws them away when `read_tables` raises `BundleRefused` in the end. Memory holds one batch, and eight
bytes or so of each identifier that something may refer to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, filterfalse
from typing import Protocol

from apps.standards.oneroster.cells import Check, check_of, is_case_item, split_list
from apps.standards.oneroster.container import Bundle, open_bundle
from apps.standards.oneroster.header import as_extension, plan_of
from apps.standards.oneroster.issues import BundleRefused, Issue, Issues, refuse
from apps.standards.oneroster.manifest import Manifest, read_manifest
from apps.standards.oneroster.model import (
    CASE_SOURCE,
    ENDED,
    FORMS,
    GRADED,
    MODIFIED,
    PRIMARY,
    SOURCED_ID,
    STATUS,
    STUDENT,
    Column,
    Kind,
    Table,
    TableForm,
)
from apps.standards.oneroster.records import records

__all__ = [
    "Bundle",
    "BundleRefused",
    "Issue",
    "Issues",
    "Manifest",
    "NothingStored",
    "Reading",
    "Rows",
    "Stored",
    "as_extension",
    "open_bundle",
    "read_manifest",
    "read_tables",
    "split_list",
]

BATCH = 2_000
ROWS_LIMIT = 5_000_000  # SEC-29
_REMEMBERED = 50_000
_STATUS_CHECK, _MODIFIED_CHECK = (check for column in (STATUS, MODIFIED) if (check := check_of(column)))
_RECURRING = {Kind.WORD, Kind.DATE, Kind.DATE_OR_TIME, Kind.BOOLEAN, Kind.YEAR, Kind.NUMBER, Kind.TEXTS}


class Stored(Protocol):
    """What is known of the same source already; asked about files that are absent or hold only changes (A7)."""

    def known(self, table: Table, ids: set[str]) -> set[str]:
        """Those of the identifiers that are stored for the table."""
        ...

    def parents(self, table: Table) -> Mapping[str, str]:
        """Stored identifier → stored parent's identifier, of tables that form a tree."""
        ...


class NothingStored:
    """An empty portal."""

    def known(self, table: Table, ids: set[str]) -> set[str]:
        """Nothing."""
        return set()

    def parents(self, table: Table) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class Rows:
    """Some rows of one table, by column. Values are canonical: lists are JSON, booleans 1 or 0, times in UTC."""

    table: Table
    delta: bool
    ended: bool
    """Whether these are rows to be deleted: only `numbers`, `source_ids` and `modified` count."""
    numbers: Sequence[int]
    source_ids: Sequence[str]
    modified: Sequence[str]
    cells: Mapping[str, Sequence[str]]
    """`Column.field` → values, of every column that is read and is there."""
    extensions: Mapping[str, Sequence[str]]
    """Name of the extension column → values."""


@dataclass
class Reading:
    """What was read."""

    manifest: Manifest
    counts: dict[Table, int] = field(default_factory=dict)
    students: int = 0
    warnings: Issues = field(default_factory=Issues)


def read_tables(
    bundle: Bundle,
    manifest: Manifest,
    *,
    take: Callable[[Rows], None] | None = None,
    stored: Stored | None = None,
    sensitive: bool = False,
    extensions: Mapping[Table, Mapping[str, Column]] | None = None,
    progress: Callable[[Table, int], None] | None = None,
) -> Reading:
    """Reads and checks every table.

    `take` is given the rows that are right so far; `stored` answers for what is not in the bundle; `sensitive` lets
    demographics beyond the birth date through (ROST-28); `extensions` are rules for `metadata.` columns that must be
    more than text. Raises `BundleRefused` with all faults of the first stage that had any.
    """
    reader = _Reader(bundle, manifest, take, stored or NothingStored(), sensitive, extensions or {}, progress)
    for table in FORMS[manifest.version]:
        if table in manifest.modes:
            reader.read(table)
    return reader.finish()


class _Reader:
    """The state of one reading: identifiers seen, faults by stage."""

    def __init__(
        self,
        bundle: Bundle,
        manifest: Manifest,
        take: Callable[[Rows], None] | None,
        stored: Stored,
        sensitive: bool,
        extensions: Mapping[Table, Mapping[str, Column]],
        progress: Callable[[Table, int], None] | None,
    ) -> None:
        self.bundle = bundle
        self.manifest = manifest
        self.take = take
        self.stored = stored
        self.sensitive = sensitive
        self.extensions = extensions
        self.progress = progress
        self.reading = Reading(manifest)
        self.file_faults = Issues()
        self.row_faults = Issues()
        self.reference_faults = Issues()
        self.ids: dict[Table, set[int]] = defaultdict(set)
        self.users_with_role: set[int] = set()
        self.primary_roles: set[int] = set()

    @property
    def failed(self) -> bool:
        """Whether any stage has a fault; nothing is handed on from then."""
        return bool(self.file_faults or self.row_faults or self.reference_faults)

    def read(self, table: Table) -> None:
        """Reads one file."""
        delta = self.manifest.modes[table] == "delta"
        form = FORMS[self.manifest.version][table]
        reading = _File(self, form, delta)
        try:
            reading.read()
        except BundleRefused as refusal:
            self.file_faults.extend(refusal.errors.listed)
        self.reading.counts[table] = reading.count

    def finish(self) -> Reading:
        """Ends the run with the faults of the first stage that had any, or with what was read."""
        warnings = self.reading.warnings
        for stage in (self.file_faults, self.row_faults, self.reference_faults):
            if stage:
                raise BundleRefused(stage, warnings)
        self._warn_of_roles()
        return self.reading

    def _warn_of_roles(self) -> None:
        """1.2: people without any role (A5)."""
        modes = self.manifest.modes
        if self.manifest.version == "1.1" or modes.get(Table.USERS) != "bulk" or modes.get(Table.ROLES) != "bulk":
            return
        without = self.ids[Table.USERS] - self.users_with_role
        if not without:
            return
        file = Table.USERS.file_name
        for number, source_id in _identifiers(self.bundle, file):
            if hash(source_id) in without:
                self.reading.warnings.add(
                    Issue("row.no_role", "This person has no role.", file, number, SOURCED_ID.wire, source_id)
                )


def _identifiers(bundle: Bundle, file: str) -> Iterator[tuple[int, str]]:
    """Row number and identifier of every row of a file that was read before."""
    rows = records(bundle, file)
    _, header = next(rows)
    place = header.index(SOURCED_ID.wire)
    for number, cells in rows:
        if len(cells) > place:
            yield number, cells[place]


class _File:
    """The reading of one table's file."""

    def __init__(self, reader: _Reader, form: TableForm, delta: bool) -> None:
        self.reader = reader
        self.form = form
        self.table = form.table
        self.file = form.table.file_name
        self.delta = delta
        self.count = 0
        self.seen: set[int] = set()
        self.repeated: list[tuple[str, int]] = []
        self.repetitions = 0
        self.unfollowed: list[tuple[str, int, Column]] = []
        self.parents: dict[str, tuple[str, int]] = {}
        self.bulk_notes: dict[str, tuple[int, int]] = {}

    def read(self) -> None:
        """Header, then rows in batches, then what only the whole file shows."""
        rows = records(self.reader.bundle, self.file)
        _, header = next(rows, (1, [""]))
        self.plan = plan_of(
            self.form,
            header,
            delta=self.delta,
            sensitive=self.reader.sensitive,
            extensions=self.reader.extensions.get(self.table, {}),
            warnings=self.reader.reading.warnings,
        )
        self.ids = self.reader.ids[self.table] if self.delta else self.seen
        self.reader.ids[self.table] = self.ids
        width = self.plan.width
        numbers: list[int] = []
        batch: list[list[str]] = []
        try:
            for number, cells in rows:
                self.count += 1
                if len(cells) != width:
                    self._wrong_width(number, len(cells))
                    continue
                numbers.append(number)
                batch.append(cells)
                if len(batch) >= BATCH:
                    self._take(numbers, batch)
                    numbers, batch = [], []
                    if self.count > ROWS_LIMIT:
                        raise refuse(
                            "row.too_long", "The file has more than five million rows.", file=self.file, row=number
                        )
            if batch:
                self._take(numbers, batch)
        finally:
            self._name_repeated()
        self._follow_own_references()
        self._find_rings()
        for column, (first, count) in self.bulk_notes.items():
            message = f"A bulk file holds no {column}; it was ignored in {count:,} rows."
            self.reader.reading.warnings.add(Issue("row.status_in_bulk", message, self.file, first, column))

    # Files and headers

    def _wrong_width(self, number: int, length: int) -> None:
        self.reader.file_faults.add(
            Issue(
                "csv.row_width",
                f"The header has {self.plan.width} columns, this row {length:,}. Perhaps a comma stands unquoted.",
                self.file,
                number,
            )
        )

    def _note_identifiers(self, numbers: Sequence[int], ids: Sequence[str]) -> None:
        """ROST-13. Only 64 bits of an identifier are kept; what seems to repeat is looked up once more."""
        hashes = list(map(hash, ids))
        if len(distinct := set(hashes)) == len(hashes) and self.seen.isdisjoint(distinct):
            self.seen |= distinct
            return
        for number, source_id, value in zip(numbers, ids, hashes, strict=True):
            if value in self.seen and source_id:
                self.repetitions += 1
                if self.repetitions <= 2 * BATCH:
                    self.repeated.append((source_id, number))
            self.seen.add(value)

    def _name_repeated(self) -> None:
        if not self.repeated:
            return
        wanted = {source_id for source_id, _ in self.repeated}
        first: dict[str, int] = {}
        try:
            for number, source_id in _identifiers(self.reader.bundle, self.file):
                if source_id in wanted:
                    first.setdefault(source_id, number)
        except BundleRefused:
            pass  # the fault that ended the first reading; it is reported by it
        for source_id, number in self.repeated:
            if (earlier := first.get(source_id, number)) != number:
                message = f"The same sourcedId stands in row {earlier} already."
                self.reader.file_faults.add(
                    Issue("row.duplicate", message, self.file, number, SOURCED_ID.wire, source_id)
                )
        self.reader.file_faults.total += self.repetitions - len(self.repeated)

    # Rows

    def _take(self, numbers: list[int], batch: list[list[str]]) -> None:
        columns: list[Sequence[str]] = list(zip(*batch, strict=True))
        places = self.plan.places
        ids = columns[places[SOURCED_ID.wire]]
        self._note_identifiers(numbers, ids)
        if self.delta:
            self._take_delta(numbers, columns)
        else:
            self._note_bulk(numbers, columns)
            self._take_live(numbers, columns, [""] * len(numbers))
        if self.reader.progress:
            self.reader.progress(self.table, self.count)

    def _note_bulk(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        """In a bulk file, status and date are blank (A4)."""
        for wire in (STATUS.wire, MODIFIED.wire):
            place = self.plan.places.get(wire)
            if place is None or set(columns[place]) == {""}:
                continue
            for number, value in zip(numbers, columns[place], strict=True):
                if not value:
                    continue
                if wire == STATUS.wire and value != "active":
                    self._row_fault(
                        "row.status_in_bulk",
                        "A bulk file lists what there is; what is gone is left out. Send deletions as delta.",
                        number,
                        wire,
                        value,
                    )
                else:
                    first, count = self.bulk_notes.get(wire, (number, 0))
                    self.bulk_notes[wire] = (first, count + 1)

    def _take_delta(self, numbers: list[int], columns: list[Sequence[str]]) -> None:
        places = self.plan.places
        status = columns[places[STATUS.wire]]
        dates = columns[places[MODIFIED.wire]]
        for column, values in ((STATUS, status), (MODIFIED, dates)):
            self._check_required(column, numbers, values)
        self._check_values(_STATUS_CHECK, numbers, status)
        self._check_values(_MODIFIED_CHECK, numbers, dates)
        modified = self._canonical(_MODIFIED_CHECK, dates)
        gone = [value == ENDED for value in status]
        if any(gone):
            live = [not value for value in gone]
            ids = columns[places[SOURCED_ID.wire]]
            picked, names = list(compress(numbers, gone)), list(compress(ids, gone))
            self._check_required(SOURCED_ID, picked, names)
            self._check_values(self.plan.checks[0], picked, names)
            if self.reader.take and not self.reader.failed:
                self.reader.take(Rows(self.table, True, True, picked, names, list(compress(modified, gone)), {}, {}))
            numbers = list(compress(numbers, live))
            modified = list(compress(modified, live))
            columns = [list(compress(values, live)) for values in columns]
        if numbers:
            self.ids |= set(map(hash, columns[places[SOURCED_ID.wire]]))
            self._take_live(numbers, columns, modified)

    def _take_live(self, numbers: Sequence[int], columns: list[Sequence[str]], modified: Sequence[str]) -> None:
        """Checks the rows column by column and hands them on."""
        places = self.plan.places
        for check in self.plan.checks:
            values = columns[places[check.column.wire]]
            if check.column.required:
                self._check_required(check.column, numbers, values)
            self._check_values(check, numbers, values)
        for check in self.plan.extensions:
            self._check_values(check, numbers, columns[places[check.column.wire]])
        self._check_across(numbers, columns)
        if not self.reader.row_faults:
            self._follow(numbers, columns)
            self._note_roles(numbers, columns)
        if self.reader.take is None or self.reader.failed:
            return
        first, *others = self.plan.checks
        self.reader.take(
            Rows(
                self.table,
                self.delta,
                False,
                numbers,
                columns[places[first.column.wire]],
                modified,
                {check.column.field: self._canonical(check, columns[places[check.column.wire]]) for check in others},
                {check.column.wire: columns[places[check.column.wire]] for check in self.plan.extensions},
            )
        )

    def _check_required(self, column: Column, numbers: Sequence[int], values: Sequence[str]) -> None:
        if "" not in values:
            return
        for number, value in zip(numbers, values, strict=True):
            if not value:
                self._row_fault(
                    "row.required", f"A value is needed in the column {column.wire}.", number, column.wire, ""
                )

    def _check_values(self, check: Check, numbers: Sequence[int], values: Sequence[str]) -> None:
        """Looks at each distinct value once; only a wrong one costs a search for its rows."""
        wire = check.column.wire
        distinct = set(values)
        distinct.discard("")
        if check.column.kind in _RECURRING:
            known = self.plan.known.setdefault(wire, set())
            distinct -= known
            bad = set(filterfalse(check.accepts, distinct))
            if len(known) < _REMEMBERED:
                known |= distinct - bad if bad else distinct
        else:
            bad = set(filterfalse(check.accepts, distinct))
        if not bad:
            return
        for number, value in zip(numbers, values, strict=True):
            if value in bad:
                code, message = check.explain(value)
                self._row_fault(code, message, number, wire, value)

    def _canonical(self, check: Check, values: Sequence[str]) -> Sequence[str]:
        if check.canonical is None or self.reader.failed:
            return values
        form = {value: check.canonical(value) if value else "" for value in set(values)}
        return [form[value] for value in values]

    def _column(self, wire: str, columns: list[Sequence[str]]) -> Sequence[str] | None:
        place = self.plan.places.get(wire)
        return None if place is None else columns[place]

    def _check_across(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        """Rules between the cells of a row."""
        for order in self.form.orders:
            low, high = self._column(order.low, columns), self._column(order.high, columns)
            if low is None or high is None:
                continue
            check = next(check for check in self.plan.checks if check.column.wire == order.low)
            wrong = {pair for pair in set(zip(low, high, strict=True)) if _is_reversed(check, *pair)}
            if wrong:
                for number, pair in zip(numbers, zip(low, high, strict=True), strict=True):
                    if pair in wrong:
                        message = f"{order.high} ({pair[1]}) lies before {order.low} ({pair[0]})."
                        self._row_fault(order.code, message, number, order.high, pair[1])
        if self.form.graded_needs:
            self._check_graded(numbers, columns)
        if self.form.paired_lists:
            self._check_paired(numbers, columns, *self.form.paired_lists)
        if any(column.kind is Kind.CASE_ITEM for column in self.form.columns):
            self._check_objectives(numbers, columns)

    def _check_graded(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        status = self._column("scoreStatus", columns) or ()
        given = [values for wire in self.form.graded_needs if (values := self._column(wire, columns)) is not None]
        empty = [""] * len(numbers)
        for number, state, *scores in zip(numbers, status, *(given or [empty]), strict=True):
            if state == GRADED and not any(scores):
                needed = " or ".join(self.form.graded_needs)
                message = f"A result that is {GRADED} needs a value in {needed}."
                self._row_fault("row.required", message, number, self.form.graded_needs[0], "")

    def _check_paired(self, numbers: Sequence[int], columns: list[Sequence[str]], names: str, codes: str) -> None:
        left, right = self._column(names, columns), self._column(codes, columns)
        if left is None or right is None:
            return
        for number, one, other in zip(numbers, left, right, strict=True):
            if other and one.count(",") != other.count(","):
                self.reader.reading.warnings.add(
                    Issue(
                        "row.subject_codes",
                        f"{names} and {codes} do not have the same number of members.",
                        self.file,
                        number,
                        codes,
                        other,
                    )
                )

    def _check_objectives(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        sources = self._column("source", columns) or ()
        objectives = self._column("learningObjectiveId", columns) or ()
        for number, source, value in zip(numbers, sources, objectives, strict=True):
            if source == CASE_SOURCE and value and not is_case_item(value):
                message = "An objective of CASE is named urn:uuid: and the item's identifier in lower case."
                self._row_fault("row.guid", message, number, "learningObjectiveId", value)

    def _row_fault(self, code: str, message: str, number: int, column: str, value: str) -> None:
        self.reader.row_faults.add(Issue(code, message, self.file, number, column, value))

    # References

    def _follow(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        """ROST-14: each reference, in lists each member."""
        places = self.plan.places
        references = [check.column for check in self.plan.checks if check.column.target]
        if self.form.id_target:
            references.append(Column(SOURCED_ID.wire, Kind.GUID, target=self.form.id_target))
        for column in references:
            values = columns[places[column.wire]]
            wanted = set(values)
            wanted.discard("")
            if column.kind is Kind.GUIDS:
                wanted = {member for value in wanted for member in value.split(",")}
            known = self.plan.known.setdefault(f"→{column.wire}", set())
            wanted -= known
            lost = self._lost(column, wanted)
            if len(known) < _REMEMBERED:
                known |= wanted - lost
            if lost:
                self._name_lost(column, numbers, values, lost)
        if self.form.parent and (values := self._column(self.form.parent, columns) or ()):
            ids = columns[places[SOURCED_ID.wire]]
            for number, source_id, parent in zip(numbers, ids, values, strict=True):
                if parent:
                    self.parents[source_id] = (parent, number)

    def _lost(self, column: Column, wanted: set[str]) -> set[str]:
        """Those that are neither in the bundle nor, where that may help, stored (A7)."""
        target = column.target
        assert target is not None
        here = self.reader.ids[target]
        if here.issuperset(map(hash, wanted)):
            return set()
        lost = {value for value in wanted if hash(value) not in here}
        if self.reader.manifest.modes.get(target) != "bulk":
            lost -= self.reader.stored.known(target, lost)
        return lost

    def _name_lost(self, column: Column, numbers: Sequence[int], values: Sequence[str], lost: set[str]) -> None:
        for number, value in zip(numbers, values, strict=True):
            members = value.split(",") if column.kind is Kind.GUIDS else (value,)
            for member in members:
                if member not in lost:
                    continue
                if column.target is self.table:  # it may still come, further down in this file
                    self.unfollowed.append((member, number, column))
                else:
                    self._reference_fault(column, number, member)

    def _reference_fault(self, column: Column, number: int, value: str) -> None:
        assert column.target is not None
        where = (
            f"in {column.target.file_name}"
            if self.reader.manifest.modes.get(column.target) == "bulk"
            else f"in the bundle or among the stored {column.target}"
        )
        self.reader.reference_faults.add(
            Issue("row.dangling", f"There is no {value} {where}.", self.file, number, column.wire, value)
        )

    def _follow_own_references(self) -> None:
        for value, number, column in self.unfollowed:
            if hash(value) not in self.ids:
                self._reference_fault(column, number, value)

    def _find_rings(self) -> None:
        """ROST-15: one fault a ring, at its first row."""
        if not self.parents or self.reader.failed:
            return
        above = dict(self.reader.stored.parents(self.table)) if self.delta else {}
        above.update((source_id, parent) for source_id, (parent, _) in self.parents.items())
        done: set[str] = set()
        for start in self.parents:
            path: dict[str, None] = {}
            at: str | None = start
            while at is not None and at not in done and at not in path:
                path[at] = None
                at = above.get(at)
            if at is not None and at in path:
                ring = list(path)[list(path).index(at) :]
                rows = [(self.parents[member][1], member) for member in ring if member in self.parents]
                number, member = min(rows, default=(0, at))
                shown = " → ".join([*ring[:5], "…"] if len(ring) > 5 else [*ring, ring[0]])
                self.reader.reference_faults.add(
                    Issue(
                        "row.cycle",
                        f"These are each other's parents: {shown}.",
                        self.file,
                        number or None,
                        self.form.parent,
                        above[member],
                    )
                )
            done.update(path)

    # Roles

    def _note_roles(self, numbers: Sequence[int], columns: list[Sequence[str]]) -> None:
        """Counts students, and in 1.2 remembers who has a role."""
        roles = self._column("role", columns)
        if roles is None:
            return
        if self.table is Table.USERS:
            self.reader.reading.students += roles.count(STUDENT)
        elif self.table is Table.ROLES:
            people = self._column("userSourcedId", columns) or ()
            types = self._column("roleType", columns) or ()
            orgs = self._column("orgSourcedId", columns) or ()
            for number, person, role, kind, org in zip(numbers, people, roles, types, orgs, strict=True):
                self.reader.users_with_role.add(hash(person))
                if role == STUDENT and (key := hash((person, STUDENT))) not in self.reader.primary_roles:
                    self.reader.primary_roles.add(key)
                    self.reader.reading.students += 1
                if kind == PRIMARY:
                    key = hash((person, org))
                    if key in self.reader.primary_roles:
                        message = "This person has a primary role in this organisation already."
                        self.reader.reading.warnings.add(
                            Issue("row.duplicate", message, self.file, number, "roleType", kind)
                        )
                    self.reader.primary_roles.add(key)


def _is_reversed(check: Check, low: str, high: str) -> bool:
    """Whether the second lies before the first; what is no date or number was reported already."""
    if not low or not high or not check.accepts(low) or not check.accepts(high):
        return False
    return float(high) < float(low) if check.column.kind is Kind.NUMBER else high < low
