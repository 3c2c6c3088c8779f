"""Import of CASE frameworks into the store (D8, D9, D11; CASE-13 to CASE-17)."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.achievements.importing import Outcome, UndoRefused, import_package, undo
from apps.achievements.models import (
    Alignment,
    Framework,
    FrameworkAssociation,
    FrameworkItem,
    FrameworkRubricLevel,
)
from apps.learners.models import ImportChange, ImportRun
from apps.network.fetching import Fetched
from tests.achievements.factories import achievement

pytestmark = pytest.mark.django_db


def sample(shared: Path, name: str) -> bytes:
    return (shared / f"samples/case/cases/{name}.json").read_bytes()


def imported(shared: Path, name: str, **options: Any) -> Outcome:
    return import_package(sample(shared, name), file_name=f"{name}.json", **options)


def edited(shared: Path, name: str, **changes: Any) -> bytes:
    """A sample with other values in its CFDocument."""
    value = json.loads(sample(shared, name))
    value["CFDocument"].update(changes)
    return json.dumps(value).encode()


def state() -> tuple[Any, ...]:
    """Everything that is stored of frameworks."""
    return tuple(
        list(model.objects.order_by("pk").values())
        for model in (Framework, FrameworkItem, FrameworkAssociation, FrameworkRubricLevel)
    )


def without_keys(stored: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        [{name: row[name] for name in row if name not in ("id", "criterion_id")} for row in rows] for rows in stored
    )


def test_it_works(shared: Path) -> None:
    """CASE-01, CASE-15: everything is stored, the addresses word for word."""
    outcome = imported(shared, "own-cedar-fathom")

    assert outcome.accepted
    assert outcome.changes == {"added": 58, "changed": 0, "unchanged": 0, "retired": 0}
    assert Framework.objects.get().items.count() == 58
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    assert item.uri == "https://case.cedarfathom.example/ims/case/v1p1/CFItems/73f778aa-f6fa-4db8-a56a-bd72fb710734"
    assert FrameworkRubricLevel.objects.count() == 8
    external = FrameworkAssociation.objects.get(association_type="exactMatchOf")
    assert external.destination is None and external.destination_identifier.startswith("6f1d2a34")


def test_the_same_package_twice_changes_nothing(shared: Path) -> None:
    """CASE-14: unchanged."""
    imported(shared, "own-cedar-fathom")
    before = state()

    outcome = imported(shared, "own-cedar-fathom")

    assert outcome.changes == {"added": 0, "changed": 0, "unchanged": 58, "retired": 0}
    assert state() == before


def test_a_newer_version_retires_what_is_gone(shared: Path) -> None:
    """CASE-14, D9: as the manifest says; the alignment of a retired item stays."""
    imported(shared, "own-cedar-fathom")
    gone = FrameworkItem.objects.get(identifier="5e268fa0-8bcc-47cd-b3fd-c19413446df8")
    alignment = Alignment.objects.create(
        achievement=achievement(), item=gone, target_name="x", target_url=gone.uri, target_identifier=gone.identifier
    )

    outcome = imported(shared, "own-cedar-fathom-2")

    assert outcome.changes == {"added": 1, "changed": 1, "unchanged": 56, "retired": 1}
    gone.refresh_from_db()
    assert gone.retired_at is not None
    alignment.refresh_from_db()
    assert alignment.item == gone


def test_an_older_version_needs_consent(shared: Path) -> None:
    """CASE-14, D8: refused as case.older; taken with --allow-older, and the item comes back."""
    imported(shared, "own-cedar-fathom")
    imported(shared, "own-cedar-fathom-2")
    before = state()

    refused = imported(shared, "own-cedar-fathom")
    assert [(error.code, error.path) for error in refused.errors] == [("case.older", "/CFDocument/lastChangeDateTime")]
    assert state() == before

    taken = imported(shared, "own-cedar-fathom", allow_older=True)
    assert taken.changes == {"added": 0, "changed": 2, "unchanged": 56, "retired": 1}
    assert FrameworkItem.objects.get(identifier="5e268fa0-8bcc-47cd-b3fd-c19413446df8").retired_at is None


def test_time_zones_do_not_make_a_version_older(shared: Path) -> None:
    """D8: 09:00Z and 11:00+02:00 are the same moment."""
    imported(shared, "own-cedar-fathom")

    outcome = import_package(
        edited(shared, "own-cedar-fathom", lastChangeDateTime="2026-03-01T11:00:00+02:00"), file_name="p"
    )

    assert outcome.accepted


def test_a_dry_run_tells_and_stores_nothing(shared: Path) -> None:
    """CASE-17, contract: --dry-run."""
    outcome = imported(shared, "own-cedar-fathom", dry_run=True)

    assert outcome.accepted and outcome.changes["added"] == 58
    assert not Framework.objects.exists() and not ImportRun.objects.exists()


def test_nothing_is_stored_of_a_bad_package(shared: Path) -> None:
    """CASE-17, D11."""
    for path in sorted((shared / "samples/case/cases").glob("bad-*.json")):
        assert not import_package(path.read_bytes(), file_name=path.name).accepted
    assert not Framework.objects.exists() and not FrameworkItem.objects.exists()


def test_an_identifier_of_another_framework_is_refused(shared: Path) -> None:
    """D3: one identifier names one thing; the error says whose it is."""
    imported(shared, "own-two-parents")
    data = sample(shared, "own-two-parents")
    document = json.loads(data)["CFDocument"]["identifier"]

    outcome = import_package(data.replace(document.encode(), b"00000000-0000-4000-8000-000000000001"), file_name="p")

    assert {error.code for error in outcome.errors} == {"case.duplicate"}
    assert "/CFItems/0/identifier" in {error.path for error in outcome.errors}
    assert "Two parents" in outcome.errors[0].message


def test_a_waiting_alignment_is_tied_when_the_framework_arrives(shared: Path) -> None:
    """ROST-37."""
    waiting = Alignment.objects.create(
        achievement=achievement(),
        target_identifier="73F778AA-F6FA-4DB8-A56A-BD72FB710734",
        target_name="x",
        target_url="https://x.example",
    )

    imported(shared, "own-cedar-fathom")

    waiting.refresh_from_db()
    assert waiting.item is not None and waiting.item.human_coding_scheme == "CF.1.1"


def test_an_import_is_taken_back_as_a_whole(shared: Path) -> None:
    """D11, model invariant 7: first the later version, then the first; afterwards nothing is left."""
    first = imported(shared, "own-cedar-fathom").run
    before = without_keys(state())
    second = imported(shared, "own-cedar-fathom-2").run
    assert first is not None and second is not None

    with pytest.raises(UndoRefused, match="later version"):
        undo(first, user=None)
    undo(second, user=None)
    assert without_keys(state()) == before
    undo(first, user=None)

    assert state() == ([], [], [], [])
    assert not ImportChange.objects.exists()
    first.refresh_from_db()
    assert first.state == ImportRun.State.UNDONE


def test_what_something_depends_on_is_not_taken_back(shared: Path) -> None:
    """An alignment keeps the import; the refusal says so and nothing changes."""
    run = imported(shared, "own-cedar-fathom").run
    assert run is not None
    item = FrameworkItem.objects.get(human_coding_scheme="CF.1.1")
    Alignment.objects.create(achievement=achievement(), item=item, target_name="x", target_url=item.uri)
    before = state()

    with pytest.raises(UndoRefused, match="1 alignments"):
        undo(run, user=None)
    assert state() == before


def test_a_changed_rubric_is_replaced_and_comes_back(shared: Path) -> None:
    """Criteria and levels follow their rubric, forward and back."""
    imported(shared, "own-cedar-fathom")
    value = json.loads(sample(shared, "own-cedar-fathom"))
    value["CFRubrics"][0]["CFRubricCriteria"][0]["CFRubricCriterionLevels"].pop()
    run = import_package(json.dumps(value).encode(), file_name="p").run
    assert run is not None and FrameworkRubricLevel.objects.count() == 7

    undo(run, user=None)

    assert FrameworkRubricLevel.objects.count() == 8


def command(*arguments: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("import_case", *arguments, "--json", stdout=out, stderr=StringIO())
    except SystemExit as end:
        return int(end.code or 0), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_the_command_prints_the_object_of_part_i(shared: Path) -> None:
    """CASE-01, part I: exit 0 and one JSON object with the counts of the manifest."""
    code, told = command(str(shared / "samples/case/cases/own-cedar-fathom.json"))

    assert code == 0
    assert set(told) == {"accepted", "dry_run", "format", "counts", "changes", "errors", "warnings"}
    assert told["format"] == "case-1.1" and told["counts"]["depth"] == 3
    assert {warning["code"] for warning in told["warnings"]} == {"case.orphan"}


@pytest.mark.parametrize(
    ("source", "exit_code"),
    [
        ("/no/such/package.json", 2),
        ("file:///etc/passwd", 2),
        ("ftp://case.example/p.json", 2),
        ("/", 2),
        ("http://127.0.0.1:9/p.json", 1),
        ("https://169.254.169.254/latest", 1),
    ],
)
def test_sources_that_cannot_be_read_are_refused_in_a_sentence(source: str, exit_code: int) -> None:
    """D1, SEC-08, SEC-12: exit 2 for wrong use, 1 for a refused address; JSON in any case."""
    code, told = command(source)

    assert code == exit_code
    assert not told["accepted"] and told["errors"][0]["message"]
    assert not ImportRun.objects.exists()


class Host:
    """Stands for the guarded fetcher: answers from a table, remembers what was asked."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def fetch(self, url: str, *, kind: str = "document") -> Fetched:
        self.asked.append(url)
        body = self.pages.get(url)
        return Fetched(url, 200 if body is not None else 404, "application/json", body or b"")


def test_addresses_of_documents_and_items_lead_to_the_package_once(shared: Path) -> None:
    """D1."""
    from apps.achievements.sources import SourceUnreadable, fetch_package

    base = "https://case.example/ims/case/v1p0"
    data = sample(shared, "own-two-parents")
    item = json.dumps({"identifier": "i", "CFDocumentURI": {"uri": f"{base}/CFDocuments/d"}}).encode()
    host = Host({f"{base}/CFPackages/d": data, f"{base}/CFItems/i": item, f"{base}/loop": item.replace(b"/d", b"/x")})

    assert fetch_package(f"{base}/CFDocuments/d", fetcher=host) == data  # type: ignore[arg-type]
    assert fetch_package(f"{base}/CFItems/i", fetcher=host) == data  # type: ignore[arg-type]
    assert host.asked == [f"{base}/CFPackages/d", f"{base}/CFItems/i", f"{base}/CFPackages/d"]
    with pytest.raises(SourceUnreadable, match="404"):
        fetch_package(f"{base}/loop", fetcher=host)  # type: ignore[arg-type]
