"""`manage.py import_oneroster PATH`: learners, courses, classes, enrollments and results from a OneRoster bundle."""

import time
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandParser

from apps.learners.importing import Outcome, import_bundle
from apps.standards.oneroster.issues import Issue, Issues

SHOWN = 50
EVERY = 2.0
"""Seconds between two lines of progress on one file."""


class Command(BaseCommand):
    """All or nothing; exit 0 accepted, 1 refused, 2 wrong use."""

    help = "Imports a OneRoster 1.1 or 1.2 bundle: a zip, or a folder of CSV files."

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments of the contract."""
        parser.add_argument("path", metavar="PATH", type=Path, help="zip, or folder of CSV files")
        parser.add_argument("--dry-run", action="store_true", help="report what would change, store nothing")
        parser.add_argument("--source", default="", help="name of the student system where the manifest has none")
        parser.add_argument("--allow-shrink", action="store_true", help="import although much is missing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Imports and reports."""
        self._said, self._when = "", 0.0
        try:
            outcome = import_bundle(
                options["path"],
                source=options["source"][:255],
                dry_run=options["dry_run"],
                allow_shrink=options["allow_shrink"],
                note=self._note,
            )
        except OSError as fault:
            outcome = Outcome(False, options["dry_run"])
            outcome.errors.add(
                Issue("zip.unreadable", f"Cannot open {options['path'].name}: {fault.strerror or fault}.")
            )
            self._report(outcome, as_json=options["json"])
            raise SystemExit(2) from None
        self._report(outcome, as_json=options["json"])
        if not outcome.accepted:
            raise SystemExit(1)

    def _note(self, doing: str, rows: int) -> None:
        now = time.monotonic()
        if doing == self._said and now - self._when < EVERY:
            return
        self._said, self._when = doing, now
        self.stderr.write(f"{doing} … {rows:,} rows read" if rows else f"{doing} …")

    def _report(self, outcome: Outcome, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(outcome.as_json()).decode())
            return
        self._list("Error", outcome.errors)
        self._list("Warning", outcome.warnings)
        if not outcome.accepted:
            self.stdout.write("Refused. Nothing was stored.")
            return
        verb = "Would import" if outcome.dry_run else "Imported"
        self.stdout.write(f"{verb} {outcome.format} from {_printable(outcome.source)}:")
        for table, change in outcome.changes.items():
            told = ", ".join(f"{count:,} {name}" for name, count in change.items() if count) or "nothing"
            self.stdout.write(f"  {table}: {told}")

    def _list(self, kind: str, issues: Issues) -> None:
        for issue in issues.listed[:SHOWN]:
            place = " ".join(
                part
                for part in (
                    issue.file,
                    f"row {issue.row}" if issue.row else "",
                    f"column {issue.column}" if issue.column else "",
                )
                if part
            )
            self.stderr.write(_printable(f"{kind} {issue.code}{f' ({place})' if place else ''}: {issue.message}"))
        if issues.total > SHOWN:
            self.stderr.write(
                f"… {issues.total - min(SHOWN, len(issues.listed)):,} more of this kind; --json lists 200."
            )


def _printable(text: str) -> str:
    """The text without anything that a terminal might obey."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
