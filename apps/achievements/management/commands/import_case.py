"""`manage.py import_case PATH_OR_URL`: imports a competency framework (CASE 1.0 / 1.1)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.achievements.importing import Outcome, import_package
from apps.achievements.sources import SourceUnreadable, read_source
from apps.standards.case.read import Finding

SHOWN = 50


class Command(BaseCommand):
    """All or nothing; exit 0 accepted, 1 refused, 2 wrong use."""

    help = "Imports a competency framework: a CASE 1.0 or 1.1 CFPackage from a file, an address, or - for stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments of the contract."""
        parser.add_argument("source", metavar="PATH_OR_URL", help="file, http(s) address, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="report what would change, store nothing")
        parser.add_argument("--allow-older", action="store_true", help="import although a newer version is stored")
        parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reads, imports, reports."""
        try:
            data = read_source(options["source"])
        except SourceUnreadable as fault:
            outcome = Outcome(
                accepted=False,
                dry_run=options["dry_run"],
                format="unknown",
                counts={},
                changes={},
                errors=(Finding(fault.code, "", fault.sentence),),
                warnings=(),
            )
            self._report(outcome, as_json=options["json"])
            raise SystemExit(2 if fault.is_wrong_use else 1) from None
        outcome = import_package(
            data,
            file_name=options["source"],
            dry_run=options["dry_run"],
            allow_older=options["allow_older"],
            note=self.stderr.write,
        )
        self._report(outcome, as_json=options["json"])
        if not outcome.accepted:
            raise SystemExit(1)

    def _report(self, outcome: Outcome, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False))
            return
        for kind, findings in (("Error", outcome.errors), ("Warning", outcome.warnings)):
            for finding in findings[:SHOWN]:
                place = f" at {finding.path}" if finding.path else ""
                self.stderr.write(f"{kind} {finding.code}{place}: {finding.message}")
            if len(findings) > SHOWN:
                self.stderr.write(f"… and {len(findings) - SHOWN} more of this kind; --json lists all.")
        if not outcome.accepted:
            self.stdout.write("Refused. Nothing was stored.")
            return
        told = ", ".join(f"{count} {name}" for name, count in outcome.changes.items())
        verb = "Would import" if outcome.dry_run else "Imported"
        self.stdout.write(f"{verb} {outcome.format}, {outcome.counts['items']} items: {told}.")
