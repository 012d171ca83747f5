"""Whatever a file tries, it ends as harmless text or as a sentence, in bounded time, and the parser process lives."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.test import Client

from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.core.errors import PermanentError, TransientError
from quire.core.media_types import sniff
from quire.core.types import Page
from quire.documents.models import Document
from quire.testing.hostile import NAMES, HostileFile, hostile_files
from quire.testing.hostile_pdf import WORDS

LIMITS = {"page_s": 6, "memory_bytes": 400 * 2**20, "bad_pages": 1}
TRIES = 3
BOUND_S = 90
"""Far more than any of them takes, far less than for ever: two children of `page_s` a try, on a busy machine."""

FILES = list(hostile_files())
ENDS: dict[str, set[str]] = {
    "cyclic pages": {"corrupt_file"},
    "too many pages": {"too_many_pages"},
    "a deep tree of pages": {"corrupt_file"},
    "a form that draws itself": {"empty"},
    "a billion laughs of forms": {"parser_memory", "parser_timeout"},
    "a stream that unpacks to 512 MB": {"parser_memory", "parser_timeout"},
    "a stream packed twice": {"parser_memory", "parser_timeout"},
    "millions of characters on a page": {"cut", "left out", "parser_memory", "parser_timeout"},
    "a picture of 3,600 megapixels": {"left out"},
    "a vast drawing": {"left out", "parser_timeout"},
    "a stream without end": {"text", "cut", "empty"},
    "a password": {"encrypted"},
    "cut in half": {"corrupt_file", "unsupported_type"},
    "cut at its end": {"corrupt_file"},
    "a header and nothing else": {"corrupt_file"},
    "a header before noise": {"corrupt_file"},
    "a count that lies": {"cut"},
    "a part that unpacks to 80 MB": {"zip_bomb"},
    "a bomb whose directory lies": {"corrupt_file", "zip_bomb"},
    "too many parts": {"unsupported_type"},
    "a billion laughs": {"corrupt_file"},
    "quadratic entities": {"corrupt_file"},
    "a file by an external entity": {"corrupt_file"},
    "an address by an external entity": {"corrupt_file"},
    "an external definition": {"corrupt_file"},
    "entities in UTF-16": {"corrupt_file"},
    "a huge attribute": {"zip_bomb", "text"},
    "deep elements": {"corrupt_file"},
    "deep lists": {"corrupt_file"},
    "deep quotes": {"corrupt_file"},
    "broken XML": {"corrupt_file"},
    "no XML at all": {"corrupt_file"},
    "an encrypted member": {"corrupt_file"},
    "control characters": {"corrupt_file"},
    "attributes by the thousand": {"text", "parser_timeout"},
    "a line of 4 MB": {"text"},
    "nothing but spaces": {"no_text"},
    "binary noise": {"unsupported_type"},
    "disguised: really-a-pdf.docx": {"text"},
    "disguised: really-a-docx.pdf": {"text"},
    "disguised: report.pdf.exe": {"text"},
}
"""How each ends: a code of an error; `left out` or `cut` for pages with a warning; `empty`; `text` where none is named.
Where there are two, they depend on the machine, or on the kind of file."""
WITHOUT_WORDS = {"a stream without end", "a line of 4 MB", "a word of 2 MB"}
HARMFUL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxedExtractor]:
    by_type = ("quire.backends.extractors.by_type.ExtractorByType", {})
    with closing(SandboxedExtractor(extractor=by_type, limits=LIMITS)) as extractor:
        extractor.warm_up()
        yield extractor


def read(sandbox: SandboxedExtractor, file: HostileFile, folder: Path) -> tuple[list[Page], PermanentError | None]:
    """Its pages, or why there are none."""
    path = folder / "stored"
    path.write_bytes(file.make())
    for _ in range(TRIES):
        try:
            with sandbox.open(path, media_type=sniff(path, name=file.name)) as extraction:
                assert not HARMFUL.search(extraction.title)
                return list(extraction.pages()), None
        except PermanentError as error:
            return [], error
        except TransientError as error:  # this machine had too much to do, and the parser hardly ran: tried again later
            if error.code != "parser_starved":
                raise
    raise AssertionError(f"the parser did not get to run in {TRIES} attempts")


def how_it_ends(pages: list[Page]) -> str:
    has_text, is_warned = any(page.text for page in pages), any(page.warning for page in pages)
    if is_warned:
        return "cut" if has_text else "left out"
    return "text" if has_text else "empty"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.name}-{file.trick}")
def test_a_hostile_file_ends_soundly(file: HostileFile, sandbox: SandboxedExtractor, tmp_path: Path) -> None:
    expected = ENDS.get(file.trick) or ({"unsupported_type"} if file.trick.startswith("disguised") else {"text"})
    parser, began = sandbox.process.pid, time.monotonic()
    pages, refusal = read(sandbox, file, tmp_path)
    if refusal:
        assert refusal.code in expected
        assert_is_a_sentence(refusal.message)
    else:
        assert how_it_ends(pages) in expected
        assert_is_harmless(file, pages)
    assert time.monotonic() - began < BOUND_S
    assert sandbox.process.pid == parser


def assert_is_a_sentence(said: str) -> None:
    assert said.endswith(".")
    assert said.isprintable()
    assert not re.search(r"Traceback|Error\b|/(?:tmp|proc|work|home)/", said)


def assert_is_harmless(file: HostileFile, pages: list[Page]) -> None:
    text = "\n".join(page.text for page in pages)
    assert not HARMFUL.search(text)
    assert "root:x:" not in text
    if file.name.endswith((".html", ".md")) and file.trick != "remote pictures":
        assert "evil" not in text
    if how_it_ends(pages) == "text" and file.trick not in WITHOUT_WORDS:
        assert WORDS in text
    for page in pages:
        if page.warning:
            assert_is_a_sentence(page.warning)


def test_each_trick_that_is_expected_to_end_so_is_tried() -> None:
    assert set(ENDS) | WITHOUT_WORDS <= {file.trick for file in FILES}


def test_nothing_was_unpacked_to_where_a_name_led() -> None:
    for place in (tempfile.gettempdir(), "/etc", "/"):
        assert not (Path(place) / "quire-escaped").exists()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_may_be_called_anything(name: str, client: Client) -> None:
    answer = client.generic("POST", "/api/ingest/", form(name), content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 202, answer.content
    document = Document.objects.get()
    assert 0 < len(document.name) <= 255
    assert document.name.isprintable()
    assert not {"/", "\\"} & set(document.name)
    key = document.ingestions.get().storage_key
    assert re.fullmatch(rf"{document.tenant_id}/[0-9a-f-]{{36}}", key)
    sent = client.get(f"/api/documents/{document.id}/file/")
    assert sent.getvalue().startswith(b"Words of")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert "X-Injected" not in sent.headers
    assert not re.search(r"[\r\n]", sent.headers["Content-Disposition"])


def form(name: str) -> bytes:
    """A form as a careless program writes it: only what would end the header itself is left out."""
    said = name.replace("\r\n", "%0D%0A").replace('"', "%22")
    disposition = f'Content-Disposition: form-data; name="file"; filename="{said}"'
    return f"--b\r\n{disposition}\r\n\r\nWords of {name!a}.\r\n--b--\r\n".encode("utf-8", "surrogatepass")


def test_a_header_in_a_name_is_no_header(client: Client) -> None:
    disposition = b'Content-Disposition: form-data; name="file"; filename="a\r\nX-Injected: 1\r\n.txt"'
    body = b"--b\r\n%b\r\n\r\nx\r\n--b--\r\n" % disposition
    answer = client.generic("POST", "/api/ingest/", body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code in {202, 400}
    assert "X-Injected" not in answer.headers
