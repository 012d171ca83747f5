"""Google's Gemini models."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from google import genai
from google.genai import types

from quire.backends.chatmodels.bounded import begun_within, bounded
from quire.backends.providers import refusals
from quire.backends.providers.gemini import NAME, GeminiAccount, within
from quire.core import prompt
from quire.core.prompt import Prompt
from quire.core.types import Passage, Turn

_ROLES = {"user": "user", "assistant": "model"}
_BLOCKED = {
    types.FinishReason.SAFETY,
    types.FinishReason.RECITATION,
    types.FinishReason.LANGUAGE,
    types.FinishReason.BLOCKLIST,
    types.FinishReason.PROHIBITED_CONTENT,
    types.FinishReason.SPII,
}


class GeminiModel:
    """Follows `core.ports.ChatModel`. It is given no tools. Temperature and thinking are left as the model has them:
    what one generation needs the next refuses."""

    is_generative = True

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "",
        timeout_s: float = 60,
        first_word_timeout_s: float | None = None,
        model: str = "gemini-3.5-flash-lite",
    ) -> None:
        self.id = model
        self._timeout_s = timeout_s
        self._first_word_timeout_s = first_word_timeout_s or timeout_s
        self._account = GeminiAccount(
            api_key=api_key, base_url=base_url, timeout_s=timeout_s, setting="QUIRE_CHAT_MODEL_NAME"
        )

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        if passages:
            told = prompt.build(question=question, passages=passages, history=history)
            late = refusals.not_begun(NAME, timeout_s=self._first_word_timeout_s)
            yield from begun_within(self._pieces(told), timeout_s=self._first_word_timeout_s, late=late)

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        told = prompt.rewriting(question=question, history=history)
        timeout_s = self._first_word_timeout_s
        config = _config(told, timeout_s=timeout_s)
        with self._account.call(model=self.id, timeout_s=timeout_s) as client:
            response = client.models.generate_content(model=self.id, contents=_contents(told), config=config)
        text, _ = _read(response)
        if not text.strip():
            raise refusals.answer_empty(NAME)
        return text.strip()

    def _pieces(self, told: Prompt) -> Generator[str]:
        has_begun, ended = False, None
        with self._account.call(model=self.id) as client, closing(self._chunks(client, told)) as chunks:
            for chunk in bounded(chunks, timeout_s=self._timeout_s):
                text, reason = _read(chunk)
                ended = reason or ended
                if text:
                    has_begun = True
                    yield text
        if not has_begun:
            raise refusals.answer_empty(NAME)
        if ended is not types.FinishReason.STOP:
            raise refusals.answer_cut(NAME)

    def _chunks(self, client: genai.Client, told: Prompt) -> Generator[types.GenerateContentResponse, None, None]:
        """Closing it closes the connection."""
        yield from client.models.generate_content_stream(model=self.id, contents=_contents(told), config=_config(told))


def _contents(told: Prompt) -> list[types.Content]:
    return [types.Content(role=_ROLES[each.role], parts=[types.Part(text=each.text)]) for each in told.messages]


def _config(told: Prompt, *, timeout_s: float | None = None) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        http_options=within(timeout_s),
        system_instruction=told.system,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def _read(response: types.GenerateContentResponse) -> tuple[str, types.FinishReason | None]:
    """The text of one piece, thoughts left out, and why the answer ended, if it did. Raises `answer_blocked`."""
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        raise refusals.answer_blocked(NAME, feedback.block_reason.value)
    if not response.candidates:
        return "", None
    candidate = response.candidates[0]
    if candidate.finish_reason in _BLOCKED:
        raise refusals.answer_blocked(NAME, candidate.finish_reason.value)
    parts = candidate.content.parts if candidate.content and candidate.content.parts else []
    return "".join(part.text or "" for part in parts if not part.thought), candidate.finish_reason
