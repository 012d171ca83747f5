"""A conversation as Markdown: each question, its answer, and the numbered citations under it, each a link.

Whatever a document, a model or a person wrote is escaped: it is text there, and no markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from quire.chat import standing
from quire.chat.models import Conversation, Exchange
from quire.chat.pieces import Words, pieces
from quire.core.types import Citation
from quire.documents.models import Status

Link = Callable[[Citation], str]
"""The address of a citation's words."""

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")
_ADDRESS = re.compile(r"(?<=[ps]):(?=/)|(?<=w)\.(?=[-.\w])|(?<=[-+.\w])@(?=[-.\w])", re.IGNORECASE)
"""What GitHub's Markdown makes links of without being told: `https:/`, `www.`, and `@` between words."""
_INDENT = re.compile(r"(?<=\n)[ \t]+")
"""Four blanks after an empty line would make code of it."""
_LINE_BREAK = re.compile(r"(?<!\n)\n[ \t]*(?!\n)")
_BEGINS_A_LIST = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)]))(?=\s|[-=]|$)", re.MULTILINE)


def markdown(conversation: Conversation, *, link: Link) -> str:
    """All of it, the oldest question first."""
    exchanges = list(conversation.exchanges.order_by("created_at", "id"))
    blocks = [
        f"# {_line(conversation.title)}",
        f"{_about(conversation)} · {conversation.created_at:%Y-%m-%d %H:%M} UTC",
    ]
    for exchange, citations in zip(exchanges, standing.citations(conversation.tenant, exchanges), strict=True):
        blocks += _exchange(exchange, citations, link)
    return "\n\n".join(blocks) + "\n"


def _about(conversation: Conversation) -> str:
    if conversation.covers_all:
        return "About all documents"
    living = conversation.documents.exclude(status=Status.DELETING).order_by("name")
    return f"About {', '.join(map(_line, living.values_list('name', flat=True))) or 'documents that were deleted'}"


def _exchange(exchange: Exchange, citations: Sequence[Citation], link: Link) -> Iterator[str]:
    yield f"## {_line(exchange.question)}"
    yield "".join(_piece(piece, link) for piece in pieces(exchange.answer, citations=citations, model=exchange.model))
    if exchange.notice:
        yield f"> {_line(exchange.notice['message'])}"
    if citations:
        yield "\n".join(_source(citation, link) for citation in citations)


def _piece(piece: Words | Citation, link: Link) -> str:
    if isinstance(piece, Citation):
        return f"[\\[{piece.number}\\]]({link(piece)})" if _is_there(piece) else f"\\[{piece.number}\\]"
    return f"**{_text(piece.text)}**" if piece.is_strong else _text(piece.text)


def _source(citation: Citation, link: Link) -> str:
    if not _is_there(citation):
        return f"{citation.number}. Page {citation.page} of a document that was deleted"
    where = f"[{_line(citation.document_name)}, page {citation.page}]({link(citation)})"
    doubt = "" if citation.verified else " (not verified: these words were not found on the page)"
    return f"{citation.number}. {where}: “{_line(citation.quote)}”{doubt}"


def _is_there(citation: Citation) -> bool:
    """Not of a document that has been deleted since."""
    return bool(citation.document_name)


def _line(text: str) -> str:
    return _text(" ".join(text.split()))


def _text(text: str) -> str:
    """Escaped; its lines stay lines."""
    flush = _INDENT.sub("", text)
    escaped = _BEGINS_A_LIST.sub(r"\1\3\\\2\4", _ADDRESS.sub(r"\\\g<0>", _MARKUP.sub(r"\\\1", flush)))
    return _LINE_BREAK.sub("  \n", escaped)
