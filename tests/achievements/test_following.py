"""What an import sets off: awarding once, with the competencies that the source names (ROST-37)."""

from pathlib import Path
from typing import Any

import pytest

from apps.achievements import awarding, following
from apps.achievements.models import Alignment, Assertion, Result
from apps.jobs.models import Job
from apps.learners.importing import import_bundle
from apps.learners.models import ImportRun

CASES = "samples/oneroster/cases"


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Keys and files of the test's own."""
    settings.KEK_FILE = tmp_path / "kek.key"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.FILES_DIR = tmp_path / "files"


def test_competencies_of_the_source_become_alignments_also_unknown_ones(shared: Path, db: None):
    """ROST-37: an objective whose item is not stored is kept by identifier."""
    outcome = import_bundle(shared / CASES / "valid-1.2-main.zip")
    assert outcome.accepted
    awarding.award_results(outcome.source)
    aligned = Alignment.objects.filter(achievement__isnull=False)
    assert aligned.exists()
    assert all(each.target_url == f"urn:uuid:{each.target_identifier}" for each in aligned)
    told = Result.objects.filter(result_description__result_type="PerformanceLevel")
    assert told.exists()
    assert all(each.result_description.alignments.count() == 1 for each in told[:20])
    assert Result.objects.filter(result_description__result_type="LetterGrade").exists()
    again = awarding.award_results(outcome.source)
    assert (again.made, again.changed, again.achievements) == (0, 0, 0)


def test_an_import_starts_the_job_once(shared: Path, db: None, django_capture_on_commit_callbacks):
    """One job an import, begun with it; whoever asks may do it at once."""
    with django_capture_on_commit_callbacks(execute=True):
        import_bundle(shared / CASES / "valid-1.1-school.zip")
    run = ImportRun.objects.get()
    following.after_import(run)
    assert Job.objects.filter(kind=following.KIND, nonce=f"award-{run.public_id}").count() == 1
    assert following.finish_waiting() == 1
    assert Assertion.objects.exists()
