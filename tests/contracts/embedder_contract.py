"""What every embedder promises. A test class for a backend inherits it and gives the `embedder` fixture."""

from __future__ import annotations

import numpy as np
import pytest

from quire.core.ports import Embedder

MOONS = "Jupiter has many moons. Galileo saw the four largest moons of Jupiter through a telescope."
PAYROLL = "Salaries are paid on the last working day of each month, after tax and pension are taken off."
MIXED = ["Short.", MOONS, "", "A middling sentence about cheese from Normandy.", PAYROLL * 4, "x"]
ODD = ["", " \n\t ", "nul\x00inside", "🚀🧑‍🚀", "你好世界", "שלום", "e\u0301", "\ufffe\u200b", "\ud800", "…—!?"]


class EmbedderContract:
    def test_documents_become_float32_rows_of_unit_length(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents(MIXED)
        assert vectors.shape == (len(MIXED), embedder.dimensions)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_a_query_becomes_one_float32_vector_of_unit_length(self, embedder: Embedder) -> None:
        vector = embedder.embed_query("How many moons does Jupiter have?")
        assert vector.shape == (embedder.dimensions,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)

    def test_no_documents_become_no_rows(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents([])
        assert vectors.shape == (0, embedder.dimensions)
        assert vectors.dtype == np.float32

    def test_vectors_come_in_the_order_of_their_texts_whatever_their_lengths(self, embedder: Embedder) -> None:
        forwards = embedder.embed_documents(MIXED)
        backwards = embedder.embed_documents(MIXED[::-1])
        np.testing.assert_allclose((forwards * backwards[::-1]).sum(axis=1), 1, atol=1e-3)

    def test_a_text_gets_the_same_vector_alone_and_among_others(self, embedder: Embedder) -> None:
        together = embedder.embed_documents(MIXED)
        alone = np.vstack([embedder.embed_documents([text]) for text in MIXED])
        assert (together * alone).sum(axis=1).min() >= 0.999

    def test_the_same_texts_get_the_same_vectors_again(self, embedder: Embedder) -> None:
        np.testing.assert_array_equal(embedder.embed_documents(MIXED), embedder.embed_documents(MIXED))
        np.testing.assert_array_equal(embedder.embed_query(MOONS), embedder.embed_query(MOONS))

    def test_a_question_is_near_a_document_on_its_subject_and_far_from_another(self, embedder: Embedder) -> None:
        question = embedder.embed_query("How many moons does Jupiter have?")
        same, other = embedder.embed_documents([MOONS, PAYROLL]) @ question
        assert same > other + 0.2

    def test_a_text_over_the_limit_is_accepted_and_is_still_about_its_subject(self, embedder: Embedder) -> None:
        (vector,) = embedder.embed_documents([MOONS * 500])
        assert vector @ embedder.embed_query(MOONS) > vector @ embedder.embed_query(PAYROLL) + 0.2

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    def test_any_text_has_a_vector_and_offsets_within_it(self, embedder: Embedder, text: str) -> None:
        assert np.linalg.norm(embedder.embed_query(text)) == pytest.approx(1, abs=1e-5)
        assert all(0 <= start < end <= len(text) for start, end in embedder.tokenizer.offsets(text))

    @pytest.mark.parametrize("text", [MOONS, PAYROLL * 100, "Grüße, naïve 你好 🚀 (unbelievable)!\n\tend"], ids=len)
    def test_offsets_are_in_order_and_leave_out_nothing_but_space(self, embedder: Embedder, text: str) -> None:
        offsets = embedder.tokenizer.offsets(text)
        assert offsets == sorted(offsets)
        between = zip([0, *(end for _, end in offsets)], [*(start for start, _ in offsets), len(text)], strict=True)
        assert all(text[end:start].strip() == "" for end, start in between)

    def test_the_id_tells_the_dimensions(self, embedder: Embedder) -> None:
        assert str(embedder.dimensions) in embedder.id
