"""Chat models of OpenAI, and of any server that speaks its API."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam

from quire.backends.chatmodels.bounded import begun_within, bounded
from quire.backends.chatmodels.thoughts import without_thoughts
from quire.backends.providers import refusals
from quire.backends.providers.openai import OpenAIAccount
from quire.core import prompt
from quire.core.prompt import Prompt
from quire.core.types import Passage, Turn


class OpenAIModel:
    """Follows `core.ports.ChatModel`. It is given no tools. The temperature is left as the model has it: models that
    reason refuse any other."""

    is_generative = True

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "",
        timeout_s: float = 60,
        first_word_timeout_s: float | None = None,
        model: str = "gpt-6-luna",
    ) -> None:
        self.id = model
        self._timeout_s = timeout_s
        self._first_word_timeout_s = first_word_timeout_s or timeout_s
        self._account = OpenAIAccount(
            api_key=api_key, base_url=base_url, timeout_s=timeout_s, setting="QUIRE_CHAT_MODEL_NAME"
        )

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        if not passages:
            return
        told = prompt.build(question=question, passages=passages, history=history)
        has_begun = False
        late = refusals.not_begun(self._account.provider, timeout_s=self._first_word_timeout_s)
        begun = begun_within(self._pieces(told), timeout_s=self._first_word_timeout_s, late=late)
        for piece in without_thoughts(begun):
            if piece:
                has_begun = True
                yield piece
        if not has_begun:
            raise refusals.answer_empty(self._account.provider)

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        told = prompt.rewriting(question=question, history=history)
        timeout_s = self._first_word_timeout_s
        with self._account.call(model=self.id, timeout_s=timeout_s) as client:
            response = client.chat.completions.create(model=self.id, messages=_messages(told), timeout=timeout_s)
        if not isinstance(response, ChatCompletion):
            raise self._account.no_such_api()
        said = response.choices[0].message.content if response.choices else None
        if not (text := "".join(without_thoughts(iter([said or ""]))).strip()):
            raise refusals.answer_empty(self._account.provider)
        return text

    def _pieces(self, told: Prompt) -> Generator[str]:
        """An empty piece says that the model is at work on what is not told."""
        ended: str | None = None
        with (
            self._account.call(model=self.id) as client,
            client.chat.completions.create(model=self.id, messages=_messages(told), stream=True) as chunks,
        ):
            for chunk in bounded(chunks, timeout_s=self._timeout_s):
                text, reason = self._read(chunk)
                ended = reason or ended
                if text or _is_thinking(chunk):
                    yield text
        if ended != "stop":
            raise refusals.answer_cut(self._account.provider)

    def _read(self, chunk: ChatCompletionChunk) -> tuple[str, str | None]:
        """The text of one piece, and why the answer ended, if it did. A piece without choices tells of usage."""
        if not chunk.choices:
            return "", None
        choice = chunk.choices[0]
        if choice.finish_reason == "content_filter" or choice.delta.refusal:
            raise refusals.answer_blocked(self._account.provider, choice.finish_reason or "refusal")
        return choice.delta.content or "", choice.finish_reason


def _is_thinking(chunk: ChatCompletionChunk) -> bool:
    """Whether a piece tells thoughts apart from the answer, as DeepSeek, vLLM and Ollama do in fields of their own."""
    extra = (chunk.choices[0].delta.model_extra or {}) if chunk.choices else {}
    return bool(extra.get("reasoning_content") or extra.get("reasoning"))


def _messages(told: Prompt) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": told.system}]
    for each in told.messages:
        if each.role == "user":
            messages.append({"role": "user", "content": each.text})
        else:
            messages.append({"role": "assistant", "content": each.text})
    return messages
