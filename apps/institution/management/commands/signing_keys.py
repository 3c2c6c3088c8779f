"""`manage.py signing_keys`: the institution's keys (contract, *Management commands*)."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.institution import keys
from apps.institution.models import Organization, SigningKey


class Command(BaseCommand):
    """Lists, makes, rotates, retires and rewraps signing keys."""

    help = "The institution's signing keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action, and what it needs."""
        parser.add_argument("action", choices=["list", "create", "rotate", "retire", "compromise", "rewrap"])
        parser.add_argument("key", nargs="?", help="id of the key (retire, compromise; the active one if absent)")
        parser.add_argument("--algorithm", choices=SigningKey.Algorithm.values, default="RS256")
        parser.add_argument("--since", help="since when the key was known to others, with its zone (compromise)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Does the one action and says what came of it."""
        home = Organization.objects.filter(is_home=True).first()
        if home is None:
            raise CommandError("There is no institution yet; import one or load the demo first.", returncode=1)
        try:
            said = getattr(self, options["action"])(home, options)
        except (keys.KekUnavailable, keys.KeyUnusable) as fault:
            raise CommandError(str(fault), returncode=1) from None
        if options["json"]:
            self.stdout.write(json.dumps(said))
        else:
            for line in said if isinstance(said, list) else [said]:
                self.stdout.write("  ".join(f"{value}" for value in line.values() if value not in (None, "")))

    def list(self, home: Organization, options: dict[str, Any]) -> list[dict[str, Any]]:
        """All keys, the newest first."""
        return [_described(key) for key in SigningKey.objects.filter(organization=home)]

    def create(self, home: Organization, options: dict[str, Any]) -> dict[str, Any]:
        """Prepares the next key."""
        return _described(keys.create(home, options["algorithm"]))

    def rotate(self, home: Organization, options: dict[str, Any]) -> dict[str, Any]:
        """Makes the next key active."""
        return _described(keys.rotate(home, options["algorithm"]))

    def retire(self, home: Organization, options: dict[str, Any]) -> dict[str, Any]:
        """Lets a key sign nothing more."""
        key = self._chosen(home, options)
        keys.retire(key)
        return _described(key)

    def compromise(self, home: Organization, options: dict[str, Any]) -> dict[str, Any]:
        """Declares a key known to others."""
        key = self._chosen(home, options)
        affected = keys.compromise(key, since=_moment(options["since"]))
        return {**_described(key), "affected": affected}

    def rewrap(self, home: Organization, options: dict[str, Any]) -> dict[str, Any]:
        """Renews the key-encryption key."""
        return {"rewrapped": keys.rewrap()}

    def _chosen(self, home: Organization, options: dict[str, Any]) -> SigningKey:
        known = SigningKey.objects.filter(organization=home)
        if options["key"]:
            key = next((key for key in known if str(key.public_id) == options["key"]), None)
        else:
            key = known.filter(state=SigningKey.State.ACTIVE, algorithm=options["algorithm"]).first()
        if key is None:
            raise CommandError("There is no such key; `signing_keys list` names them.", returncode=2)
        return key


def _moment(text: str | None) -> datetime:
    try:
        moment = parse_datetime(text or "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError("--since needs a date and time with its zone, such as 2026-06-30T15:00:00Z.", returncode=2)
    if moment > timezone.now():
        raise CommandError("--since lies in the future.", returncode=2)
    return moment


def _described(key: SigningKey) -> dict[str, Any]:
    return {
        "id": str(key.public_id),
        "algorithm": key.algorithm,
        "state": key.state,
        "address": keys.address(key),
        "created": key.created_at.isoformat(),
        "compromised_since": key.compromised_since.isoformat() if key.compromised_since else None,
    }
