"""What every keyword index promises; a test class of a backend inherits it and gives it an `index`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import numpy as np
import pytest

from quire.core.ports import KeywordIndex
from quire.core.types import VectorRecord

HOSTILE_QUERIES = [
    "",
    " ",
    '"',
    '""" OR "',
    "'; DROP TABLE quire_keyword; --",
    "NOT AND OR NEAR",
    "NEAR(turbine, 3)",
    "text : turbine",
    "scope : 1",
    "^turbine* + -",
    "{text} : (",
    "a AND (b",
    "\x00turbine\x00",
    "\ud800 lone surrogate",
    "🙂🚀",
    "%s %(x)s ? :1",
    "\u202e\u200b\ufeff",
    "́̂",
    "what is the of",
    "word " * 2_000,
    " ".join(f"word{number}" for number in range(2_000)),
    "漢" * 10_000,
]


def keyword_record(
    text: str,
    *,
    upload_id: str | None = None,
    ingestion_id: str | None = None,
    source: str = "",
    headings: Sequence[str] = (),
    chunk_id: str | None = None,
) -> VectorRecord:
    metadata = {
        "page": 1,
        "source": source,
        "text": text,
        "upload_id": upload_id or str(uuid4()),
        "ingestion_id": ingestion_id or str(uuid4()),
        "ordinal": 0,
        "headings": list(headings),
    }
    return VectorRecord(id=chunk_id or str(uuid4()), values=np.zeros(1, dtype=np.float32), metadata=metadata)


