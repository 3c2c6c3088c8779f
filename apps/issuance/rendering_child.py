"""Rendering in a process of its own, with a limit of memory and of time (REL-34).

A record that exhausts memory or never ends fails alone, with a reason; the worker and its other records go on. The
child is started once and kept warm: it has fonts and style sheets ready, speaks length-prefixed JSON over its standard
streams, ends when its parent ends, and is replaced after a fault and after ``DOCUMENTS_PER_CHILD`` documents. It knows
neither database nor keys: it gets its own few settings and almost no environment.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import resource
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

from apps.institution.designs import DesignValue, Picture

ROOT = Path(__file__).resolve().parents[2]
MEMORY_BYTES = 1536 * 1024 * 1024
SECONDS = 60.0
DOCUMENTS_PER_CHILD = 500

Reason = Literal["memory", "time", "document", "crash"]

_LENGTH = struct.Struct(">I")
_DONE, _REFUSED, _MEMORY, _FAULT = range(4)


class RenderingFailed(Exception):
    """A record could not be rendered: ``reason`` for programs, the sentence for people."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class RenderingChild:
    """One child process that renders one document after the other. Not for use by two threads at once."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._rendered = 0

    def request(self, message: Mapping[str, Any], *, seconds: float = SECONDS) -> bytes:
        """The PDF for a message of ``message_for``. Raises ``RenderingFailed``."""
        deadline = time.monotonic() + seconds
        process = self._started()
        data = json.dumps(message).encode()
        try:
            assert process.stdin is not None
            _send(process.stdin, data, deadline)
            status = self._read(process, 1, deadline)[0]
            (length,) = _LENGTH.unpack(self._read(process, _LENGTH.size, deadline))
            answer = self._read(process, length, deadline)
        except TimeoutError:
            self.close()
            raise RenderingFailed(
                "time", f"Rendering took longer than {seconds:g} seconds and was ended; nothing was stored."
            ) from None
        except (EOFError, BrokenPipeError):
            code = self.close()
            raise RenderingFailed(
                "crash",
                f"The rendering process ended in the middle of this record (status {code}); nothing was stored.",
            ) from None
        self._rendered += 1
        if status == _DONE:
            if self._rendered >= DOCUMENTS_PER_CHILD:
                self.close()
            return answer
        if status == _REFUSED:
            raise RenderingFailed("document", answer.decode())
        self.close()
        if status == _MEMORY:
            raise RenderingFailed("memory", "The record needs more memory than rendering is given; nothing was stored.")
        raise RenderingFailed("crash", f"Rendering failed ({answer.decode()}); nothing was stored.")

    def close(self) -> int | None:
        """Ends the child; gives its exit status. The next request starts another."""
        process, self._process, self._rendered = self._process, None, 0
        if process is None:
            return None
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME", "XDG_CACHE_HOME") if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", "apps.issuance.rendering_child", str(self._memory_bytes)],
                cwd=ROOT,
                env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        return self._process

    @staticmethod
    def _read(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert process.stdout is not None
        chunks: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while size:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                chunk = os.read(process.stdout.fileno(), min(size, 1 << 20))
                if not chunk:
                    raise EOFError
                chunks.append(chunk)
                size -= len(chunk)
        return b"".join(chunks)


def _send(stream: IO[bytes], data: bytes, deadline: float) -> None:
    """Writes a message; a child that does not read it in time is as late as one that does not answer."""
    view = memoryview(_LENGTH.pack(len(data)) + data)
    descriptor = stream.fileno()
    os.set_blocking(descriptor, False)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_WRITE)
        while view:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            view = view[os.write(descriptor, view) :]


_lock = threading.Lock()
_children: dict[tuple[int, int], RenderingChild] = {}


def render_in_child(
    payload: Mapping[str, Any],
    jws: bytes,
    design: DesignValue,
    *,
    verify_url: str,
    code: str,
    page: str = "A4",
    language: str = "en",
    assertion: str | None = None,
    memory_bytes: int = MEMORY_BYTES,
    seconds: float = SECONDS,
) -> bytes:
    """``rendering.render`` (with ``assertion``: ``render_certificate``) in a limited child; the same bytes.

    One warm child per process and memory limit is kept; threads take turns. Raises ``RenderingFailed`` with reason
    ``memory``, ``time``, ``document`` (the record or design cannot be printed) or ``crash``.
    """
    message = message_for(
        payload, jws, design, verify_url=verify_url, code=code, page=page, language=language, assertion=assertion
    )
    return _ask(message, memory_bytes, seconds)


def preview_in_child(
    payload: Mapping[str, Any],
    design: DesignValue,
    *,
    language: str = "en",
    memory_bytes: int = MEMORY_BYTES,
    seconds: float = SECONDS,
) -> bytes:
    """``rendering.render_preview`` in a limited child. Raises ``RenderingFailed``."""
    return _ask(message_for(payload, b"", design, preview=True, language=language), memory_bytes, seconds)


def _ask(message: Mapping[str, Any], memory_bytes: int, seconds: float) -> bytes:
    with _lock:
        key = (os.getpid(), memory_bytes)
        child = _children.get(key)
        if child is None:
            child = _children[key] = RenderingChild(memory_bytes=memory_bytes)
        return child.request(message, seconds=seconds)


@atexit.register
def _close_children() -> None:
    for (owner, _memory), child in _children.items():
        if owner == os.getpid():
            child.close()


def message_for(payload: Mapping[str, Any], jws: bytes, design: DesignValue, **options: Any) -> dict[str, Any]:
    """The message that asks a child for a document."""

    def picture(value: Picture | None) -> list[str] | None:
        return None if value is None else [base64.b64encode(value.content).decode(), value.media_type]

    look = {name: getattr(design, name) for name in _TEXTS}
    look |= {name: picture(getattr(design, name)) for name in _PICTURES}
    look["grades"] = [[grade.grade, grade.points, grade.meaning] for grade in design.grades]
    return {"payload": payload, "jws": jws.decode("ascii"), "design": look, "options": options}


_PICTURES = ("logo", "seal", "signature")
_TEXTS = (
    *("institution_name", "institution_place", "accent", "signatory_name", "signatory_office"),
    *("legend", "statement", "page", "language"),
)


# --- inside the child ---------------------------------------------------------------------------------------


def _answer(message: Mapping[str, Any]) -> bytes:
    from apps.institution import designs
    from apps.issuance import rendering

    look = dict(message["design"])
    for name in _PICTURES:
        if look[name] is not None:
            data, media_type = look[name]
            look[name] = designs.Picture(base64.b64decode(data), media_type)
    look["grades"] = tuple(designs.GradeLine(*grade) for grade in look["grades"])
    design = designs.DesignValue(**look)
    options = dict(message["options"])
    if options.pop("preview", False):
        return rendering.render_preview(message["payload"], design, **options)
    assertion = options.pop("assertion", None)
    jws = message["jws"].encode()
    if assertion is None:
        return rendering.render(message["payload"], jws, design, **options)
    return rendering.render_certificate(message["payload"], jws, design, assertion=assertion, **options)


def _serve(memory_bytes: int) -> None:
    import django
    from django.conf import settings

    settings.configure(
        USE_I18N=True,
        USE_TZ=True,
        LANGUAGE_CODE="en",
        LOCALE_PATHS=[ROOT / "apps" / "locale"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [ROOT / "templates"]}],
    )
    django.setup()
    from apps.issuance import rendering

    rendering.warm_up()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        status, answer = _FAULT, b""
        try:
            message = json.loads(source.read(_LENGTH.unpack(head)[0]))
            status, answer = _DONE, _answer(message)
        except rendering.RenderingError as refusal:
            status, answer = _REFUSED, str(refusal).encode()
        except MemoryError:
            status = _MEMORY
        except Exception as fault:  # noqa: BLE001 - told to the parent by its kind; the texts may hold personal data
            answer = type(fault).__name__.encode()
        message = None
        target.write(bytes([status]) + _LENGTH.pack(len(answer)) + answer)
        target.flush()
        if status in (_MEMORY, _FAULT):
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(int(sys.argv[1]))
