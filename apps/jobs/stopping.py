"""A worker that is asked to end finishes its chunk, not its turn (REL-28).

Celery's main process waits for whatever its children are doing. Here it also tells them, through memory that they
share, so that a task that goes from chunk to chunk can end after the present one; and no child outlives it.
"""

import ctypes
import multiprocessing
import signal
import sys
from typing import Any

from celery.signals import worker_process_init, worker_shutting_down

_asked = multiprocessing.RawValue(ctypes.c_bool, False)  # shared with children that are forked later; needs no lock
_PR_SET_PDEATHSIG = 1


def is_asked() -> bool:
    """Whether the worker is to end: what is not begun is left to the next one."""
    return bool(_asked.value)


@worker_shutting_down.connect
def tell_children(**_: Any) -> None:
    """Runs in the main process when it is asked to end."""
    _asked.value = True


@worker_process_init.connect
def end_with_parent(**_: Any) -> None:
    """A child whose main process was killed is killed too; its leases end by themselves (REL-06)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