class KeywordIndexContract:
    @pytest.fixture
    def namespace(self) -> str:
        """New for each test, so that an outside index needs no clearing."""
        return str(uuid4())

    def settle(self, index: KeywordIndex) -> None:
        """Wait until what was written can be read; for indexes that are consistent only after a while."""

    def put(self, index: KeywordIndex, namespace: str, *records: VectorRecord) -> None:
        index.upsert(namespace, records)
        self.settle(index)

    def found(
        self,
        index: KeywordIndex,
        namespace: str,
        text: str,
        upload_ids: Sequence[str] | None = None,
    ) -> list[str]:
        return [hit.id for hit in index.query(namespace, text, limit=50, upload_ids=upload_ids)]

    def test_an_empty_namespace_has_no_hits(self, index: KeywordIndex, namespace: str) -> None:
        assert index.query(namespace, "turbine", limit=5) == []

    def test_chunks_with_any_of_the_words_are_found(self, index: KeywordIndex, namespace: str) -> None:
        steam, sail, bread = (keyword_record(text) for text in ("a steam turbine", "the sail of a ship", "fresh bread"))
        self.put(index, namespace, steam, sail, bread)
        assert set(self.found(index, namespace, "turbine or ship?")) == {steam.id, sail.id}

    def test_more_of_the_words_come_first(self, index: KeywordIndex, namespace: str) -> None:
        one = keyword_record("the steam left the kettle slowly at noon")
        both = keyword_record("the steam left the turbine slowly at noon")
        self.put(index, namespace, one, both, *(keyword_record("nothing of the sort here") for _ in range(8)))
        hits = index.query(namespace, "steam turbine", limit=5)
        assert [hit.id for hit in hits] == [both.id, one.id]
        assert hits[0].score > hits[1].score > 0

    def test_a_word_of_the_text_counts_more_than_one_of_the_title(self, index: KeywordIndex, namespace: str) -> None:
        titled = keyword_record("nothing of the sort in here", source="turbine.pdf")
        written = keyword_record("nothing of the turbine in here", source="report.pdf")
        self.put(index, namespace, titled, written, *(keyword_record("other words", source="x") for _ in range(8)))
        assert self.found(index, namespace, "turbine") == [written.id, titled.id]

    def test_title_and_headings_are_searched(self, index: KeywordIndex, namespace: str) -> None:
        titled = keyword_record("plain words", source="Lubrication manual.pdf")
        headed = keyword_record("plain words", headings=["Maintenance", "Valves"])
        self.put(index, namespace, titled, headed)
        assert self.found(index, namespace, "lubrication") == [titled.id]
        assert self.found(index, namespace, "valves") == [headed.id]

    def test_case_and_accents_do_not_matter(self, index: KeywordIndex, namespace: str) -> None:
        record = keyword_record("Le CAFÉ près de l'Élysée")
        self.put(index, namespace, record)
        assert self.found(index, namespace, "café") == [record.id]
        assert self.found(index, namespace, "élysée") == [record.id]

    @pytest.mark.parametrize(
        ("text", "question"),
        [
            ("人工智能正在改变世界的经济结构。", "什么改变了经济结构？"),
            ("東京は日本の首都です。", "日本の首都はどこですか"),
            ("กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย", "เมืองหลวงของไทยคืออะไร"),
            ("서울은 대한민국의 수도이다", "대한민국"),
            ("山が高い", "山"),
            ("高い山", "山"),
            ("भारत की राजधानी नई दिल्ली है", "दिल्ली कहाँ है"),
        ],
    )
    def test_text_without_spaces_is_found(self, index: KeywordIndex, namespace: str, text: str, question: str) -> None:
        record = keyword_record(text)
        self.put(index, namespace, record, keyword_record("something in English"))
        assert self.found(index, namespace, question) == [record.id]

    @pytest.mark.parametrize("query", HOSTILE_QUERIES, ids=range(len(HOSTILE_QUERIES)))
    def test_any_text_is_a_valid_query(self, index: KeywordIndex, namespace: str, query: str) -> None:
        self.put(index, namespace, keyword_record("a steam turbine"))
        assert index.query(str(uuid4()), query, limit=5) == []
        assert len(index.query(namespace, query, limit=5)) <= 1

    @pytest.mark.parametrize("text", HOSTILE_QUERIES, ids=range(len(HOSTILE_QUERIES)))
    def test_any_text_can_be_indexed_and_deleted(self, index: KeywordIndex, namespace: str, text: str) -> None:
        record = keyword_record(f"{text} zymurgy", source=text, headings=[text])
        self.put(index, namespace, record)
        assert self.found(index, namespace, "zymurgy") == [record.id]
        index.delete(namespace, ingestion_id=record.metadata["ingestion_id"])
        self.settle(index)
        assert self.found(index, namespace, "zymurgy") == []

    def test_operators_are_words_like_any_other(self, index: KeywordIndex, namespace: str) -> None:
        record = keyword_record("a near miss")
        self.put(index, namespace, record, keyword_record("far away"))
        assert self.found(index, namespace, "NEAR") == [record.id]

    def test_stop_words_alone_are_still_looked_for(self, index: KeywordIndex, namespace: str) -> None:
        record = keyword_record("to be or not to be")
        self.put(index, namespace, record, keyword_record("alas, poor Yorick"))
        assert self.found(index, namespace, "to be or not to be") == [record.id]

    def test_stop_words_beside_others_find_nothing_alone(self, index: KeywordIndex, namespace: str) -> None:
        self.put(index, namespace, keyword_record("what is the point of it"))
        assert self.found(index, namespace, "what is the turbine") == []

    @pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3), (50, 5)])
    def test_no_more_than_limit_hits_come(self, index: KeywordIndex, namespace: str, limit: int, expected: int) -> None:
        self.put(index, namespace, *(keyword_record("steam") for _ in range(5)))
        assert len(index.query(namespace, "steam", limit=limit)) == expected

    def test_query_never_crosses_namespaces(self, index: KeywordIndex, namespace: str) -> None:
        mine, upload_id = str(uuid4()), str(uuid4())
        self.put(index, namespace, keyword_record("steam", upload_id=upload_id))
        self.put(index, mine, own := keyword_record("steam", upload_id=upload_id))
        assert self.found(index, mine, "steam") == [own.id]
        assert self.found(index, mine, "steam", [upload_id]) == [own.id]

    def test_another_namespace_cannot_crowd_out_a_hit(self, index: KeywordIndex, namespace: str) -> None:
        other, upload_id = str(uuid4()), str(uuid4())
        self.put(index, namespace, own := keyword_record("a little steam among other words", upload_id=upload_id))
        self.put(index, other, *(keyword_record("steam", upload_id=upload_id) for _ in range(20)))
        assert [hit.id for hit in index.query(namespace, "steam", limit=1)] == [own.id]
        assert [hit.id for hit in index.query(namespace, "steam", limit=1, upload_ids=[upload_id])] == [own.id]

    def test_query_keeps_to_the_documents_named(self, index: KeywordIndex, namespace: str) -> None:
        one, two, three = (keyword_record("steam turbine") for _ in range(3))
        self.put(index, namespace, one, two, three)
        wanted = [one.metadata["upload_id"], three.metadata["upload_id"]]
        assert set(self.found(index, namespace, "steam", wanted)) == {one.id, three.id}
        assert self.found(index, namespace, "steam", []) == []

    def test_a_thousand_documents_may_be_named(self, index: KeywordIndex, namespace: str) -> None:
        self.put(index, namespace, record := keyword_record("steam"), keyword_record("steam"))
        names = [*(str(uuid4()) for _ in range(1000)), record.metadata["upload_id"]]
        assert self.found(index, namespace, "steam", names) == [record.id]

    def test_the_same_upsert_twice_does_not_double(self, index: KeywordIndex, namespace: str) -> None:
        self.put(index, namespace, record := keyword_record("steam"))
        self.put(index, namespace, record)
        assert self.found(index, namespace, "steam") == [record.id]
        assert index.count(namespace, ingestion_id=record.metadata["ingestion_id"]) == 1

    def test_upsert_replaces_the_text_of_an_id(self, index: KeywordIndex, namespace: str) -> None:
        self.put(index, namespace, record := keyword_record("steam"))
        changed = keyword_record("sail", chunk_id=record.id, ingestion_id=record.metadata["ingestion_id"])
        self.put(index, namespace, changed)
        assert self.found(index, namespace, "steam") == []
        assert self.found(index, namespace, "sail") == [record.id]

    def test_a_thousand_records_are_counted(self, index: KeywordIndex, namespace: str) -> None:
        ingestion_id = str(uuid4())
        self.put(index, namespace, *(keyword_record(f"steam w{n}", ingestion_id=ingestion_id) for n in range(1000)))
        assert index.count(namespace, ingestion_id=ingestion_id) == 1000

    def test_delete_removes_exactly_one_ingestion(self, index: KeywordIndex, namespace: str) -> None:
        upload_id = str(uuid4())
        old, new = (keyword_record("steam", upload_id=upload_id) for _ in range(2))
        self.put(index, namespace, old, new)
        index.delete(namespace, ingestion_id=old.metadata["ingestion_id"])
        self.settle(index)
        assert self.found(index, namespace, "steam") == [new.id]
        assert index.count(namespace, ingestion_id=old.metadata["ingestion_id"]) == 0
        assert index.count(namespace, ingestion_id=new.metadata["ingestion_id"]) == 1

    def test_deleting_what_is_not_there_is_no_error(self, index: KeywordIndex, namespace: str) -> None:
        index.delete(namespace, ingestion_id=str(uuid4()))
        assert index.count(namespace, ingestion_id=str(uuid4())) == 0

    def test_prepare_twice_keeps_what_is_there(self, index: KeywordIndex, namespace: str) -> None:
        self.put(index, namespace, record := keyword_record("steam"))
        index.prepare()
        assert self.found(index, namespace, "steam") == [record.id]
