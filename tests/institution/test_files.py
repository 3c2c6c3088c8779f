"""The store of files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.institution import files


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path: Path) -> Path:
    """An empty store."""
    settings.FILES_DIR = tmp_path / "files"
    return tmp_path / "files"


def test_it_gives_back_what_was_stored() -> None:
    assert files.get(files.put(b"a transcript")) == b"a transcript"


def test_the_same_content_is_stored_once(own_store: Path) -> None:
    assert files.put(b"twice") == files.put(b"twice")
    assert len([path for path in own_store.rglob("*") if path.is_file()]) == 1


def test_a_changed_byte_is_never_served() -> None:
    """REL-16."""
    digest = files.put(b"a transcript")
    files.path_of(digest).write_bytes(b"b transcript")
    with pytest.raises(files.FileDamaged):
        files.get(digest)


def test_a_file_that_breaks_off_leaves_nothing(own_store: Path) -> None:
    """REL-22."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        files.put_chunks(broken())
    assert [path for path in own_store.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["", "../secret.key", "0" * 63, "/etc/passwd", "G" * 64])
def test_only_digests_name_files(name: str) -> None:
    """SEC-35."""
    with pytest.raises(files.FileMissing):
        files.get(name)


def test_orphans_go_after_a_day_and_not_before() -> None:
    """REL-22."""
    kept, orphan = files.put(b"kept"), files.put(b"orphan")
    assert files.sweep({kept}) == 0
    assert files.sweep({kept}, older_than=-1) == 1
    assert files.get(kept) == b"kept"
    with pytest.raises(files.FileMissing):
        files.get(orphan)
