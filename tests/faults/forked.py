"""Runs a piece of work in a child that is killed at its n-th statement to the database, for every n."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections


def killed_at_every_statement(work: Callable[[], object], *, most: int = 200) -> Iterator[int]:
    """Gives n after each child that was killed just before its n-th statement; ends when one finishes.

    The child is a fork, so `work` sees what the test sees, but with a connection to the database of its own.
    """
    for number in range(1, most):
        if not killed_at(work, number):
            return
        yield number
    raise AssertionError(f"it did not finish within {most} statements")


def killed_at(work: Callable[[], object], number: int) -> bool:
    """Runs `work` in a child that is killed just before its n-th statement; whether it came that far."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        _work_until(work, number)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the work failed by itself"
    return False


def _work_until(work: Callable[[], object], number: int) -> None:
    left = number

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    code = 1
    try:
        with connection.execute_wrapper(count):
            work()
        code = 0
    finally:
        os._exit(code)
