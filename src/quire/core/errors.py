"""Every error that a document or a question can meet, as one tree.

    QuireError                 code + a sentence for the person who uploaded
    ├── TransientError         try again: 2, 4, 8 s, then the document is failed
    │   └── RateLimited        wait `retry_after_s`; burns no attempt
    └── PermanentError         trying again cannot help: the document is failed at once

Anything else that is raised is a bug of ours: logged whole, retried like a TransientError, and shown as
"our fault" with an id. A stale worker meets `LeaseLost`, which is no error of the document's.
"""

from __future__ import annotations


class QuireError(Exception):
    """An error with a stable `code` (what programs branch on) and a `message` (what a person reads)."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Keep keyword-only fields through pickling (a parser child sends its error to the worker)."""
        return (_restore, (type(self), self.args, self.__dict__))


class TransientError(QuireError):
    """Something outside failed in a way that may pass: a timeout, a 503, a dropped connection."""

    code = "service_unavailable"


class RateLimited(TransientError):
    """A provider asked us to wait; `retry_after_s` is its own figure, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float, waiting_for: str = "provider quota") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.waiting_for = waiting_for


class PermanentError(QuireError):
    """The document, or a setting, must change first: `message` says what to do."""

    code = "unprocessable"


class LeaseLost(Exception):
    """Another worker, a replacement or a delete owns this ingestion now: stop, and change nothing."""


def _restore(kind: type[QuireError], args: tuple[object, ...], state: dict[str, object]) -> QuireError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error
