"""An import that is killed at any moment leaves nothing behind, and can be done again (REL-27, F20)."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.db import connection

from apps.learners.models import CourseResult, Enrollment, ImportRun, Learner
from tests.faults.conftest import Start
from tests.standards.oneroster.bundles import bundle, many

pytestmark = pytest.mark.server
MOMENTS = 10


def stored() -> dict[str, int]:
    """Rows of every table that an import writes, and of staging tables that it may leave."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name.startswith("learners_")]
        found = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            found[name] = cursor.fetchone()[0]
    return found


@pytest.fixture
def export(folder: Path, soak: bool) -> Path:
    """A bundle that takes a moment."""
    return bundle(folder / "export.zip", rows=many(20_000 if soak else 1_500))


def test_rel_27_f20_killed_at_ten_moments_nothing_or_all(open_database: None, start: Start, export: Path, folder: Path):
    """REL-27, F20: after each SIGKILL the tables are as they were, or the import is there whole."""
    begin = time.monotonic()
    assert start("manage.py", "import_oneroster", str(export), "--dry-run").wait(timeout=300) == 0
    length = time.monotonic() - begin
    empty = stored()
    chance = random.Random(20261123)
    whole: dict[str, int] | None = None
    killed = 0
    for _try in range(4 * MOMENTS):
        if killed == MOMENTS:
            break
        begin = time.monotonic()
        running = start("manage.py", "import_oneroster", str(export))
        try:
            running.wait(timeout=chance.uniform(0.2, 1.1) * length)
            length = time.monotonic() - begin  # it was faster than the ones before: the next are killed earlier
        except subprocess.TimeoutExpired:  # it is still at work: that is the moment
            running.send_signal(signal.SIGKILL)
            killed += running.wait() == -signal.SIGKILL
        now = stored()
        people = now.pop("learners_learner")
        if people == 0:
            assert all(count == empty[name] for name, count in now.items() if name not in {"learners_importrun"}), {
                name: count for name, count in now.items() if count != empty[name]
            }
            assert not ImportRun.objects.filter(state="applied").exists()
        else:
            now["learners_learner"] = people
            del now["learners_importrun"]
            assert whole in (None, now), "a part of an import was stored"
            whole = now
            assert ImportRun.objects.filter(state="applied").exists()
    assert killed == MOMENTS
    assert start("manage.py", "import_oneroster", str(export)).wait(timeout=300) == 0, (
        folder / "processes.log"
    ).read_text()[-3000:]
    assert Learner.objects.count() == Enrollment.objects.count() == CourseResult.objects.count()
    after = stored()
    assert start("manage.py", "import_oneroster", str(export)).wait(timeout=300) == 0
    again = stored()
    del after["learners_importrun"], again["learners_importrun"]
    assert again == after, "the same bundle twice changes nothing"
