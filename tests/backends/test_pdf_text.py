"""PDFium's text made clean, each character still knowing where it came from."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quire.backends.extractors.pdf_text import CleanText, RawText, clean, position

TRICKY = (
    "ab \t\r\n\xa0\ufffe\xad\ufb01\ufb03\x00\x02\u200bé e\u0301\u0323\u1100\u1161\ufefb\uf0b7\ue000\U0001d465-A1\u202e"
)


def cleaned(text: str, **breaks: frozenset[int]) -> CleanText:
    return clean(RawText(text=text, sources=range(100, 100 + len(text)), is_cut=False), **breaks)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("one line\r\nand another", "one line\nand another"),
        ("exam\ufffeple", "example"),
        ("Anglo\ufffeSaxon", "Anglo-Saxon"),
        ("COVID\ufffe19", "COVID-19"),
        ("soft\xad\r\nhyphen and so\xadft", "softhyphen and soft"),
        ("\ufb01nd a\ufb03nity", "find affinity"),
        ("Zoe\u0308 \u1112\u1161\u11ab", "Zo\u00eb \ud55c"),
        ("a\x00b\x07c\u200bd\u202ee\ue000f", "abcdef"),
        ("a \t\xa0 b\xa0c", "a b c"),
        ("\uf0b7 item", "• item"),
        ("  \r\n out \r\n ", "out"),
        ("", ""),
    ],
)
def test_raw_text_becomes_clean(raw: str, expected: str) -> None:
    assert cleaned(raw).text == expected


def test_paragraphs_are_parted_by_an_empty_line_and_false_breaks_go() -> None:
    text = cleaned("one\r\ntwo\r\n2\r\n, three", paragraph_ends=frozenset({3}), false_ends=frozenset({8, 11})).text
    assert text == "one\n\ntwo 2, three"


def test_runs_leave_out_what_was_added_and_keep_the_rest_in_order() -> None:
    result = cleaned("a\ufb01x\r\ne\u0301n\ufffed")
    assert result.text == "afix\nénd"
    assert [(result.text[run.start : run.start + run.length], run.source) for run in result.runs()] == [
        ("af", 100),
        ("x", 102),
        ("é", 105),
        ("n", 107),
        ("d", 109),
    ]


def test_a_source_that_was_dropped_is_found_at_the_next_that_was_kept() -> None:
    result = cleaned("ab\x00\x00cd")
    runs = result.runs()
    assert [position(runs, source, end=4) for source in (100, 102, 104, 105, 106)] == [0, 2, 2, 3, 4]


@given(st.text(st.sampled_from(TRICKY), max_size=40))
def test_any_text_becomes_clean_with_runs_that_fit(raw: str) -> None:
    result = cleaned(raw)
    assert unicodedata.is_normalized("NFC", result.text)
    assert len(result.sources) == len(result.text)
    assert not [c for c in result.text if unicodedata.category(c) in {"Cc", "Cs", "Co"} and c != "\n"]
    end = source_end = 0
    for run in result.runs():
        assert run.length > 0
        assert run.start >= end
        assert run.source >= source_end
        end, source_end = run.start + run.length, run.source + run.length
    assert end <= len(result.text)
    assert source_end <= 100 + len(raw)
