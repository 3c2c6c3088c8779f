"""`manage.py load_demo`: the demo institution, into an empty database."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.demo import institution
from apps.institution.models import Organization


class Command(BaseCommand):
    """Loads the demo institution; refused in production and where there is data already."""

    help = "Loads the demo institution into an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked for."""
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there is data already")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loads it, saying what it does."""
        if settings.PRODUCTION:
            raise CommandError("The demo institution is never loaded in production.")
        if Organization.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("The database is not empty. Give CLRPORTAL_DATA_DIR a new folder, or leave this out.")
        institution.load(lambda sentence: self.stderr.write(f"  {sentence} …"))
