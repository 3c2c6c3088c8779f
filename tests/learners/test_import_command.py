"""`manage.py import_oneroster`: exit codes, and the JSON alone on stdout (digest CASE/OneRoster, part I)."""

import json

import pytest
from django.core.management import call_command

from apps.learners.models import Learner
from tests.standards.oneroster.bundles import bundle, changed

pytestmark = pytest.mark.django_db


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        call_command("import_oneroster", *arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, *capsys.readouterr()


def test_it_works(tmp_path, capsys):
    code, out, err = run(capsys, str(bundle(tmp_path / "b.zip")), "--json")
    said = json.loads(out)
    assert (code, said["accepted"], said["dry_run"], said["format"]) == (0, True, False, "oneroster-1.1")
    assert said["counts"]["students"] == 1
    assert "Checking users.csv" in err
    assert Learner.objects.count() == 1


def test_refused_is_1_and_names_the_place(tmp_path, capsys):
    path = str(bundle(tmp_path / "b.zip", rows=changed("users", givenName="=1")))
    code, out, _ = run(capsys, path, "--json")
    error = json.loads(out)["errors"][0]
    assert code == 1
    assert (error["code"], error["file"], error["row"], error["column"]) == ("row.formula", "users.csv", 2, "givenName")
    code, out, err = run(capsys, path)
    assert "Nothing was stored" in out
    assert "users.csv row 2 column givenName" in err


def test_no_such_file_is_2_and_still_json(tmp_path, capsys):
    code, out, _ = run(capsys, str(tmp_path / "none.zip"), "--json")
    assert (code, json.loads(out)["accepted"]) == (2, False)


def test_a_dry_run_stores_nothing(tmp_path, capsys):
    code, out, _ = run(capsys, str(bundle(tmp_path / "b.zip")), "--dry-run")
    assert code == 0
    assert "Would import" in out
    assert not Learner.objects.exists()


def test_the_source_may_be_named_where_the_manifest_does_not(tmp_path, capsys):
    run(capsys, str(bundle(tmp_path / "b.zip", source="")), "--source", "cedar")
    assert Learner.objects.get().source == "cedar"
