"""`quire up` and the commands, for real: Redis, web, worker and dispatcher, an example taken in and asked about."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "How many flowers go into one kilogram of dried saffron?"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
    pytest.mark.timeout(300),
]
Up = Any
"""As the conftest has it; a test folder is no package to import from."""


@pytest.fixture(scope="module")
def spice(up: Up) -> str:
    """The id of examples/spice.pdf, taken in by the command."""
    taken = up.quire("ingest", str(EXAMPLES / "spice.pdf"))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert "✓ spice.pdf  7 pages" in taken.stdout
    return str(taken.stdout.split()[-1])


def wait_until(is_so: Callable[[], object], *, limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.1)


def test_the_first_start_shows_address_link_and_key_and_leaves_them_for_the_commands(up: Up) -> None:
    left = json.loads((up.folder / "client.json").read_text())
    assert left["url"] == f"http://127.0.0.1:{up.port}"
    assert left["url"] in up.said
    assert left["api_key"] in up.said
    assert stat.S_IMODE((up.folder / "client.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(up.folder.stat().st_mode) == 0o700


def test_the_link_shown_leads_to_a_page(up: Up) -> None:
    link = re.search(r"http\S+/sign-in/\S+", up.said)
    assert link
    assert httpx.get(link[0], follow_redirects=True, timeout=30).status_code == 200


def test_a_new_link_can_be_had(up: Up) -> None:
    made = up.quire("sign-in-link")
    assert httpx.get(made.stdout.strip(), follow_redirects=True, timeout=30).status_code == 200


def test_an_answer_cites_the_page(up: Up, spice: str) -> None:
    asked = up.quire("ask", QUESTION, "--document", spice)
    assert "150,000" in asked.stdout, asked.stderr
    assert "[1] spice.pdf, page 3: “" in asked.stdout


def test_an_answer_comes_as_json_too(up: Up, spice: str) -> None:
    answer = json.loads(up.quire("ask", QUESTION, "--document", spice, "--json").stdout)
    assert answer["grounded"]
    assert answer["citations"][0]["page"] == 3


def test_a_search_finds_the_passage(up: Up, spice: str) -> None:
    hits = json.loads(up.quire("search", "saffron flowers kilogram", "--limit", "3", "--json").stdout)
    assert len(hits) == 3
    assert "spice.pdf, page" in up.quire("search", "saffron flowers kilogram").stdout


def test_status_shows_all_and_one(up: Up, spice: str) -> None:
    assert "completed" in up.quire("status").stdout
    assert json.loads(up.quire("status", spice, "--json").stdout)["chunks"] > 10
    assert "spice.pdf" in up.quire("status", spice).stdout


def test_a_file_that_cannot_be_read_is_one_line_and_exit_1(up: Up, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    (tmp_path / "good.txt").write_text("Mace is the lacy red cover of the nutmeg.")
    taken = up.quire("ingest", str(tmp_path))
    assert taken.returncode == 1
    assert "✗ broken.pdf  corrupt_file: " in taken.stdout
    assert "✓ good.txt  1 page, 1 chunk" in taken.stdout


def test_a_document_is_deleted_and_then_not_found(up: Up, tmp_path: Path) -> None:
    (tmp_path / "gone.txt").write_text("Long pepper was forgotten.")
    document_id = up.quire("ingest", "--title", "Long pepper", str(tmp_path / "gone.txt")).stdout.split()[-1]
    assert up.quire("delete", document_id).returncode == 0
    missing = up.quire("status", document_id)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("error[not_found]: ")


def test_retry_of_what_did_not_fail_is_refused_in_the_services_words(up: Up, spice: str) -> None:
    refused = up.quire("retry", spice)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "error[not_failed]")


def test_a_key_is_made_works_and_ends(up: Up) -> None:
    key = up.quire("keys", "create", "laptop").stdout.strip()
    assert up.quire("status", QUIRE_API_KEY=key).returncode == 0
    (row,) = [row for row in json.loads(up.quire("keys", "list", "--json").stdout) if row["name"] == "laptop"]
    assert up.quire("keys", "revoke", row["id"]).returncode == 0
    refused = up.quire("status", QUIRE_API_KEY=key)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "error[not_authenticated]")


def test_eval_scores_the_examples_questions(up: Up, spice: str, tmp_path: Path) -> None:
    lines = (EXAMPLES / "questions.jsonl").read_text().splitlines()
    questions = tmp_path / "questions.jsonl"
    questions.write_text("\n".join(line for line in lines if json.loads(line)["document"] == "spice.pdf"))
    scores = json.loads(up.quire("eval", str(questions), "--json").stdout)["scores"]
    assert scores[-1]["questions"] >= 5
    assert scores[-1]["page-hit@5"] >= 0.5


def test_the_doctor_finds_a_running_service_well(up: Up) -> None:
    examined = up.quire("doctor", "--json")
    assert [result for result in json.loads(examined.stdout) if result["state"] == "fail"] == []
    assert examined.returncode == 0


def test_the_audit_of_a_running_service_finds_nothing(up: Up, spice: str) -> None:
    audited = up.quire("audit")
    assert (audited.returncode, audited.stdout) == (0, "Database, files, vectors and keywords agree.\n")


def test_a_second_up_on_the_folder_is_refused(up: Up) -> None:
    refused = up.quire("up", "--port", "1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error[already_running]: ")


def test_an_up_on_a_taken_port_is_refused(up: Up, tmp_path: Path) -> None:
    refused = up.quire("up", "--port", str(up.port), "--data-dir", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error[port_in_use]: ")


@pytest.mark.parametrize("part", ["web", "worker", "dispatcher", "redis"])
def test_a_killed_part_comes_back_and_work_goes_on(up: Up, part: str, tmp_path: Path) -> None:
    killed = up.part(part)
    assert killed
    os.kill(killed, signal.SIGKILL)
    note = tmp_path / f"{part}.txt"
    note.write_text(f"This was taken in while the {part} was dead.")
    taken = up.quire("ingest", str(note))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    wait_until(lambda: up.part(part) not in (None, killed))
    assert f"The {part} ended (killed by SIGKILL)" in up.said


def test_all_is_there_after_a_stop_and_a_second_start_and_nothing_survives_a_kill(up: Up, spice: str) -> None:
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 12
    assert up.processes() == []
    assert "Traceback" not in up.said
    first = up.said

    up.start()
    key = json.loads((up.folder / "client.json").read_text())["api_key"]
    assert key in first
    assert key not in up.said
    assert "sign-in-link" in up.said
    assert "150,000" in up.quire("ask", QUESTION, "--document", spice).stdout

    wait_until(lambda: len(up.processes()) >= 6)  # up, Redis, web, dispatcher, worker and its pool
    up.process.kill()
    up.process.wait()
    wait_until(lambda: up.processes() == [], limit_s=10)
    up.start()  # for the tests that may follow, and to see that nothing of the killed one stands in the way
