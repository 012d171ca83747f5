"""How a parser ended that did not finish, and the true sentence for each end."""

from __future__ import annotations

import signal
from enum import StrEnum

from quire.backends.sandbox.limits import MIB, Limits
from quire.core.errors import PermanentError, QuireError, TransientError


class Cause(StrEnum):
    """Why a parser ended."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    NESTING = "nesting"
    CRASH = "crash"
    OUTPUT = "output"
    KILLED = "killed"
    """By SIGKILL, and not by us: an operator, or the kernel when the machine's memory ran out."""
    STARVED = "starved"
    """A timeout of one that had little of the processor in that time: it was stopped, or it slept."""
    HUNG = "hung"
    """The parser process that should watch over it did not answer: it was stopped, or it hangs."""


OUR_FAULT = frozenset({Cause.KILLED, Cause.HUNG})
"""Whatever the file is, it cannot have done that."""
NOT_AT_ONCE_THE_FILES = OUR_FAULT | {Cause.STARVED}
"""What a fresh parser need not meet."""


class ParserDied(Exception):
    """A child ended, or had to be ended, before it was done."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail


class ParserBug(Exception):
    """An extractor raised what it should not: our bug, with the child's traceback."""


_ADVICE = "Save or export the document again, or divide it, and upload the new file."


def as_error(death: ParserDied, *, page: int, limits: Limits) -> QuireError:
    """What fails the document; `page` 0 means that it was being opened."""
    where = f"Page {page}" if page else "This file"
    match death.cause:
        case Cause.STARVED if not page:
            late = f"{where} could not be opened within {limits.page_s:g} seconds, in which the parser hardly ran"
            return TransientError(f"{late}, as happens where a machine has too much to do.", code="parser_starved")
        case Cause.TIMEOUT | Cause.STARVED:
            took = f"{where} took more than {limits.page_s:g} seconds to read"
            return PermanentError(f"{took}, and was given up. {_ADVICE}", code="parser_timeout")
        case Cause.MEMORY:
            needs = f"{where} needs more than {limits.memory_bytes // MIB} MB of memory to be read"
            return PermanentError(f"{needs}, and was given up. {_ADVICE}", code="parser_memory")
        case Cause.NESTING:
            return PermanentError(f"{where} is nested too deeply to be read. {_ADVICE}", code="parser_crash")
        case Cause.OUTPUT:
            return PermanentError(f"{where} holds more text than Quire takes of one page.", code="parser_output")
        case Cause.KILLED:
            sentence = "The parser was killed from outside, as happens when the machine runs out of memory."
            return TransientError(sentence, code="parser_killed")
        case Cause.HUNG:
            return TransientError("The parser did not answer on our side.", code="parser_unavailable")
        case _:
            return PermanentError(f"{where} makes the parser crash ({death.detail}). {_ADVICE}", code="parser_crash")


def as_total_timeout(limits: Limits) -> PermanentError:
    """The file as a whole took too long."""
    sentence = f"This file takes more than {limits.total_s:g} seconds to read, and was given up. {_ADVICE}"
    return PermanentError(sentence, code="parser_timeout")


def as_total_output(limits: Limits) -> PermanentError:
    """The file as a whole holds too much."""
    most = f"{limits.output_bytes / MIB:g} MB"
    sentence = f"This file holds more text than Quire takes ({most} with its layout). Divide it and upload the parts."
    return PermanentError(sentence, code="parser_output")


def as_warning(death: ParserDied, *, page: int, limits: Limits) -> str:
    """What a document says of a page that was left out."""
    reasons = {
        Cause.TIMEOUT: f"it took more than {limits.page_s:g} seconds",
        Cause.STARVED: f"it took more than {limits.page_s:g} seconds",
        Cause.MEMORY: f"it needs more than {limits.memory_bytes // MIB} MB of memory",
        Cause.NESTING: "it is nested too deeply",
        Cause.OUTPUT: "it holds more text than Quire takes of one page",
    }
    return f"Page {page} could not be read: {reasons.get(death.cause, 'it made the parser crash')}."


def death_of(exit_code: int, *, peak_bytes: int, limits: Limits) -> ParserDied:
    """From a child's exit code (negative for a signal, as `subprocess` writes it) and the memory it had at most."""
    if exit_code == -signal.SIGKILL:
        return ParserDied(Cause.KILLED)
    if exit_code == -signal.SIGXCPU:
        return ParserDied(Cause.TIMEOUT)
    if exit_code < 0 and peak_bytes >= limits.memory_bytes / 2:
        # C libraries abort when they get no more, which a buffer that doubles meets at half of the limit.
        return ParserDied(Cause.MEMORY, signal.Signals(-exit_code).name)
    if exit_code < 0:
        return ParserDied(Cause.CRASH, signal.Signals(-exit_code).name)
    return ParserDied(Cause.CRASH, f"it stopped with code {exit_code}")
