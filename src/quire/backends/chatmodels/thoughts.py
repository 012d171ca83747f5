"""Takes out what a model that reasons aloud thinks before it answers."""

from __future__ import annotations

from collections.abc import Iterator

_BEGIN, _END = "<think>", "</think>"
"""As DeepSeek and Qwen write them, where the server does not sort them out (Ollama and vLLM do when told to)."""


def without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces after the thoughts that they begin with, if they do."""
    held = ""
    for piece in pieces:
        held += piece
        begun = held.lstrip()
        if begun.startswith(_BEGIN):
            _, end, held = _after(begun, pieces)
            if end and held:
                yield held
            yield from pieces
            return
        if not _BEGIN.startswith(begun):
            yield held
            yield from pieces
            return
    if held.strip():
        yield held


def _after(thoughts: str, pieces: Iterator[str]) -> tuple[str, str, str]:
    while _END not in thoughts:
        piece = next(pieces, None)
        if piece is None:
            return thoughts, "", ""
        thoughts += piece
    before, end, rest = thoughts.partition(_END)
    return before, end, rest.lstrip()
