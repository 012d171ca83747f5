"""Asks the web whether it is ready, in a thread, so that the parts are tended and Ctrl-C is heard meanwhile."""

from __future__ import annotations

import threading
import urllib.request

ANSWERS_WITHIN_S = 30
"""One question at a time, and patiently: on a busy machine, questions that are given up and asked again pile up."""
PAUSE_S = 0.2


class Readiness:
    """`is_reached` once `url` has answered 200."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._reached = threading.Event()
        self._given_up = threading.Event()
        threading.Thread(target=self._ask, name="readiness", daemon=True).start()

    @property
    def is_reached(self) -> bool:
        return self._reached.is_set()

    def give_up(self) -> None:
        """Ask no more."""
        self._given_up.set()

    def _ask(self) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self._given_up.is_set():
            try:
                with direct.open(self._url, timeout=ANSWERS_WITHIN_S) as answer:
                    if answer.status == 200:
                        self._reached.set()
                        return
            except OSError:  # refused, reset, timed out, or any status above 299
                pass
            self._given_up.wait(PAUSE_S)
