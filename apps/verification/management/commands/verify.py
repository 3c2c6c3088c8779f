"""``manage.py verify``: judge a record or a badge on the command line (contract.md)."""

from __future__ import annotations

import json
import re
import stat
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.network.fetching import Budget, GuardedFetcher
from apps.network.limits import VERIFY_BODY
from apps.standards.verify.sources import Fetcher, OfflineFetcher
from apps.standards.verify.verdict import Result, unreadable
from apps.verification.judging import JOB_SECONDS, judge
from apps.verification.maps import MapFault, MapFetcher

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class NotReadable(Exception):
    """The source, or an option, cannot be used; the text says why and what to do."""


class Command(BaseCommand):
    """Prints one JSON object, whatever happens; exit 0 valid, 1 invalid or undecided, 2 not readable."""

    help = "Judges a learner record or badge: a file, an http(s) address, or - for standard input."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the contract."""
        parser.add_argument("source", metavar="SOURCE", help="a file, an http(s) address, or - for standard input")
        parser.add_argument("--json", action="store_true", help="the JSON alone, without the sentence on stderr")
        parser.add_argument("--offline", action="store_true", help="fetch nothing")
        parser.add_argument("--web", metavar="MAP", help="a JSON map that stands in for the network")
        parser.add_argument("--recipient", action="append", default=[], metavar="TEXT", help="the person expected")
        parser.add_argument("--now", metavar="TIME", help="the moment to judge at, as 2026-11-23T18:00:00Z")

    def run_from_argv(self, argv: list[str]) -> None:
        """Answer with the JSON object also when the options are wrong."""
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            if end.code == 2 and "--help" not in argv and not self._answered:
                self._answer(unreadable("INPUT_INVALID", "The command was not used as `verify --help` describes."))
            raise

    _answered = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, judge, print; ends the process with the exit code."""
        try:
            result = self._judge(options)
        except NotReadable as fault:
            result = unreadable("INPUT_INVALID", str(fault))
        self._answer(result)
        if not options["json"]:
            self.stderr.write(result.sentence)
        sys.exit(2 if not result.readable else 0 if result.valid else 1)

    def _answer(self, result: Result) -> None:
        self._answered = True
        self.stdout.write(json.dumps(result.as_json(), indent=1, ensure_ascii=True))

    def _judge(self, options: dict[str, Any]) -> Result:
        now = None if options["now"] is None else _moment(options["now"])
        return judge(
            _read(options["source"]),
            fetcher=_fetcher(options["offline"], options["web"]),
            seconds=JOB_SECONDS,
            recipients=[text for text in options["recipient"] if text],
            now=now,
        )


def _fetcher(offline: bool, web: str | None) -> Fetcher:
    if offline:
        return OfflineFetcher()
    if web is None:
        return GuardedFetcher.from_settings(Budget.in_a_job())
    try:
        return MapFetcher.read(Path(web))
    except MapFault as fault:
        raise NotReadable(str(fault)) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotReadable("--now is not a time such as 2026-11-23T18:00:00Z.") from None


def _read(source: str) -> bytes:
    """The bytes to judge; an address is judged as such. Raises ``NotReadable``."""
    if source == "-":
        return _limited(sys.stdin.buffer.read(VERIFY_BODY + 1))
    if _ADDRESS.match(source):
        if not source.lower().startswith(("http://", "https://")):
            raise NotReadable("Only http and https addresses are judged. For a file, give its path.")
        return source.encode("utf-8", "surrogateescape")
    try:
        path = Path(source)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise NotReadable(f"{source} is a folder. Give the path of one file.")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise NotReadable(f"{source} is not a file.")
        with path.open("rb") as file:
            return _limited(file.read(VERIFY_BODY + 1))
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "the name is not one of a file"
        raise NotReadable(f"{source} cannot be read: {reason}.") from None


def _limited(content: bytes) -> bytes:
    if len(content) > VERIFY_BODY:
        raise NotReadable(f"It is larger than {VERIFY_BODY // 1_000_000} MB, which no record is (SEC-20).")
    return content
