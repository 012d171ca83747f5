"""Markdown: its text without the marks, by the tokens of markdown-it; front matter gives the title only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from quire.backends.extractors.html import fragment_text
from quire.backends.extractors.paging import Block, MarkupExtraction, paged
from quire.backends.extractors.text_file import read_text_file
from quire.backends.extractors.titles import stated_title
from quire.core.errors import PermanentError
from quire.core.media_types import MARKDOWN

MAX_NESTING = 100
"""Of lists and quotes in one another. The parser's own limit is 20, and it drops what is deeper."""
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_STATED = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE | re.IGNORECASE)


class MarkdownExtractor:
    """Follows `Extractor`. Pages are cut as in `paging`."""

    media_types = frozenset({MARKDOWN})

    @contextmanager
    def open(self, path: Path, *, media_type: str = MARKDOWN) -> Iterator[MarkupExtraction]:
        text = read_text_file(path).removeprefix("\ufeff")
        front = _FRONT_MATTER.match(text)
        stated = _STATED.search(front.group(1) or "") if front else None
        title = stated_title(stated.group(2)) if stated else ""
        markdown = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
        tokens = markdown.parse(text[front.end() :] if front else text)
        if any(token.level >= MAX_NESTING - 1 for token in tokens):  # what is deeper was left out
            raise PermanentError("This Markdown is nested too deeply to be read.", code="corrupt_file")
        blocks = list(_Reader().blocks(tokens))
        yield paged(blocks, title=title or _first_title(blocks))


def _first_title(blocks: Sequence[Block]) -> str:
    """A top heading that opens the document is its title."""
    first = next((block for block in blocks if block.text.strip()), Block(text=""))
    return stated_title(first.text) if first.level == 1 else ""


class _Reader:
    """One flat pass over block tokens, which come in the order of the text, opened and closed."""

    def __init__(self) -> None:
        self._level = 0
        self._marker = ""
        self._lists: list[int | None] = []
        """The next number of each open list; None where it has bullets."""
        self._cells: list[str] | None = None

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Block]:
        for token in tokens:
            match token.type:
                case "inline" if self._cells is not None:
                    self._cells.append(" ".join(_inline(token).split()))
                case "inline":
                    yield Block(text=self._marker + _inline(token), level=self._level, is_tight=bool(self._lists))
                    self._marker = ""
                case "tr_close":
                    yield Block(text=" | ".join(self._cells or ()), is_tight=True)
                    self._cells = None
                case "fence" | "code_block":
                    yield Block(text=token.content.rstrip("\n"))
                case "html_block":
                    yield Block(text=fragment_text(token.content))
                case _:
                    self._note(token)

    def _note(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._level = int(token.tag[1:])
            case "heading_close":
                self._level = 0
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                number = self._lists[-1]
                self._marker = "• " if number is None else f"{number}. "
                self._lists[-1] = None if number is None else number + 1
            case "tr_open":
                self._cells = []


def _inline(token: Token) -> str:
    pieces = []
    for part in token.children or ():
        if part.type in {"softbreak", "hardbreak"}:
            pieces.append("\n")
        elif part.type in {"text", "code_inline", "image"}:
            pieces.append(part.content)
    return "".join(pieces)
