"""Small disks of a test's own: one that can be filled, one whose plug can be pulled. Both need root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024


def only_as_root() -> None:
    """Says why a fault cannot be tried by this user."""
    if os.geteuid() != 0:
        pytest.skip("a disk of the test's own can only be mounted by root")


def run(*command: object) -> str:
    """Runs a command of the system; its complaint is the test's."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def small(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of this size at the folder."""
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", folder)
    try:
        yield
    finally:
        run("umount", "-l", folder)


def fill(folder: Path, *, but: int) -> Path:
    """Takes all room but so many bytes; gives the file that holds it."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - but))
    return ballast


class PulledPlug:
    """A disk in a file. What was not synchronised is not in the file: a copy of it is what a power cut leaves."""

    def __init__(self, image: Path, folder: Path, megabytes: int) -> None:
        self.image, self.folder = image, folder
        with image.open("wb") as file:
            file.truncate(megabytes * MEGABYTE)
        run("mkfs.ext4", "-q", "-F", image)
        # the journal is written by itself only once in five minutes: nothing is on the disk that nobody asked for
        run("mount", "-o", "loop,commit=300", image, folder)

    def pull(self, onto: Path) -> Path:
        """Mounts, at another place, what would be found after the power came back."""
        copy = self.image.with_suffix(".after")
        run("cp", "--sparse=always", self.image, copy)
        onto.mkdir(exist_ok=True)
        run("mount", "-o", "loop", copy, onto)
        return onto

    def away(self, *places: Path) -> None:
        """Takes the disks away."""
        for place in (*places, self.folder):
            subprocess.run(["umount", "-l", str(place)], capture_output=True)
