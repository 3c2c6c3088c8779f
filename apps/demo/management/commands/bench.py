"""`manage.py bench`: how fast, beside the raw limit of the same work in the same run."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from apps.demo import bench


class Command(BaseCommand):
    """Runs benchmarks in a database and a data folder of their own, which are thrown away."""

    help = "Measures the portal beside the raw limit of the same work; touches nothing that is stored."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked for."""
        parser.add_argument("name", nargs="*", choices=[*bench.MODULES, []], help="all when none is named")
        parser.add_argument("--json", action="store_true", help="a list of rows instead of a table")
        parser.add_argument("--peers", action="store_true", help="also run public peers where they are installed")
        parser.add_argument("--inside", action="store_true", help="measure in the present database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs each named benchmark in a process of its own."""
        names = options["name"] or list(bench.MODULES)
        if options["inside"]:
            rows = [row for name in names for row in bench.run(name)]
            self.stdout.write(json.dumps(rows))
            return
        rows = []
        for name in names:
            self.stderr.write(f"Measuring {name} …")
            with scratch() as environment:
                if options["peers"]:
                    environment["CLRPORTAL_BENCH_PEERS"] = "1"
                rows += self._measure(name, environment)
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=1))
        else:
            self.stdout.write(table(rows))

    def _measure(self, name: str, environment: dict[str, str]) -> list[bench.Row]:
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        quiet = {"env": environment, "check": True, "stdout": subprocess.PIPE}
        subprocess.run([*manage, "migrate", "--verbosity", "0"], **quiet)  # type: ignore[call-overload]  # noqa: S603
        done = subprocess.run([*manage, "bench", name, "--inside"], **quiet)  # type: ignore[call-overload]  # noqa: S603
        rows: list[bench.Row] = json.loads(done.stdout)
        return rows


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """The environment of a process with an empty data folder and an empty database of the present kind."""
    with tempfile.TemporaryDirectory(prefix="clrportal-bench-") as folder:
        environment = {**os.environ, "CLRPORTAL_DATA_DIR": folder, "CLRPORTAL_LOG_LEVEL": "ERROR"}
        if connection.vendor != "postgresql":
            environment["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'portal.sqlite3'}"
            yield environment
            return
        name = f"bench_{uuid.uuid4().hex}"
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        url = os.environ["DATABASE_URL"]
        try:
            yield {**environment, "DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"}
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def table(rows: list[bench.Row]) -> str:
    """The rows for people."""
    lines = [f"{'':10} {'case':44} {'value':>12} {'raw':>12} {'unit':14} {'ratio':>6}  beside"]
    for row in rows:
        raw = "" if row["raw"] is None else f"{row['raw']:,.1f}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(
            f"{row['name']:10} {row['case']:44} {row['value']:12,.1f} {raw:>12} {row['unit']:14} {ratio:>6}"
            f"  {row['reference']}"
        )
    return "\n".join(lines)
