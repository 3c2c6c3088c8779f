"""Where no mail server is set, each letter is a file of its own, however many processes write at once."""

import email
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    yield tmp_path / "mail"


def send(number: int) -> None:
    letter = EmailMultiAlternatives("News", f"To {number}. " + "x" * 9_000, to=[f"ada.{number}@example.edu"])
    letter.attach_alternative("<p>" + "y" * 9_000 + "</p>", "text/html")
    letter.connection = get_connection("apps.jobs.letterbox.LetterBox")
    letter.send()


def test_letters_written_at_once_stay_apart(folder: Path):
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(send, range(40)))
    letters = [email.message_from_bytes(file.read_bytes(), policy=policy.default) for file in folder.iterdir()]
    assert {letter["To"]: letter.get_body(("plain",)).get_content()[:6].strip(". ") for letter in letters} == {
        f"ada.{number}@example.edu": f"To {number}" for number in range(40)
    }
    assert len(letters) == 40


def test_priv_04_letters_are_for_the_owner_of_the_folder_alone(folder: Path):
    """PRIV-04: what somebody is written is read by nobody else on the machine."""
    send(1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} == {0o700, 0o600}


def test_without_room_it_says_so(folder: Path):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="exists"):
        send(1)
