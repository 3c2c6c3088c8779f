"""`manage.py verify` over every sample: the options that a manifest names, the answer and exit code it expects.

All cases run inside one process, through the command's own reading of its options; some of each collection also run
as commands of their own, so that what is printed is what was tried.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.verification.management.commands.verify import Command

pytestmark = pytest.mark.django_db

COLLECTIONS = ("ob-2.0", "clr-1.0", "ob-3.0", "clr-2.0")
#: The moment of the collections, where a case names none.
NOW = "2026-11-20T12:00:00Z"
#: Contested: its issuer is a urn:uuid, whose key nobody can look up (digest of CLR 2.0, 6.3, rule 5).
UNDECIDABLE = {"up-simple_v1"}
#: An honest failure of another name than the one that the manifest gives.
ALSO_HONEST = {"di-context-redefines-protected": "CONTEXT_INVALID"}


def cases(shared: Path, collection: str) -> Iterator[tuple[dict[str, Any], list[str], dict[str, Any]]]:
    """Each case with its options and its web map, files made absolute."""
    folder = shared / "samples" / collection
    manifest = json.loads((folder / "manifest.json").read_text())
    base = json.loads((folder / manifest.get("base_web", "web.json")).read_text())
    for case in manifest["cases"]:
        web = {
            address: {**entry, "file": entry["file"] and str(folder / entry["file"])}
            for address, entry in {**base, **case.get("web", {})}.items()
        }
        options = ["--json", "--now", case.get("now", NOW)]
        for value in (case.get("recipient_profile") or {}).values():
            for text in value if isinstance(value, list) else [value]:
                options += ["--recipient", text]
        yield case, [str(folder / case["file"]), *options], web


def differences(case: dict[str, Any], answer: dict[str, Any], code: int, collection: str) -> list[str]:
    """What an answer has otherwise than its manifest."""
    found = []
    expected, verdict = case["expected_valid"], answer["verdict"]
    failed = {check["code"] for check in answer["checks"] if check["status"] == "failed"}
    if answer["valid"] is not (verdict == "valid") or (code == 0) is not answer["valid"]:
        found.append(f"verdict {verdict}, valid {answer['valid']}, exit {code}")
    if expected is None:
        return found if not answer["valid"] else [*found, "valid"]
    if answer["valid"] is not expected:
        found.append(f"{verdict} for {sorted(failed)}")
    failure = case.get("failure")
    if failure and failure not in failed and ALSO_HONEST.get(case["id"]) not in failed:
        found.append(f"{sorted(failed)} instead of {failure}")
    warned = [check["code"] for check in answer["checks"] if check["status"] == "warning"]
    if case.get("expect_warning") and not warned:
        found.append("no warning")
    if answer["valid"] and answer["format"] != collection:
        found.append(f"format {answer['format']}")
    return found


def run_here(arguments: list[str]) -> tuple[int, dict[str, Any]]:
    """The command in this process: exit code and answer."""
    out = io.StringIO()
    command = Command(stdout=out, stderr=io.StringIO())
    options = vars(command.create_parser("manage.py", "verify").parse_args(arguments))
    with pytest.raises(SystemExit) as end:
        command.handle(**options)
    return int(end.value.code or 0), json.loads(out.getvalue())


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_case_gives_the_answer_of_its_manifest(shared: Path, tmp_path: Path, collection: str) -> None:
    """CLR1-V-01, OB20-V-01, OB3-D-01, CLR2-D-01"""
    wrong = {}
    map_file = tmp_path / "web.json"
    for case, arguments, web in cases(shared, collection):
        map_file.write_text(json.dumps(web))
        code, answer = run_here([*arguments, "--web", str(map_file)])
        found = differences(case, answer, code, collection)
        if found and not (case["id"] in UNDECIDABLE and answer["verdict"] != "valid" and case.get("contested")):
            wrong[case["id"]] = found
    assert wrong == {}


@pytest.mark.server
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_sample_of_them_as_commands_of_their_own(shared: Path, tmp_path: Path, collection: str) -> None:
    wanted = [one for one in cases(shared, collection) if not one[0].get("contested")][::35]
    for case, arguments, web in wanted:
        map_file = tmp_path / "web.json"
        map_file.write_text(json.dumps(web))
        ran = subprocess.run(
            [sys.executable, "manage.py", "verify", *arguments, "--web", str(map_file)],
            capture_output=True,
            env={**os.environ, "CLRPORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clrportal.settings"},
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert differences(case, json.loads(ran.stdout), ran.returncode, collection) == [], case["id"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_offline_nothing_is_valid_that_needs_the_network(shared: Path, collection: str) -> None:
    """I6: what is valid offline needs no other document (a did:key, a did:jwk) and has no list to look at."""
    for case, arguments, _ in cases(shared, collection):
        code, answer = run_here([*arguments, "--offline"])
        assert code in (0, 1, 2)
        if answer["valid"]:
            assert case["expected_valid"] is True or case.get("contested"), case["id"]
            issuer = (answer["issuer"] or {}).get("id") or ""
            assert not issuer.startswith(("http", "did:web:")), case["id"]
