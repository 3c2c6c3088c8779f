"""The manifest stage: which version, which files, in which mode, from whom (digest, A2; ROST-02, 03)."""

from __future__ import annotations

from dataclasses import dataclass

from apps.standards.oneroster.cells import check_of
from apps.standards.oneroster.container import Bundle
from apps.standards.oneroster.issues import BundleRefused, Issue, Issues, refuse
from apps.standards.oneroster.model import FORMS, MANIFEST, MODES, SHORT_TEXT, VERSIONS, Column, Kind, Table
from apps.standards.oneroster.records import records

HEADER = ["propertyName", "value"]
PROPERTIES_LIMIT = 1_000
_SOURCE_NAME = check_of(Column("value", Kind.TEXT, limit=SHORT_TEXT))


@dataclass(frozen=True)
class Manifest:
    """What the manifest says, agreed with the files that are there."""

    version: str
    modes: dict[Table, str]
    """Only of the files that are there: `bulk` or `delta`."""
    source: str
    """`source.systemCode`, else `source.systemName`, else empty."""
    warnings: Issues

    @property
    def format(self) -> str:
        """As the reports call it."""
        return f"oneroster-{self.version}"


def read_manifest(bundle: Bundle) -> Manifest:
    """Reads and checks the manifest; raises `BundleRefused` with every fault found."""
    if MANIFEST not in bundle.files:
        near = next((issue.file for issue in bundle.warnings.listed if issue.file.lower() == MANIFEST), None)
        hint = (
            f"The file is called {near}; its name must be {MANIFEST}, letter case as here."
            if near
            else "A bundle of OneRoster 1.0 had none; export as OneRoster 1.1 or 1.2."
        )
        raise refuse("manifest.missing", f"There is no {MANIFEST} in the bundle. {hint}", file=MANIFEST)
    properties = _properties(bundle)
    errors = Issues()
    version = _version(properties, errors)
    source = _source(properties, errors)
    warnings = Issues()
    modes = _modes(bundle, version, properties, errors, warnings) if version else {}
    if errors:
        raise BundleRefused(errors)
    return Manifest(version, modes, source, warnings)


def _properties(bundle: Bundle) -> dict[str, tuple[str, int]]:
    """Property → value and row."""
    rows = records(bundle, MANIFEST)
    _, header = next(rows, (1, []))
    if header != HEADER:
        raise refuse(
            "manifest.header",
            f"The first line of the manifest must be exactly {','.join(HEADER)}.",
            file=MANIFEST,
            row=1,
            value=",".join(header),
        )
    found: dict[str, tuple[str, int]] = {}
    errors = Issues()
    for row, cells in rows:
        if row > PROPERTIES_LIMIT:
            raise refuse("manifest.header", "A manifest has no more than a thousand lines.", file=MANIFEST, row=row)
        if len(cells) != len(HEADER):
            errors.add(Issue("csv.row_width", f"Expected 2 values, found {len(cells):,}.", MANIFEST, row))
        elif cells[0] in found:
            first = found[cells[0]][1]
            errors.add(
                Issue(
                    "manifest.duplicate_property",
                    f"The property {cells[0]} stands in row {first} already.",
                    MANIFEST,
                    row,
                    cells[0],
                    cells[1],
                )
            )
        else:
            found[cells[0]] = (cells[1], row)
    if errors:
        raise BundleRefused(errors)
    return found


def _version(properties: dict[str, tuple[str, int]], errors: Issues) -> str:
    """The version of OneRoster; empty after an error."""
    for name, allowed in (("manifest.version", ("1.0",)), ("oneroster.version", VERSIONS)):
        if name not in properties:
            errors.add(Issue("manifest.property_missing", f"The manifest must name {name}.", MANIFEST, column=name))
            continue
        value, row = properties[name]
        if value not in allowed:
            message = f"{name} must be {' or '.join(allowed)}."
            errors.add(Issue("manifest.version", message, MANIFEST, row, "value", value))
    return "" if errors else properties["oneroster.version"][0]


def _source(properties: dict[str, tuple[str, int]], errors: Issues) -> str:
    chosen = ""
    for name in ("source.systemCode", "source.systemName"):
        value, row = properties.get(name, ("", 0))
        if value and _SOURCE_NAME and not _SOURCE_NAME.accepts(value):
            code, message = _SOURCE_NAME.explain(value)
            errors.add(Issue(code, message, MANIFEST, row, "value", value))
        chosen = chosen or value
    return chosen


def _modes(
    bundle: Bundle, version: str, properties: dict[str, tuple[str, int]], errors: Issues, warnings: Issues
) -> dict[Table, str]:
    """The modes of the files that are there; manifest and files must agree (A2)."""
    modes: dict[Table, str] = {}
    for table in FORMS[version]:
        name, there = f"file.{table}", table.file_name in bundle.files
        if name not in properties:
            issue = Issue(
                "manifest.property_missing",
                f"The manifest does not say whether {table.file_name} is bulk, delta or absent.",
                MANIFEST,
                column=name,
            )
            (errors if there else warnings).add(issue)
            continue
        mode, row = properties[name]
        if mode not in MODES:
            errors.add(Issue("manifest.mode", f"The mode must be {', '.join(MODES)}.", MANIFEST, row, "value", mode))
        elif mode == "absent" and there:
            errors.add(
                Issue(
                    "manifest.file_unexpected",
                    f"The manifest (row {row}) says that {table.file_name} is absent, but it is in the bundle.",
                    table.file_name,
                    row,
                    name,
                    mode,
                )
            )
        elif mode != "absent" and not there:
            errors.add(
                Issue(
                    "manifest.file_missing",
                    f"The manifest (row {row}) announces {table.file_name} as {mode}, but it is not in the bundle. "
                    "Names count letter by letter, case too.",
                    table.file_name,
                    row,
                    name,
                    mode,
                )
            )
        elif there:
            modes[table] = mode
    for table in Table:
        if table not in FORMS[version] and table.file_name in bundle.files:
            warnings.add(
                Issue("zip.extra_file", f"OneRoster {version} has no such file; it was ignored.", table.file_name)
            )
    return modes
