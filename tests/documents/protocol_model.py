"""The protocol of an ingestion's life as a small machine whose every state can be visited.

    transition of the model      function in the code
    ───────────────────────      ─────────────────────────────────────────────────────────────
    accept                       services.submit, .retry, .reindex, replace: lifecycle.enqueue
    delete                       services.delete: lifecycle.supersede
    send, wipe                   dispatcher.dispatch; Redis loses all messages
    claim                        lifecycle.claim; a message stays, so that it may come twice
    write                        workspace.DatabaseWorkspace.save_pages, .save_chunks: lifecycle.fenced
    complete                     lifecycle.complete
    transient, limited           lifecycle.put_back
    permanent                    lifecycle.fail
    release                      lifecycle.release
    crash                        kill -9 of a worker: no code
    lapse                        a lease runs out, its worker dead, stopped or slow: no code, only time
    sweep                        lifecycle.sweep
    wait                         next_attempt_at is reached: no code, only time
    collect, remove              collector.collect

A generation is only ever compared for equality and never comes again, so a worker remembers whether the one it holds
is still the run's (`is_current`) and not its number, which makes the states finite. A worker that was stopped and
goes on is one that takes no step for a while; what it then does is a step that is not current. A search reads
`State.visible`. A document's content is two chunks, each carrying the version it was made from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

PARTS = 2
"""Chunks of a document: enough to be half built."""
IN_PLACE = -1
"""The owner of chunks that belong to the document and not to a run, as one mutant has it."""


class Rules(NamedTuple):
    """How large the world is, and what is wrong with it: each switch that is off its default is a mutant."""

    max_runs: int = 3
    """Uploads, retries and replacements of one document."""
    workers: int = 2
    max_attempts: int = 4
    max_crashes: int = 3
    may_fail: bool = True
    """Transient, limited and permanent errors happen."""

    guards_generation: bool = True
    """Off: a write asks only whether the run is RUNNING."""
    guards_state: bool = True
    """Off, with `guards_generation`: no fence at all."""
    supersedes: bool = True
    """Off: a replacement leaves the earlier run alone, and whoever ends last is shown."""
    keeps_old_content: bool = True
    """Off: a new run wipes the document's chunks and writes in their place."""
    resends: bool = True
    """Off: a message is sent once, as if the queue were the truth."""
    sweeps: bool = True
    """Off: nobody takes back what a dead worker held."""
    counts_attempts: bool = True
    """Off: a transient error is tried again for ever."""


class Run(NamedTuple):
    """An ingestion; its version is its place in `State.runs`, from 0."""

    status: str = "queued"
    lease: str = ""
    """`held`, `over`, or empty."""
    attempts: int = 0
    crashes: int = 0
    is_waiting: bool = False
    was_sent: bool = False
    is_purged: bool = False

    @property
    def is_final(self) -> bool:
        return self.status not in {"queued", "running"}


class Worker(NamedTuple):
    """A worker at work on a run, whether or not the run is still its own."""

    run: int
    is_current: bool = True
    has_wiped: bool = False


class State(NamedTuple):
    """All that is in the database, in Redis (`messages`) and in the workers."""

    document: str = "processing"
    active: int | None = None
    runs: tuple[Run, ...] = (Run(),)
    chunks: frozenset[tuple[int, int, int]] = frozenset()
    """(owner, part, the version it was made from); the owner is a run, or `IN_PLACE`."""
    messages: frozenset[int] = frozenset()
    workers: tuple[Worker, ...] = ()

    @property
    def visible(self) -> frozenset[tuple[int, int]]:
        """What a search may show, as (part, version)."""
        if self.active is None or self.document in {"deleting", "gone"}:
            return frozenset()
        return frozenset((part, version) for owner, part, version in self.chunks if owner in {self.active, IN_PLACE})

    def with_run(self, number: int, **changes: object) -> State:
        runs = list(self.runs)
        runs[number] = runs[number]._replace(**changes)  # type: ignore[arg-type]  # NamedTuple's are not typed
        return self._replace(runs=tuple(runs))

    def raised(self, number: int) -> State:
        """The run's generation is raised: its workers are no longer current."""
        workers = (w._replace(is_current=False) if w.run == number else w for w in self.workers)
        return self._replace(workers=tuple(sorted(workers)))

    def without(self, worker: Worker) -> State:
        workers = list(self.workers)
        workers.remove(worker)
        return self._replace(workers=tuple(workers))

    def with_worker(self, worker: Worker) -> State:
        return self._replace(workers=tuple(sorted((*self.workers, worker))))


