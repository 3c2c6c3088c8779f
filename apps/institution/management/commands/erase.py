"""`manage.py erase`: erases a person, or again whoever was erased since a backup (PRIV-05)."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.institution import erasing


class Command(BaseCommand):
    """Erases one learner, or applies the journal of erasures."""

    help = "Erases a person; issued records stay unless --records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who and why, or the journal."""
        parser.add_argument("learner", nargs="?", help="public id of the learner")
        parser.add_argument("--ground", default="", help="why: the person's request, the end of retention")
        parser.add_argument("--records", action="store_true", help="the bytes of issued records too")
        parser.add_argument("--journal", action="store_true", help="erase again whoever was erased since the backup")

    def handle(self, *args: Any, **options: Any) -> None:
        """Says what went, by name and number."""
        if options["journal"] == bool(options["learner"]):
            raise CommandError("Say either a learner's public id or --journal.", returncode=2)
        if options["journal"]:
            self.stdout.write(f"Erased again: {erasing.apply_journal()}.")
            return
        try:
            learner = uuid.UUID(options["learner"])
            gone = erasing.erase(learner, ground=options["ground"], records=options["records"])
        except ValueError as fault:
            raise CommandError(str(fault), returncode=2) from None
        for name, count in gone.items():
            self.stdout.write(f"{name}: {count}")
