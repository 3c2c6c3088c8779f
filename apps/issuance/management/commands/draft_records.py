"""`manage.py draft_records`: builds or refreshes drafts from what is known of the learners (contract)."""

import json
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.achievements import following
from apps.issuance import drafting
from apps.learners.models import AcademicSession, Learner


class Command(BaseCommand):
    """Drafts for named learners or for all."""

    help = "Builds or refreshes drafts from what is known of the learners."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For whom, and for which term."""
        parser.add_argument(
            "--learner", action="append", default=[], metavar="ID", help="student number, source id or id"
        )
        parser.add_argument("--all", action="store_true", help="every learner who has earned something")
        parser.add_argument("--term", help="title or source id of a term; everything if absent")
        parser.add_argument("--title", default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drafts, with progress on stderr."""
        if bool(options["learner"]) == bool(options["all"]):
            raise CommandError("Say --all, or --learner once or several times.", returncode=2)
        following.finish_waiting()  # assertions of an import that no worker has seen to yet
        learners = Learner.objects.filter(merged_into=None)
        if options["learner"]:
            learners = learners.filter(pk__in=[_learner(name).pk for name in options["learner"]])
        total = learners.count()

        def progress(done: int) -> None:
            print(f"{done} of {total} learners", file=sys.stderr, flush=True)  # noqa: T201

        outcome = drafting.draft_many(
            learners,
            by=None,
            term=_term(options["term"]),
            title=options["title"],
            progress=progress,
            empty_too=bool(options["learner"]),
        )
        said = {
            "made": outcome.made,
            "refreshed": outcome.refreshed,
            "unchanged": outcome.unchanged,
            "empty": outcome.empty,
        }
        text = ", ".join(f"{count} {name}" for name, count in said.items())
        self.stdout.write(json.dumps(said) if options["json"] else f"Drafts: {text}.")


def _learner(name: str) -> Learner:
    found = list(Learner.objects.filter(student_id=name)[:2]) or list(Learner.objects.filter(source_id=name)[:2])
    if not found:
        try:
            found = list(Learner.objects.filter(public_id=uuid.UUID(name)))
        except ValueError:
            found = []
    if len(found) != 1:
        raise CommandError(f"{'No' if not found else 'More than one'} learner is known as {name}.", returncode=1)
    return found[0]


def _term(name: str | None) -> AcademicSession | None:
    if not name:
        return None
    found = AcademicSession.objects.filter(source_id=name).first() or AcademicSession.objects.filter(title=name).first()
    if found is None:
        raise CommandError(f"There is no term {name}.", returncode=1)
    return found
