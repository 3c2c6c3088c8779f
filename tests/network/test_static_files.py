"""Style sheets and scripts: by content once collected, and there before anybody collected them."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client

PORTAL = {"BACKEND": "apps.network.static_files.PortalStaticFilesStorage"}


@pytest.fixture
def fresh(settings: Any, tmp_path: Path) -> Path:
    """A data folder in which nothing was collected yet, and the portal's own storage."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": PORTAL}
    settings.WHITENOISE_USE_FINDERS = True
    return tmp_path


@pytest.mark.django_db
def test_pages_work_before_anything_was_collected(fresh: Path) -> None:
    """The first start: a page is given, and so is every style sheet and script that it names."""
    client = Client()
    page = client.get("/verify/")
    assert page.status_code == 200
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.content.decode()))
    assert len(named) > 2
    for address in named:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_collected_files_are_named_by_their_content(fresh: Path, settings: Any) -> None:
    """Once collected, an address changes with the content, so that it can be kept for ever."""
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [fresh / "own"]
    (fresh / "own").mkdir()
    (fresh / "own" / "page.css").write_text("p { color: #1f3a5f }")
    assert staticfiles_storage.url("page.css") == "/static/page.css"
    call_command("collectstatic", interactive=False, verbosity=0)
    assert re.fullmatch(r"/static/page\.[0-9a-f]{12}\.css", staticfiles_storage.url("page.css"))


def test_production_does_not_start_half_collected(fresh: Path, settings: Any) -> None:
    """In production a file that was not collected is a fault that surfaces, not a page without style."""
    settings.PRODUCTION = True
    with pytest.raises(ValueError, match="portal"):
        staticfiles_storage.url("portal/portal.css")
