"""HTML, Markdown and plain text: what a reader would read, in pages of about one printed page."""

from __future__ import annotations

from pathlib import Path

import pytest

from quire.backends.extractors.by_type import ExtractorByType
from quire.backends.extractors.paging import PAGE_CHARS, Block, paginate
from quire.core.errors import PermanentError
from quire.core.media_types import HTML, MARKDOWN, TEXT
from quire.core.ports import Extraction
from quire.testing.files import make_html


def read(content: bytes, media_type: str, tmp_path: Path) -> tuple[str, str]:
    """Title and text."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with ExtractorByType(ocr=None).open(path, media_type=media_type) as extraction:
        return extraction.title, text_of(extraction)


def text_of(extraction: Extraction) -> str:
    return "\f".join(page.text for page in extraction.pages())


def html(body: str, tmp_path: Path) -> str:
    return read(make_html(body), HTML, tmp_path)[1]


def test_html_leaves_out_what_is_not_read(tmp_path: Path) -> None:
    noise = "<script>a()</script><style>b{}</style><nav>Home</nav><template>t</template><!-- c --><p hidden>h</p>"
    noise += "<p style='display: none'>d</p><p aria-hidden=true>e</p><button>Buy</button>"
    assert html(f"{noise}<p>Read me.</p>", tmp_path) == "Read me."


def test_html_keeps_blocks_apart_and_words_together(tmp_path: Path) -> None:
    body = "<div>One <b>bold</b>er\n  line<br>and <a href=x>link</a></div>loose<p>Two<img alt='a moon'></p>"
    body += "<pre>x\n  y</pre>"
    assert html(body, tmp_path) == "One bolder line\nand link\n\nloose\n\nTwo a moon\n\nx\n  y"


def test_html_lists_and_tables(tmp_path: Path) -> None:
    body = "<ol start=3><li>c<li>d<ul><li>e</ul></ol><table><tr><th>A<th>B<tr><td>1<td><p>x</p><p>y</p></table>"
    assert html(body, tmp_path) == "3. c\n4. d\n• e\nA | B\n1 | x y"


def test_an_html_table_that_only_places_things_is_no_table(tmp_path: Path) -> None:
    body = "<table><tr><td>Left<table><tr><td>1<td>2</table><td><h2>Right</h2></table>"
    assert html(body, tmp_path) == "Left\n\n1 | 2\n\nRight"


def test_html_reads_the_main_part_where_the_page_names_it(tmp_path: Path) -> None:
    assert (
        html(f"<header>Menu</header><main><p>{'Text. ' * 9}</p></main><footer>Imprint</footer>", tmp_path)
        == ("Text. " * 9).strip()
    )


@pytest.mark.parametrize(
    "content",
    [
        "<meta charset=utf-8><p>Grüße",
        "<p>Grüße",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_html_in_any_unicode_encoding(content: str, encoding: str, tmp_path: Path) -> None:
    assert read(content.encode(encoding), HTML, tmp_path)[1] == "Grüße"


def test_html_in_the_encoding_it_names(tmp_path: Path) -> None:
    content = "<meta http-equiv=content-type content='text/html; charset=koi8-r'><p>Привет, мир".encode("koi8-r")
    assert read(content, HTML, tmp_path)[1] == "Привет, мир"


def test_html_nested_without_end_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep"
    path.write_bytes(make_html("<div>" * 50_000 + "deep"))
    with pytest.raises(PermanentError), ExtractorByType(ocr=None).open(path, media_type=HTML):
        pass


def test_markdown_becomes_its_text(tmp_path: Path) -> None:
    source = """---
title: "On *moons*"
---
# Head `code`

Some **bold** [link](http://x.example) and ![a picture](y.png)
next line

3. three
   - dot

   more
4. four

| A | B |
|---|---|
| 1 | ~~2~~ |

```py
print(1)
```

<div>html</div>
"""
    title, text = read(source.encode(), MARKDOWN, tmp_path)
    assert title == "On *moons*"
    assert text == (
        "Head code\n\nSome bold link and a picture\nnext line\n\n3. three\n• dot\nmore\n4. four\nA | B\n1 | 2\n\n"
        "print(1)\n\nhtml"
    )


def test_a_markdown_file_is_titled_by_its_first_heading(tmp_path: Path) -> None:
    assert read(b"# Moons\n\nText.", MARKDOWN, tmp_path)[0] == "Moons"
    assert read(b"Text.\n\n# Moons", MARKDOWN, tmp_path)[0] == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_plain_text_in_the_encoding_it_is_in(encoding: str, tmp_path: Path) -> None:
    assert read("naïve café — über".encode(encoding), TEXT, tmp_path)[1] == "naïve café — über"


def test_long_text_in_another_alphabet_is_recognised(tmp_path: Path) -> None:
    text = "Спутники Юпитера открыл Галилей в начале семнадцатого века, когда навёл телескоп на небо. " * 5
    assert read(text.encode("cp1251"), TEXT, tmp_path)[1] == text.strip()


def test_a_form_feed_is_a_page_break(tmp_path: Path) -> None:
    assert read(b"One.\r\n\fTwo.\f\f\nThree.", TEXT, tmp_path)[1] == "One.\fTwo.\fThree."


def test_pages_end_between_blocks_and_hold_about_a_printed_page() -> None:
    pages = list(paginate(Block(text="x" * 400) for _ in range(40)))
    assert {len(page.text) for page in pages[:-1]} == {7 * 400 + 6 * 2}
    assert max(len(page.text) for page in pages) <= PAGE_CHARS


def test_a_heading_is_never_the_last_of_a_page() -> None:
    blocks = [
        Block(text="x" * 2900),
        Block(text="Part", level=1),
        Block(text="Chapter", level=2),
        Block(text="y" * 500),
    ]
    first, second = paginate(blocks)
    assert first.text == "x" * 2900
    assert [(h.start, h.text) for h in second.headings] == [(0, "Part"), (6, "Chapter")]


def test_a_block_longer_than_a_page_is_cut_at_a_sentence_and_nothing_is_lost() -> None:
    text = "A sentence of some length. " * 500
    pages = [page.text for page in paginate([Block(text=text)])]
    assert all(page.endswith(".") and len(page) <= PAGE_CHARS for page in pages)
    assert " ".join(pages) == text.strip()


def test_a_block_without_any_spaces_is_cut_all_the_same() -> None:
    pages = [page.text for page in paginate([Block(text="x" * 10_000)])]
    assert "".join(pages) == "x" * 10_000
    assert len(pages) == 4


def test_headings_alone_still_make_pages_of_bounded_length() -> None:
    pages = list(paginate(Block(text=f"Heading {n}", level=1) for n in range(2000)))
    assert sum(len(page.headings) for page in pages) == 2000
    assert max(len(page.text) for page in pages) <= 2 * PAGE_CHARS
