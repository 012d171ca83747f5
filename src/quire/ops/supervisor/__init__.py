"""Keeps the parts of `quire up` running: Redis, web, worker and dispatcher, each in a process group of its own.

    quire up ──┬─ redis        its socket in the data folder
               ├─ web          inherits the listening socket, which outlives it
               ├─ worker ───── pool processes
               └─ dispatcher

Knows no Django: it stays small, and starts in a moment.
"""
