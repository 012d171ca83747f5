"""Runs tasks in a pool whose one process ends after each of them, as a worker's event loop does; prints what they made.

Each process lets go of the pipe that tells of its end before it ends: the kernel does so too, only that the moment
between the two is short. And no timer looks for what was missed, as Celery's does every five seconds.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from kombu.asynchronous import Hub, set_event_loop

from quire.cli.pool import TaskPool


class Untimed(TaskPool.Pool):
    timers: dict[Any, float] = {}


class UntimedTaskPool(TaskPool):
    Pool = Untimed


def let_go(number: int) -> int:
    """Close the pipe, which only the function that forked knows."""
    frame = sys._getframe()
    while "child_w" not in frame.f_locals:
        frame = frame.f_back
    os.close(frame.f_locals["child_w"])
    return number


def main(count: int) -> None:
    app, hub = Celery("test"), Hub()
    set_event_loop(hub)
    pool = UntimedTaskPool(limit=1, app=app, threads=False, maxtasksperchild=1, initargs=(app, "test"))
    pool.start()
    pool.register_with_event_loop(hub)
    results: list[int] = []
    for number in range(count):
        pool.apply_async(let_go, args=(number,), callback=results.append)
        while len(results) <= number:
            hub.run_once()
    sys.stdout.write(" ".join(map(str, results)))
    sys.stdout.flush()
    os._exit(0)  # how a pool is stopped is another matter


if __name__ == "__main__":
    main(int(sys.argv[1]))
