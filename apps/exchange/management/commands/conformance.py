"""``manage.py conformance``: the certification requirements of a standard's host side against a running server."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.exchange.badgeconnect import conformance as badgeconnect
from apps.exchange.clr1 import conformance as clr1
from apps.exchange.conformance.subject import Given
from apps.exchange.conformance.table import Row, has_failed
from apps.exchange.providers import NoProvider

SUITES = {"clr1": clr1.run, "badgeconnect": badgeconnect.run}
STANDARDS = (*SUITES, "clr2")
SIGNS = {"passed": "ok", "failed": "NO", "advice": "advice", "skipped": "–"}


class WrongUse(Exception):
    """The command cannot do what was asked; the text says why and what to do."""


class Command(BaseCommand):
    """Prints a table; exit 0 all met, 1 a demanded requirement is not met, 2 wrong use."""

    help = "Runs the certification requirements of a standard's host side against a running server; prints a table."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the contract, and what the server cannot tell without."""
        parser.add_argument("standard", choices=STANDARDS)
        parser.add_argument("base_url", metavar="BASE_URL", help="the server, as https://records.example.edu")
        parser.add_argument("--json", action="store_true", help="the rows as JSON")
        parser.add_argument(
            "--consent",
            action="store_true",
            help="have a learner agree in a browser: an address is printed, and the one it ends at is asked for",
        )
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            help='access in a file: {"token": "…", "other_token": "… of another learner"}',
        )
        parser.add_argument("--revoked", default="", metavar="URL", help="the address of a record that was revoked")
        parser.add_argument("--no-registration", action="store_true", help="register no client at the server")

    def handle(self, *args: Any, **options: Any) -> None:
        """Asks, prints, ends the process with the exit code."""
        try:
            if options["standard"] not in SUITES:
                raise WrongUse(
                    f"{options['standard']} has no host side that could be asked; try {' or '.join(SUITES)}."
                )
            rows = self._rows(options)
        except WrongUse as fault:
            if options["json"]:
                self.stdout.write("[]")
            self.stderr.write(str(fault))
            sys.exit(2)
        if options["json"]:
            self.stdout.write(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False))
        else:
            self._sum_up(rows)
        sys.exit(1 if has_failed(rows) else 0)

    def _rows(self, options: dict[str, Any]) -> list[Row]:
        given = Given(
            **_tokens(options["token_file"]),
            consent=self._ask_for_consent if options["consent"] else None,
            revoked=options["revoked"],
            may_register=not options["no_registration"],
        )
        rows: list[Row] = []
        try:
            for row in SUITES[options["standard"]](options["base_url"], given):
                rows.append(row)
                line = f"{row.number:<11} {row.level}  {SIGNS[row.status]:<6}  {row.title}"
                if row.detail:
                    line += f"\n{'':<23} {row.detail}"
                (self.stderr if options["json"] else self.stdout).write(_printable(line))
        except NoProvider as fault:
            raise WrongUse(str(fault)) from None
        return rows

    def _ask_for_consent(self, address: str) -> str:
        self.stderr.write(
            "Open this address in a browser where a learner is signed in at the server, agree, and paste the address "
            f"that the browser ends at (its page cannot be shown, which is right):\n{address}\n"
        )
        self.stderr.flush()
        return sys.stdin.readline().strip()

    def _sum_up(self, rows: list[Row]) -> None:
        counts = {status: sum(row.status == status for row in rows) for status in SIGNS}
        self.stdout.write(
            f"\n{len(rows)} requirements: {counts['passed']} met, {counts['failed']} not met, "
            f"{counts['advice']} recommendations not followed, {counts['skipped']} not seen."
        )


def _printable(text: str) -> str:
    """What a server said goes to a terminal without control characters."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def _tokens(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        said = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise WrongUse(f"{path} cannot be read as JSON: {type(fault).__name__}.") from None
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise WrongUse(f'{path} must hold an object of texts: {{"token": "…"}}.')
    return {name: value for name, value in said.items() if name in {"token", "other_token"}}
