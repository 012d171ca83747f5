"""The example PDFs are what their script makes, and hold the answers that the questions expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from examples.make_examples import write_all

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ["spice.pdf", "computers.pdf"]
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text().splitlines()]
ANSWERED = [question for question in QUESTIONS if question["page"]]


def page_texts(path: Path) -> list[str]:
    """The text of each page, its white space folded."""
    with pypdfium2.PdfDocument(path) as pdf:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in pdf]


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    write_all(folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_script_writes_the_same_bytes_each_time(remade: Path, tmp_path: Path, name: str) -> None:
    write_all(tmp_path)
    assert (tmp_path / name).read_bytes() == (remade / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_committed_file_says_what_the_script_writes(remade: Path, name: str) -> None:
    # Texts and not bytes: another zlib may compress the same page to other bytes.
    assert page_texts(EXAMPLES / name) == page_texts(remade / name)


@pytest.mark.parametrize("name", NAMES)
def test_example_looks_like_a_publication(name: str) -> None:
    with pypdfium2.PdfDocument(EXAMPLES / name) as pdf:
        assert 5 <= len(pdf) <= 10
        assert pdf.get_metadata_dict()["Title"]
        assert {entry.level for entry in pdf.get_toc()} == {0, 1}
    assert (EXAMPLES / name).stat().st_size < 200_000


@pytest.mark.parametrize("question", ANSWERED, ids=lambda question: question["question"])
def test_gold_page_holds_the_gold_phrase(question: dict[str, Any]) -> None:
    assert question["phrase"] in page_texts(EXAMPLES / question["document"])[question["page"] - 1]


def test_some_questions_have_no_answer() -> None:
    assert len(QUESTIONS) - len(ANSWERED) >= 3
