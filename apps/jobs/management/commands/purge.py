"""`manage.py purge`: removes what is not kept any longer (PRIV-05)."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from apps.jobs import retention


class Command(BaseCommand):
    """Removes what is older than the table in the settings keeps it."""

    help = "Removes what is older than it is kept; issued records and the trails are never in its reach."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to remove or only to say."""
        parser.add_argument("--dry-run", action="store_true", help="say what would go")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a rule."""
        found = retention.purge(dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps([asdict(purged) for purged in found]))
            return
        for purged in found:
            self.stdout.write(f"{purged.name}: {purged.count} older than {purged.days} days")
        self.stdout.write("Nothing was removed." if options["dry_run"] else "Done.")