class Step(NamedTuple):
    """A transition. `is_helpful`: the system's own, which it takes sooner or later; not a user's or a misfortune."""

    name: str
    after: State
    is_helpful: bool = True
    is_stale: bool = False


def steps(state: State, rules: Rules) -> Iterator[Step]:
    """Everything that can happen next."""
    if state.document != "gone":
        yield from _requests(state, rules)
    yield from _queue(state, rules)
    for number, run in enumerate(state.runs):
        yield from _time(state, number, run, rules)
    for worker in sorted(set(state.workers)):
        yield from _work(state, worker, rules)


def _requests(state: State, rules: Rules) -> Iterator[Step]:
    if state.document == "deleting":
        if all(run.is_purged for run in state.runs):
            yield Step("remove", state._replace(document="gone"))
        return
    if len(state.runs) < rules.max_runs:
        yield Step("accept", _accepted(state, rules), is_helpful=False)
    yield Step("delete", _superseded(state)._replace(document="deleting"), is_helpful=False)


def _accepted(state: State, rules: Rules) -> State:
    if rules.supersedes:
        state = _superseded(state)
    document = "processing" if state.active is None else "completed"
    return state._replace(runs=(*state.runs, Run()), document=document)


def _superseded(state: State) -> State:
    for number, run in enumerate(state.runs):
        if not run.is_final:
            state = state.with_run(number, status="superseded", lease="", is_waiting=False).raised(number)
    return state


def _queue(state: State, rules: Rules) -> Iterator[Step]:
    for number, run in enumerate(state.runs):
        is_due = run.status == "queued" and not run.is_waiting
        if is_due and number not in state.messages and (rules.resends or not run.was_sent):
            sent = state.with_run(number, was_sent=not rules.resends)
            yield Step("send", sent._replace(messages=state.messages | {number}))
        if number in state.messages and is_due and len(state.workers) < rules.workers:
            claimed = state.with_run(number, status="running", lease="held").raised(number)
            yield Step("claim", claimed.with_worker(Worker(number)))
    if state.messages:
        yield Step("wipe", state._replace(messages=frozenset()), is_helpful=False)


def _time(state: State, number: int, run: Run, rules: Rules) -> Iterator[Step]:
    if run.is_waiting:
        yield Step("wait", state.with_run(number, is_waiting=False))
    if run.lease == "held":
        # Time is on the side of the system: a dead worker's lease does run out.
        yield Step("lapse", state.with_run(number, lease="over"))
    if run.lease == "over" and rules.sweeps:
        yield Step("sweep", _swept(state, number, run, rules))
    is_needed = not run.is_final or (number == state.active and state.document != "deleting")
    if not is_needed and not run.is_purged and state.document != "gone":
        kept = frozenset(chunk for chunk in state.chunks if chunk[0] != number)
        yield Step("collect", state.with_run(number, is_purged=True)._replace(chunks=kept))


def _swept(state: State, number: int, run: Run, rules: Rules) -> State:
    state = state.raised(number)
    if run.crashes + 1 >= rules.max_crashes:
        return _failed(state, number)
    return state.with_run(number, status="queued", lease="", crashes=run.crashes + 1)


def _work(state: State, worker: Worker, rules: Rules) -> Iterator[Step]:
    yield Step("crash", state.without(worker), is_helpful=False)
    is_stale = not worker.is_current
    run = state.runs[worker.run]
    may_write = (worker.is_current or not rules.guards_generation) and (
        run.status == "running" or not rules.guards_state
    )
    if not may_write or state.document == "gone":
        yield Step("lease lost", state.without(worker), is_stale=is_stale)
        return
    for name, after, is_helpful in _attempts(state, worker, rules):
        yield Step(name, after, is_helpful=is_helpful, is_stale=is_stale)


