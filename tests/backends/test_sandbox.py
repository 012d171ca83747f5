"""The sandbox looks like the extractor inside it, and whatever a file does to a parser, the worker goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from quire.backends.extractors.by_type import ExtractorByType
from quire.backends.sandbox.deaths import ParserBug
from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.core.cancellation import Cancellation
from quire.core.errors import PermanentError, RateLimited, TransientError
from quire.core.media_types import DOCX, MARKDOWN, PDF, TEXT
from quire.core.types import Origin, Page
from quire.testing.files import make_docx, make_pdf

BY_TYPE = ("quire.backends.extractors.by_type.ExtractorByType", {})
NAUGHTY = ("tests.backends.naughty_extractor.NaughtyExtractor", {})
BREAKING = ("tests.backends.naughty_extractor.BreakingPdfExtractor", {})
LIMITS = {"page_s": 1.5, "memory_bytes": 200 * 2**20, "page_bytes": 2**20, "output_bytes": 4 * 2**20, "bad_pages": 2}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxedExtractor]:
    with closing(SandboxedExtractor(extractor=BY_TYPE)) as extractor:
        yield extractor


@pytest.fixture(scope="module")
def naughty() -> Iterator[SandboxedExtractor]:
    with closing(SandboxedExtractor(extractor=NAUGHTY, limits=LIMITS)) as extractor:
        yield extractor


@pytest.fixture(scope="module")
def unconfined() -> Iterator[SandboxedExtractor]:
    """As on a kernel that has neither Landlock nor seccomp."""
    with closing(SandboxedExtractor(extractor=NAUGHTY, limits=LIMITS, is_confined=False)) as extractor:
        yield extractor


@pytest.fixture(scope="module")
def drawing() -> Iterator[SandboxedExtractor]:
    """A page that ends its parser is read as Markdown."""
    with closing(
        SandboxedExtractor(
            extractor=NAUGHTY,
            ocr=("quire.testing.ocr.FakeOcrEngine", {}),
            page_fallbacks={TEXT: MARKDOWN},
            limits={**LIMITS, "page_s": 1},
        )
    ) as extractor:
        yield extractor


@pytest.fixture(scope="module")
def watched() -> Iterator[SandboxedExtractor]:
    """Its parser process must answer within a second; what ends it is read as Markdown."""
    limits = {**LIMITS, "page_s": 3, "answer_s": 1}
    with closing(SandboxedExtractor(extractor=NAUGHTY, fallbacks={TEXT: MARKDOWN}, limits=limits)) as extractor:
        yield extractor


def read(extractor: SandboxedExtractor, folder: Path, *lines: str, opening: str = "ok") -> list[Page]:
    path = script(folder, *lines, opening=opening)
    with extractor.open(path, media_type=TEXT) as extraction:
        return list(extraction.pages())


def script(folder: Path, *lines: str, opening: str = "ok") -> Path:
    path = folder / "script.txt"
    path.write_text("\n".join([opening, *lines]))
    return path


def texts(pages: list[Page]) -> list[str]:
    return [page.text for page in pages]


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def is_gone(pid: int, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


FILES = {
    "pdf": (PDF, make_pdf(["# One\nThe first page has a sentence.", "The second has another.", "A third."], title="T")),
    "docx": (DOCX, make_docx("# Title\nA paragraph of some words.\n- an item")),
    "text": (TEXT, "Ærø: naïve café — 漢字 𝄞\n\nAnother paragraph.".encode()),
}


@pytest.mark.parametrize("name", FILES)
def test_a_good_file_reads_as_it_does_without_a_sandbox(sandbox: SandboxedExtractor, tmp_path: Path, name: str) -> None:
    media_type, content = FILES[name]
    path = tmp_path / "file"
    path.write_bytes(content)
    with ExtractorByType(ocr=None).open(path, media_type=media_type) as plain:
        expected = (plain.title, plain.page_count, list(plain.pages()))
    with sandbox.open(path, media_type=media_type) as extraction:
        assert (extraction.title, extraction.page_count, list(extraction.pages())) == expected


def test_pages_may_be_asked_for_from_any_number_and_again(sandbox: SandboxedExtractor, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILES["pdf"][1])
    with sandbox.open(path, media_type=PDF) as extraction:
        assert [page.number for page in extraction.pages(first=2)] == [2, 3]
        assert next(iter(extraction.pages())).number == 1
        assert [page.number for page in extraction.pages()] == [1, 2, 3]
        assert list(extraction.pages(first=4)) == []


def test_errors_of_the_extractor_come_through(sandbox: SandboxedExtractor, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(make_pdf(["Secret."], password="letmein"))
    with pytest.raises(PermanentError, match="needs a password") as caught, sandbox.open(path, media_type=PDF):
        pass
    assert caught.value.code == "encrypted"


def test_a_wait_comes_through_with_its_seconds(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(RateLimited) as caught:
        read(naughty, tmp_path, "!wait")
    assert caught.value.retry_after_s == 7


def test_a_bug_comes_with_the_traceback_of_the_child(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(ParserBug, match=r"(?s)naughty_extractor\.py.*ZeroDivisionError: a bug of ours"):
        read(naughty, tmp_path, "!bug")


ENDS = {
    "!loop": "parser_timeout",
    "!allocate 3000": "parser_memory",
    "!hoard": "parser_memory",
    "!recurse": "parser_crash",
    "!abort": "parser_crash",
    "!segfault": "parser_crash",
    "!exit 0": "parser_crash",
    "!exit 3": "parser_crash",
    '!nonsense {"info": {"title": 5, "page_count": 1}}': "parser_crash",
    "!nonsense [[[[": "parser_crash",
}


@pytest.mark.parametrize("deed", ENDS)
def test_a_file_that_ends_its_parser_fails_soon_and_the_next_one_is_read(
    naughty: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    began = time.monotonic()
    with pytest.raises(PermanentError) as caught:
        read(naughty, tmp_path, opening=deed)
    assert caught.value.code == ENDS[deed]
    assert caught.value.message.startswith("This file ")
    assert time.monotonic() - began < 10
    assert texts(read(naughty, tmp_path, "good")) == ["good"]


@pytest.mark.parametrize("deed", ["!loop", "!allocate 3000", "!recurse", "!segfault", "!exit 0", "!text 2000000"])
def test_a_page_that_ends_its_parser_is_left_out_by_name(
    naughty: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    pages = read(naughty, tmp_path, "one", deed, "three")
    assert texts(pages) == ["one", "", "three"]
    assert [page.number for page in pages] == [1, 2, 3]
    assert pages[1].warning.startswith("Page 2 could not be read: it ")
    assert not pages[0].warning + pages[2].warning


@pytest.mark.parametrize("deed", ["!loop", "!allocate 3000", "!recurse", "!segfault", "!exit 0"])
def test_a_page_that_ends_its_parser_is_read_once_more(
    unconfined: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    (tmp_path / "turn").touch()
    pages = read(unconfined, tmp_path, f"!once {tmp_path / 'turn'} {deed}", "two", "three")
    assert texts(pages) == ["ok", "two", "three"]
    assert not any(page.warning for page in pages)


@pytest.mark.parametrize("deed", ["!recurse", "!abort"])
def test_a_page_that_ends_its_parser_twice_is_read_as_its_fallback_and_says_so(
    drawing: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    pages = read(drawing, tmp_path, "one", deed, "three")
    assert texts(pages) == ["one", deed.removeprefix("!"), "three"]
    assert [page.warning for page in pages] == [
        "",
        "Page 2 was read by OCR, from its picture: its text made the parser fail.",
        "",
    ]


def test_any_number_of_pages_may_be_read_as_their_fallback(drawing: SandboxedExtractor, tmp_path: Path) -> None:
    assert texts(read(drawing, tmp_path, *["!abort"] * 6)) == ["abort"] * 6


def test_a_page_without_anything_in_its_fallback_is_left_out(drawing: SandboxedExtractor, tmp_path: Path) -> None:
    pages = read(drawing, tmp_path, "one", "!mute", "three")
    assert texts(pages) == ["one", "", "three"]
    assert pages[1].warning.startswith("Page 2 could not be read: it made the parser crash")


def test_time_is_lost_on_few_pages_only_however_they_are_read_then(tmp_path: Path) -> None:
    limits = {**LIMITS, "page_s": 0.3, "bad_pages": 1}
    with (
        closing(
            SandboxedExtractor(
                extractor=NAUGHTY,
                ocr=("quire.testing.ocr.FakeOcrEngine", {}),
                page_fallbacks={TEXT: MARKDOWN},
                limits=limits,
            )
        ) as extractor,
        pytest.raises(PermanentError, match=r"^Page \d took more than 0\.3 seconds") as caught,
    ):
        read(extractor, tmp_path, *["!loop"] * 10)
    assert caught.value.code == "parser_timeout"


def test_a_page_of_a_pdf_whose_text_ends_the_parser_is_read_by_ocr(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(make_pdf(["The first page has a sentence.", "The second has another."]))
    extractor = SandboxedExtractor(extractor=BREAKING, ocr=("quire.testing.ocr.FakeOcrEngine", {}))
    with closing(extractor), extractor.open(path, media_type=PDF) as extraction:
        first, second = extraction.pages()
    assert (first.text, first.origin) == ("Read by OCR.", Origin.OCR)
    assert first.warning == "Page 1 was read by OCR, from its picture: its text made the parser fail."
    assert second.text.startswith("The second has another.")
    assert not second.warning


def test_each_try_moves_the_work(drawing: SandboxedExtractor, tmp_path: Path) -> None:
    moves: list[None] = []
    path = script(tmp_path, "one", "!abort", "three")
    with (
        Cancellation(on_move=lambda: moves.append(None)) as cancellation,
        drawing.until(cancellation).open(path, media_type=TEXT) as extraction,
    ):
        at_first = len(moves)
        assert len(list(extraction.pages())) == 3
    assert at_first == 2, "it begins, and is open"
    assert len(moves) == 2 * 4, "once more, as its fallback, and for the pages behind"


def test_too_many_bad_pages_fail_the_document(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"^Page 4 makes the parser crash \(SIGABRT\)") as caught:
        read(naughty, tmp_path, "!abort", "fine", "!abort", "!abort", "fine")
    assert caught.value.code == "parser_crash"


def test_a_file_of_bad_pages_only_fails_with_their_reason(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"^Page 1 needs more than 200 MB of memory") as caught:
        read(naughty, tmp_path, "!allocate 3000")
    assert caught.value.code == "parser_memory"
    with pytest.raises(PermanentError, match=r"^Page 2 makes the parser crash"):
        read(naughty, tmp_path, "!loop", "!abort")


def test_endless_pages_end(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="more text than Quire takes") as caught:
        read(naughty, tmp_path, "!endless")
    assert caught.value.code == "parser_output"


def test_a_file_has_an_end_to_its_time_even_if_each_page_is_quick(tmp_path: Path) -> None:
    limits = {**LIMITS, "total_s": 1.0}
    with (
        closing(SandboxedExtractor(extractor=NAUGHTY, limits=limits)) as extractor,
        pytest.raises(PermanentError, match="takes more than 1 seconds") as caught,
    ):
        read(extractor, tmp_path, *["!sleep 0.3"] * 8)
    assert caught.value.code == "parser_timeout"


def test_a_child_that_is_killed_from_outside_costs_no_page(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    path = script(tmp_path, "!pid", "!sleep 0.5", "three")
    with naughty.open(path, media_type=TEXT) as extraction:
        pages = extraction.pages()
        os.kill(int(next(pages).text), signal.SIGKILL)
        rest = list(pages)
    assert texts(rest) == ["slept", "three"]
    assert not any(page.warning for page in rest)


def test_a_child_that_is_killed_again_and_again_is_tried_later(unconfined: SandboxedExtractor, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="killed from outside") as caught:
        read(unconfined, tmp_path, "one", "!kill_self", "three")
    assert caught.value.code == "parser_killed"


def test_the_parser_process_itself_may_be_killed_in_the_middle(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    path = script(tmp_path, "one", "!sleep 0.5", "three")
    before = naughty.process.pid
    with naughty.open(path, media_type=TEXT) as extraction:
        pages = extraction.pages()
        next(pages)
        os.kill(before, signal.SIGKILL)
        assert texts(list(pages)) == ["slept", "three"]
    assert naughty.process.pid != before


@pytest.mark.parametrize("deed", ["!abort", "!kill_self"])
def test_a_file_that_ends_its_parser_while_it_is_opened_is_opened_once_more(
    unconfined: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    once = f"!once {tmp_path / 'turn'} {deed}"
    (tmp_path / "turn").touch()
    pages = read(unconfined, tmp_path, "one", "two", opening=once)
    assert texts(pages) == ["one", "two"]
    assert not any(page.warning for page in pages)


@pytest.mark.parametrize("fallbacks", [{}, {TEXT: MARKDOWN}])
def test_a_file_whose_parser_hardly_runs_while_it_is_opened_is_tried_later(
    tmp_path: Path, fallbacks: dict[str, str]
) -> None:
    limits = {**LIMITS, "page_s": 0.5}
    with (
        closing(SandboxedExtractor(extractor=NAUGHTY, fallbacks=fallbacks, limits=limits)) as extractor,
        pytest.raises(TransientError, match="in which the parser hardly ran") as caught,
    ):
        read(extractor, tmp_path, "one", opening="!sleep 60")
    assert caught.value.code == "parser_starved"


@pytest.mark.parametrize("deed", ["!abort", "!allocate 3000"])
def test_a_file_that_ends_its_parser_twice_is_read_as_its_fallback_and_says_so(
    watched: SandboxedExtractor, tmp_path: Path, deed: str
) -> None:
    pages = read(watched, tmp_path, "one", "!abort", "three", opening=deed)
    assert texts(pages) == ["one", "abort", "three"]
    assert [bool(page.warning) for page in pages] == [True, False, False]
    assert pages[0].warning.startswith("From page 1 on this file was read as plain text")


def test_markdown_that_takes_for_ever_is_read_as_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Nutmeg grows on Banda.\n\n" + "![" * 60_000)  # the time goes with the square of it
    with (
        closing(SandboxedExtractor(extractor=BY_TYPE, limits={"page_s": 1.5})) as extractor,
        extractor.open(path, media_type=MARKDOWN) as extraction,
    ):
        first, *rest = extraction.pages()
    assert first.text.startswith("Nutmeg grows on Banda.")
    assert "plain text" in first.warning
    assert not any(page.warning for page in rest)


def test_a_file_that_ends_its_fallback_too_fails_for_its_first_reason(
    watched: SandboxedExtractor, tmp_path: Path
) -> None:
    with pytest.raises(PermanentError, match=r"^This file makes the parser crash \(SIGABRT\)") as caught:
        read(watched, tmp_path, opening="!abort")  # without a page it is refused there
    assert caught.value.code == "parser_crash"


def test_a_parser_process_that_is_stopped_is_killed_and_costs_no_file(
    watched: SandboxedExtractor, tmp_path: Path
) -> None:
    stopped = watched.process.pid
    os.kill(stopped, signal.SIGSTOP)
    pages = read(watched, tmp_path, "one", "two")
    assert texts(pages) == ["one", "two"]
    assert not any(page.warning for page in pages)
    assert is_gone(stopped, within_s=1)


def test_a_parser_process_that_is_stopped_in_the_middle_of_a_file_costs_no_page(
    watched: SandboxedExtractor, tmp_path: Path
) -> None:
    stopped = watched.process.pid
    with watched.open(script(tmp_path, "!pid", "!abort", "three"), media_type=TEXT) as extraction:
        pages = extraction.pages()
        child = int(next(pages).text)
        os.kill(stopped, signal.SIGSTOP)
        rest = list(pages)
    assert texts(rest) == ["", "three"]
    assert "made the parser crash" in rest[0].warning
    assert is_gone(stopped, within_s=1)
    assert is_gone(child, within_s=1)


def test_leaving_the_block_ends_the_child_of_a_parser_process_that_is_stopped(
    watched: SandboxedExtractor, tmp_path: Path
) -> None:
    with watched.open(script(tmp_path, "!pid", "!loop"), media_type=TEXT) as extraction:
        child = int(next(iter(extraction.pages())).text)
        os.kill(watched.process.pid, signal.SIGSTOP)
    assert is_gone(child, within_s=1)
    assert texts(read(watched, tmp_path, "good")) == ["good"]


def test_a_child_that_is_stopped_costs_no_page(watched: SandboxedExtractor, tmp_path: Path) -> None:
    with watched.open(script(tmp_path, "!pid", "!sleep 0.5", "three"), media_type=TEXT) as extraction:
        pages = extraction.pages()
        os.kill(int(next(pages).text), signal.SIGSTOP)
        rest = list(pages)
    assert texts(rest) == ["slept", "three"]
    assert not any(page.warning for page in rest)


def test_a_page_on_which_a_fresh_child_stops_too_is_left_out(unconfined: SandboxedExtractor, tmp_path: Path) -> None:
    pages = read(unconfined, tmp_path, "one", "!stop_self", "three")
    assert texts(pages) == ["one", "", "three"]
    assert pages[1].warning == "Page 2 could not be read: it took more than 1.5 seconds."


def test_leaving_the_block_ends_the_child_at_once(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    with naughty.open(script(tmp_path, "!pid", "!sleep 60"), media_type=TEXT) as extraction:
        pid = int(next(iter(extraction.pages())).text)
        assert is_alive(pid)
    assert not is_alive(pid)


@pytest.mark.parametrize("extractor", ["naughty", "unconfined"])
def test_nothing_that_a_parser_starts_outlives_its_file(
    extractor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    [page] = read(request.getfixturevalue(extractor), tmp_path, "!fork")
    assert page.text == "refused: PermissionError" or is_gone(int(page.text), within_s=1)


def test_a_parser_may_use_threads(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    assert texts(read(naughty, tmp_path, "!thread")) == ["from a thread"]


def test_two_files_are_read_at_once(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    paths = [script(folder, "one", "two") for name in "ab" if not (folder := tmp_path / name).mkdir()]
    with naughty.open(paths[0], media_type=TEXT) as a, naughty.open(paths[1], media_type=TEXT) as b:
        assert [(x.text, y.text) for x, y in zip(a.pages(), b.pages(), strict=True)] == [("one", "one"), ("two", "two")]


def test_a_forked_worker_gets_a_parser_process_of_its_own(naughty: SandboxedExtractor, tmp_path: Path) -> None:
    parents = naughty.process.pid
    pid = os.fork()
    if pid == 0:
        try:
            is_own = naughty.process.pid != parents and texts(read(naughty, tmp_path, "good")) == ["good"]
            naughty.close()
            os._exit(0 if is_own else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert naughty.process.pid == parents
    assert texts(read(naughty, tmp_path, "good")) == ["good"]


def test_the_parser_process_dies_with_its_worker() -> None:
    program = (
        "import os; from quire.backends.sandbox.extractor import SandboxedExtractor as S;"
        f"s = S(extractor={BY_TYPE!r}); print(s.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    worker = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert worker.returncode == -signal.SIGKILL
    assert is_gone(int(worker.stdout), within_s=2)


def test_a_backend_that_cannot_be_built_is_our_fault_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extractor = SandboxedExtractor(extractor=("tests.backends.naughty_extractor.Missing", {}))
    with pytest.raises(TransientError, match="could not be started"):
        read(extractor, tmp_path, "good")
    assert "Missing" in caplog.text


class TestConfinement:
    """What a parser that was taken over finds; skipped on a kernel that has not the means."""

    def test_no_secret_is_in_its_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DATABASE_URL", "GEMINI_API_KEY", "AWS_SECRET_ACCESS_KEY", "QUIRE_SECRET_KEY"):
            monkeypatch.setenv(name, "secret")
        with closing(SandboxedExtractor(extractor=NAUGHTY)) as extractor:
            [page] = read(extractor, tmp_path, "!environment")
        allowed = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TESSDATA_PREFIX", "LD_LIBRARY_PATH", "HOME"}
        allowed |= {"PYTHONPATH", "OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
        assert set(page.text.split()) <= allowed

    def test_it_writes_no_file(
        self, naughty: SandboxedExtractor, unconfined: SandboxedExtractor, tmp_path: Path
    ) -> None:
        assert texts(read(naughty, tmp_path, f"!write {tmp_path}/note")) == ["refused: PermissionError"]
        assert texts(read(unconfined, tmp_path, f"!write {tmp_path}/note")) == ["refused: OSError"]

    def test_it_reads_no_other_file(self, naughty: SandboxedExtractor, tmp_path: Path) -> None:
        (tmp_path / "quire.sqlite3").write_text("the documents of all tenants")
        pages = read(naughty, tmp_path, f"!read {tmp_path}/quire.sqlite3", "!read /etc/passwd", "!parents_environment")
        assert texts(pages) == ["refused: PermissionError"] * 3

    def test_it_reaches_no_network_and_no_local_service(self, naughty: SandboxedExtractor, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as redis:
            redis.bind(str(tmp_path / "redis.sock"))
            redis.listen()
            pages = read(naughty, tmp_path, "!internet", f"!connect {tmp_path}/redis.sock")
        assert texts(pages) == ["refused: PermissionError"] * 2

    def test_it_kills_nobody(self, naughty: SandboxedExtractor, tmp_path: Path) -> None:
        before = naughty.process.pid
        assert texts(read(naughty, tmp_path, "!kill_parent")) == ["refused: PermissionError"]
        assert naughty.process.pid == before

    @pytest.fixture(autouse=True)
    def _measures(self, naughty: SandboxedExtractor) -> None:
        if missing := {"landlock", "seccomp"} - set(naughty.process.confined_by):
            pytest.skip(f"this kernel has no {' and no '.join(sorted(missing))}")
