"""The protocol keeps its promises in every state it can reach, and each of its parts is needed for one of them."""

from __future__ import annotations

import pytest
from protocol_model import Rules, broken_promises

ENDS = "every accepted document can always end"
STALE = "a stale worker changes nothing"
LATER_WINS = "the later of two wins"
WHOLE = "a search sees one whole content"
DELETED = "a deleted document stays deleted"
GONE = "nothing is left of what is gone"


@pytest.mark.parametrize(
    ("rules", "at_least"),
    [
        pytest.param(Rules(max_runs=1), 1_000, id="one run, all errors, all attempts"),
        pytest.param(Rules(max_runs=2, max_attempts=2, max_crashes=2), 20_000, id="a replacement, all errors"),
        pytest.param(Rules(max_runs=3, max_crashes=1, may_fail=False), 10_000, id="two replacements, all crashes"),
    ],
)
def test_no_reachable_state_breaks_a_promise(rules: Rules, at_least: int) -> None:
    broken, states = broken_promises(rules)
    assert broken == set()
    assert states > at_least


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        pytest.param(Rules(guards_generation=False), STALE, id="guard on state only"),
        pytest.param(Rules(guards_generation=False, guards_state=False), LATER_WINS, id="no fence: late completion"),
        pytest.param(Rules(guards_generation=False, guards_state=False), DELETED, id="no fence: revived"),
        pytest.param(Rules(guards_generation=False, guards_state=False), GONE, id="no fence: written after the purge"),
        pytest.param(Rules(supersedes=False), LATER_WINS, id="no version order"),
        pytest.param(Rules(keeps_old_content=False), WHOLE, id="wipe in place"),
        pytest.param(Rules(max_runs=1, resends=False), ENDS, id="the message is the truth"),
        pytest.param(Rules(max_runs=1, sweeps=False), ENDS, id="no sweep"),
        pytest.param(Rules(max_runs=1, counts_attempts=False), "attempts are bounded", id="attempts not counted"),
    ],
)
def test_each_mutant_of_the_protocol_breaks_its_promise(mutant: Rules, promise: str) -> None:
    two_runs = mutant._replace(max_runs=min(mutant.max_runs, 2))
    assert promise in broken_promises(two_runs, until=promise)[0]