def _attempts(state: State, worker: Worker, rules: Rules) -> Iterator[tuple[str, State, bool]]:
    number, run = worker.run, state.runs[worker.run]
    owner = number if rules.keeps_old_content else IN_PLACE
    done = {part for o, part, version in state.chunks if (o, version) == (owner, number)}
    left = state.without(worker)
    if len(done) < PARTS:
        yield "write", _written(state, worker, owner, len(done), rules), True
    else:
        over = left.with_run(number, status="completed", lease="")
        yield "complete", over._replace(document="completed", active=number), True
    back = left.with_run(number, status="queued", lease="")
    yield "release", back, False
    if rules.may_fail:
        yield "limited", back.with_run(number, is_waiting=True), False
        yield "permanent", _failed(left, number), False
        attempts = run.attempts + 1
        if attempts >= rules.max_attempts and rules.counts_attempts:
            yield "transient", _failed(left, number).with_run(number, attempts=attempts), False
        else:
            counted = min(attempts, rules.max_attempts + 1)
            yield "transient", back.with_run(number, is_waiting=True, attempts=counted), False


def _written(state: State, worker: Worker, owner: int, part: int, rules: Rules) -> State:
    chunks = state.chunks
    if not rules.keeps_old_content and not worker.has_wiped:
        chunks = frozenset(chunk for chunk in chunks if chunk[2] == worker.run)
    after = state.without(worker).with_worker(worker._replace(has_wiped=not rules.keeps_old_content))
    after = after._replace(chunks=chunks | {(owner, part, worker.run)})
    return after.with_run(worker.run, lease="held", crashes=0)


def _failed(state: State, number: int) -> State:
    state = state.with_run(number, status="failed", lease="")
    is_empty = state.active is None and state.document != "deleting"
    return state._replace(document="failed") if is_empty else state


def broken_promises(rules: Rules, *, until: str = "") -> tuple[set[str], int]:
    """Visit every state, or as many as it takes to break the promise `until`.

    Returns the names of the promises that are broken somewhere, and how many states were seen.
    """
    start = State()
    seen, todo = {start}, deque([start])
    helped_by: dict[State, list[State]] = {}
    broken: set[str] = set()
    while todo:
        state = todo.popleft()
        broken.update(_broken_in(state, rules))
        for step in steps(state, rules):
            broken.update(_broken_by(state, step))
            if until in broken:
                return broken, len(seen)
            after = _without_empty_messages(step.after)
            if step.is_helpful:
                helped_by.setdefault(after, []).append(state)
            if after not in seen:
                seen.add(after)
                todo.append(after)
    if len(_reaching({state for state in seen if _is_over(state)}, helped_by)) < len(seen):
        broken.add("every accepted document can always end")
    return broken, len(seen)


def _without_empty_messages(state: State) -> State:
    """A message of a run that is over does nothing whenever it comes: states that differ only by it are one."""
    return state._replace(messages=frozenset(n for n in state.messages if not state.runs[n].is_final))


def _broken_in(state: State, rules: Rules) -> Iterator[str]:
    whole = {(part, state.active) for part in range(PARTS)}
    is_hidden = state.active is None or state.document in {"deleting", "gone"}
    if state.visible != (set() if is_hidden else whole):
        yield "a search sees one whole content"
    if any(run.attempts > rules.max_attempts for run in state.runs):
        yield "attempts are bounded"
    if sum(not run.is_final for run in state.runs) > 1:
        yield "one unfinished run a document"
    newest = len(state.runs) - 1
    if state.runs[newest].status == "completed" and state.active != newest:
        yield "the later of two wins"
    if state.document == "gone" and state.chunks:
        yield "nothing is left of what is gone"
    living = {"processing": not state.runs[newest].is_final, "failed": state.runs[newest].status == "failed"}
    if not living.get(state.document, True) or (state.document == "completed") != (
        state.active is not None and state.document not in {"deleting", "gone"}
    ):
        yield "the status is true"


def _broken_by(before: State, step: Step) -> Iterator[str]:
    after = step.after
    if step.is_stale and before._replace(workers=()) != after._replace(workers=()):
        yield "a stale worker changes nothing"
    if before.active is not None and (after.active is None or after.active < before.active):
        yield "the later of two wins"
    if before.document in {"deleting", "gone"} and after.document not in {"deleting", "gone"}:
        yield "a deleted document stays deleted"


def _is_over(state: State) -> bool:
    return state.document in {"completed", "failed", "gone"} and all(run.is_final for run in state.runs)


def _reaching(ends: set[State], helped_by: dict[State, list[State]]) -> set[State]:
    """The states from which the system's own steps can lead to one of these."""
    reached, todo = set(ends), list(ends)
    while todo:
        for state in helped_by.get(todo.pop(), ()):
            if state not in reached:
                reached.add(state)
                todo.append(state)
    return reached
