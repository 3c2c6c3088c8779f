"""`manage.py audit verify`: is the audit trail whole? (REL-17, REL-18)."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.institution import audit, keys


class Command(BaseCommand):
    """Walks the audit trail, or writes a checkpoint of it."""

    help = "Walks the audit trail and says whether it is whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do with the trail."""
        parser.add_argument("action", choices=["verify", "checkpoint"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits 1 when something is not as it was written."""
        if options["action"] == "checkpoint":
            file = keys.checkpoint()
            self.stdout.write(file.name if file else "There is no active key to sign a checkpoint with.")
            return
        report = audit.verify()
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "whole": report.is_whole,
                        "entries": report.entries,
                        "checkpoints": report.checkpoints,
                        "documents": report.documents,
                        "erased": report.erased,
                        "faults": [{"place": fault.place, "sentence": fault.sentence} for fault in report.faults],
                    }
                )
            )
        else:
            for fault in report.faults:
                self.stdout.write(f"{fault.place}: {fault.sentence}")
            for place in report.erased:
                self.stdout.write(f"{place}: erased")
            counted = f"{report.entries} entries, {report.checkpoints} checkpoints, {report.documents} documents"
            self.stdout.write(f"The trail is {'whole' if report.is_whole else 'NOT whole'}: {counted}.")
        if not report.is_whole:
            sys.exit(1)
