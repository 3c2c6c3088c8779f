"""`manage.py verify` as the contract has it: one JSON object whatever happens, exit 0, 1 or 2."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.verification.management.commands.verify import Command

pytestmark = pytest.mark.django_db


class Ran:
    """What one call of the command left: its exit code and the object on stdout."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.answer: dict[str, Any] = json.loads(out)

    @property
    def codes(self) -> set[str]:
        return {check["code"] for check in self.answer["checks"] if check["code"]}


def run(*args: str, stdin: bytes = b"") -> Ran:
    out, err = io.StringIO(), io.StringIO()
    command = Command(stdout=out, stderr=err)
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        command.run_from_argv(["manage.py", "verify", *args])
    except SystemExit as end:
        return Ran(int(end.code or 0), out.getvalue(), err.getvalue())
    finally:
        sys.stdin = before
    raise AssertionError("the command did not say how it ended")


@pytest.fixture
def web(clr1: Path) -> tuple[str, str]:
    return "--web", str(clr1 / "web.json")


def test_it_works(clr1: Path, web: tuple[str, str]) -> None:
    ran = run(str(clr1 / "cases/signed-clr.jwt"), "--json", *web)
    assert (ran.code, ran.answer["verdict"], ran.answer["valid"]) == (0, "valid", True)
    assert set(ran.answer) >= {
        "verdict",
        "valid",
        "format",
        "issuer",
        "learner",
        "superseded_by",
        "checks",
        "credentials",
    }
    assert ran.answer["format"] == "clr-1.0"
    assert ran.answer["issuer"]["name"] == "Harbor Lights College"
    assert set(ran.answer["checks"][0]) == {"name", "status", "code", "detail", "evidence"}
    assert ran.err == ""


def test_without_json_the_sentence_goes_to_stderr(clr1: Path, web: tuple[str, str]) -> None:
    ran = run(str(clr1 / "cases/signed-clr.jwt"), *web)
    assert ran.answer["valid"] is True
    assert "genuine" in ran.err


def test_invalid_is_1(clr1: Path, web: tuple[str, str]) -> None:
    ran = run(str(clr1 / "cases/signed-clr-altered-payload.jwt"), *web)
    assert (ran.code, ran.answer["verdict"]) == (1, "invalid")
    assert "SIGNATURE_INVALID" in ran.codes


def test_offline_is_undecided_and_1(clr1: Path) -> None:
    ran = run(str(clr1 / "cases/signed-clr.jwt"), "--offline")
    assert (ran.code, ran.answer["verdict"]) == (1, "undecided")


def test_standard_input(clr1: Path, web: tuple[str, str]) -> None:
    assert run("-", *web, stdin=(clr1 / "cases/signed-clr.jwt").read_bytes()).code == 0


def test_an_address(web: tuple[str, str], clr1: Path) -> None:
    ran = run("https://records.harborlights.example/nowhere", *web)
    assert (ran.code, ran.answer["verdict"]) == (1, "undecided")


def test_the_person_expected_may_be_named_in_several_ways(clr1: Path, web: tuple[str, str]) -> None:
    case = str(clr1 / "cases/signed-clr-recipient-email.jwt")
    right, wrong = "noa.vermeer@students.harborlights.example", "someone.else@students.harborlights.example"
    assert run(case, *web, "--recipient", right).code == 0
    assert run(case, *web, "--recipient", wrong, "--recipient", right).code == 0
    ran = run(case, *web, "--recipient", wrong)
    assert (ran.code, "RECIPIENT_MISMATCH" in ran.codes) == (1, True)


def test_a_moment_to_judge_at(clr1: Path, web: tuple[str, str]) -> None:
    assert run(str(clr1 / "cases/signed-clr.jwt"), *web, "--now", "2020-01-01T00:00:00Z").codes >= {"ISSUED_IN_FUTURE"}


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--no-such-option", "x"),
        ("a", "b"),
        ("/no/such/file.json",),
        ("/etc",),
        ("/dev/zero",),
        ("file:///etc/passwd",),
        ("gopher://a.example/",),
        ("x" * 5_000,),
        ("a\x00b",),
        ("-", "--now", "yesterday-ish"),
        ("-", "--now", "0001-01-01T00:00:00+14:00"),
        ("-", "--web", "/no/such/map.json"),
        ("-",),
    ],
)
def test_wrong_use_and_what_cannot_be_read_is_2(args: tuple[str, ...]) -> None:
    ran = run(*args)
    assert (ran.code, ran.answer["valid"], ran.answer["verdict"]) == (2, False, "invalid")
    assert ran.codes <= {"INPUT_INVALID", "PARSE_ERROR"}


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": "b"}', '{"https://a.example/": {"file": 7}}', "{"])
def test_a_map_that_is_none_is_2(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(text)
    assert run("-", "--web", str(path)).code == 2


def test_the_map_stands_in_for_the_network(tmp_path: Path, clr1: Path) -> None:
    (tmp_path / "map.json").write_text("{}")
    ran = run(str(clr1 / "cases/signed-clr.jwt"), "--web", str(tmp_path / "map.json"))
    assert (ran.code, ran.answer["verdict"]) == (1, "undecided")


def test_sec_20_larger_than_any_record_is_2(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(25_000_001)
    assert run(str(path), "--offline").code == 2


def test_it_works_where_no_database_was_set_up(tmp_path: Path, clr1: Path, web: tuple[str, str]) -> None:
    environment = {**os.environ, "CLRPORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clrportal.settings"}
    environment.pop("DATABASE_URL", None)
    ran = subprocess.run(
        [sys.executable, "manage.py", "verify", str(clr1 / "cases/signed-clr.jwt"), "--json", *web],
        capture_output=True,
        env=environment,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert (ran.returncode, json.loads(ran.stdout)["valid"]) == (0, True)
