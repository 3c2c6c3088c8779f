"""`manage.py issue_records`: signs and publishes what is approved; may be stopped and run again (contract)."""

import json
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.issuance import batches, signing
from apps.issuance.models import Batch, Record, SigningWork
from apps.network.numbers import whole

FORMATS = (SigningWork.CLR1,)


class Command(BaseCommand):
    """Issues a batch, or everything that is approved."""

    help = "Signs and publishes approved records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which records, in which forms."""
        parser.add_argument("--batch", metavar="ID", help="go on with this batch")
        parser.add_argument("--all-approved", action="store_true", help="everything that is approved")
        parser.add_argument("--format", default=",".join(FORMATS), help="clr1")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Signs in this process; exits 1 when a record failed."""
        formats = [name.strip() for name in options["format"].split(",") if name.strip()]
        unknown = sorted(set(formats) - set(FORMATS))
        if unknown or not formats:
            raise CommandError(f"There is no format {', '.join(unknown)}; choose {', '.join(FORMATS)}.", returncode=2)
        if bool(options["batch"]) == bool(options["all_approved"]):
            raise CommandError("Say either --batch ID or --all-approved.", returncode=2)
        batch = _batch(options["batch"]) if options["batch"] else _everything(formats)
        said = {"batch": None, "issued": 0, "failed": 0, "already": 0}
        if batch is not None:
            said = self._work_off(batch)
        self.stdout.write(
            json.dumps(said)
            if options["json"]
            else f"Issued {said['issued']}, failed {said['failed']}, issued before {said['already']}."
        )
        if said["failed"]:
            sys.exit(1)

    def _work_off(self, batch: Batch) -> dict[str, Any]:
        while True:
            ids = list(signing.due().filter(batch=batch).values_list("pk", flat=True)[: signing.CHUNK])
            if not ids:
                break
            try:
                signing.issue_due(only=ids)
            except signing.SigningClosed as closed:
                raise CommandError(str(closed), returncode=1) from None
            now = batches.progress(batch)
            print(f"{now.done} of {now.total - now.already} issued", file=sys.stderr, flush=True)  # noqa: T201
        end = batches.progress(batch)
        for failure in end.failures:
            print(f"{failure.count} failed: {failure.reason}", file=sys.stderr, flush=True)  # noqa: T201
        return {
            "batch": str(batch.public_id),
            "issued": end.done,
            "failed": end.failed,
            "already": end.already,
        }


def _batch(name: str) -> Batch:
    try:
        found = Batch.objects.filter(public_id=uuid.UUID(name)).first()
    except ValueError:
        number = whole(name)
        found = None if number is None else Batch.objects.filter(pk=number).first()
    if found is None:
        raise CommandError(f"There is no batch {name}.", returncode=1)
    return found


def _everything(formats: list[str]) -> Batch | None:
    approved = Record.objects.filter(state=Record.State.APPROVED)
    if not approved.exists():
        return None
    try:
        return batches.start(approved, by=None, title="All approved records", formats=formats)
    except batches.BatchRefused as refusal:
        raise CommandError(str(refusal), returncode=1) from None
