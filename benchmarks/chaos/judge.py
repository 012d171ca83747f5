"""Reads the history, the rows and the files when all is over, and says what is not as it was promised."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.history import Happening, broken_rules, moment
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.mischief import Blow
from benchmarks.chaos.service import QUIRE, Service

QUIET_WITHIN_S = 300
MAX_ATTEMPTS = 4
A_DAY_S = 24 * 3600
HISTORY = "SELECT id, document_id, ingestion_id, kind, data, at FROM documents_event ORDER BY id"


@dataclass
class Judge:
    """Each check adds what it finds to the ledger's violations."""

    service: Service
    ledger: Ledger
    blows: Sequence[Blow]
    recovery_s: list[float] = field(default_factory=list)
    """From a blow to the moment that what it interrupted was claimed again, which needs a free process too."""
    noticed_s: list[float] = field(default_factory=list)
    """From a blow to the moment that what it interrupted was taken back."""
    figures: dict[str, int] = field(default_factory=dict)
    excuses: Sequence[str] = ("requests cut off",)
    """What the ledger counts as many of at least as there may be files without a row."""
    _unowned: set[str] = field(default_factory=set)
    """Files stored by a web that was killed before it could note them: nobody was promised anything of them."""

    def wait_until_quiet(self) -> None:
        """Until nothing is unfinished and nothing is left to collect."""
        unfinished = "SELECT 1 FROM documents_ingestion WHERE status IN ('queued', 'running') LIMIT 1"
        uncollected = """SELECT 1 FROM documents_ingestion i JOIN documents_document d ON d.id = i.document_id
            WHERE i.purged_at IS NULL AND (d.active_ingestion_id IS NULL OR d.active_ingestion_id <> i.id) LIMIT 1"""
        deleting = "SELECT 1 FROM documents_document WHERE status = 'deleting' LIMIT 1"

        def is_quiet() -> bool:
            self.service.tend()
            return not any(self.service.rows(sql) for sql in (unfinished, uncollected, deleting))

        self.service.wait(is_quiet, "work is left", limit_s=QUIET_WITHIN_S)

    def check_ends(self) -> None:
        """Every 202 has come to an end; of each run there is one, and what followed a blow came back in time."""
        rows = self.service.rows("SELECT id, task_id, status, attempts FROM documents_ingestion")
        ends = {_hex(row["task_id"]): row["status"] for row in rows}
        gone = {row["document_id"] for row in self.service.rows("SELECT document_id FROM documents_tombstone")}
        for document_id, task_id in self.ledger.accepted:
            if ends.get(_hex(task_id)) in {"completed", "failed", "superseded"} or _hex(document_id) in gone:
                continue
            self.ledger.violated("lost", f"task {task_id} of {document_id}: {ends.get(_hex(task_id), 'no row')}")
        for row in rows:
            if row["attempts"] > MAX_ATTEMPTS:
                self.ledger.violated("too many attempts", f"{row}")

    def check_history(self) -> None:
        """Run by run: one claim at a time, one end, nothing after it, and each wait as long as it was to be."""
        for ingestion_id, run in self._runs().items():
            for rule, detail in broken_rules(run):
                self.ledger.violated(rule, f"{ingestion_id}: {detail}")
            self._measure_recoveries(run)
        self._check_deletes()

    def check_stores(self) -> None:
        """Nothing is left of what cannot answer: no row, vector, keyword or file, and nothing is missing."""
        for table in ("documents_chunk", "documents_page"):
            self._check_owners(table, "ingestion_id")
        for table, owner in self.service.database.owners.items():
            self._check_owners(table, owner)
        chunks = "SELECT count(*) AS n FROM documents_chunk"
        counts = {
            "chunks": self.service.rows(chunks)[0]["n"],
            "vectors": self.service.rows("SELECT count(*) AS n FROM quire_vector")[0]["n"],
            "keywords": self.service.rows("SELECT count(*) AS n FROM quire_keyword")[0]["n"],
        }
        self.figures |= counts
        if len(set(counts.values())) != 1:
            self.ledger.violated("stores disagree", f"{counts}")
        self._check_files()

    def audit(self) -> None:
        """`quire audit`, on stopped parts, all that happened moved a day into the past so that it spares nothing."""
        for table, column in (("ingestion", "finished_at"), ("document", "deleted_at"), ("document", "completed_at")):
            self.service.database.make_a_day_older(f"documents_{table}", column)
        self.service.files.make_older(seconds=A_DAY_S)
        for finding in self._findings("--repair"):
            if finding["kind"] != "file_unowned" or finding["subject"] not in self._unowned:
                self.ledger.violated("audit", f"{finding}")
        for finding in self._findings():
            self.ledger.violated("left after a repair", f"{finding}")

    def _findings(self, *options: str) -> list[dict[str, Any]]:
        return list(json.loads(self.service.run(*QUIRE, "audit", "--json", *options, codes=(0, 1))))

    def _runs(self) -> dict[str, list[Happening]]:
        runs = defaultdict(list)
        for row in self.service.rows(HISTORY):
            self.figures[row["kind"]] = self.figures.get(row["kind"], 0) + 1
            if row["ingestion_id"]:
                data = json.loads(row["data"])
                runs[row["ingestion_id"]].append(Happening(kind=row["kind"], at=moment(row["at"]), data=data))
        return runs

    def _measure_recoveries(self, run: Sequence[Happening]) -> None:
        for claimed, taken_back, again in zip(run, run[1:], [*run[2:], None], strict=False):
            if (claimed.kind, taken_back.kind) != ("claimed", "taken_back"):
                continue
            pid = int(claimed.data["owner"].rpartition(":")[2])
            blows = [blow.at for blow in self.blows if pid in blow.pids and claimed.at <= blow.at <= taken_back.at]
            if not blows:
                self.figures["leases lost without a blow"] = self.figures.get("leases lost without a blow", 0) + 1
                continue
            self.noticed_s.append(taken_back.at - blows[0])
            if again and again.kind == "claimed":
                self.recovery_s.append(again.at - blows[0])

    def _check_deletes(self) -> None:
        deleted: set[str] = set()
        for row in self.service.rows(HISTORY):
            if row["kind"] == "deleted":
                deleted.add(row["document_id"])
            elif row["document_id"] in deleted and row["kind"] != "purged":
                self.ledger.violated("went on after its delete", f"{row}")

    def _check_files(self) -> None:
        """The files are those of the runs that answer, and of the newest run of each document that failed."""
        needed = {
            row["key"]
            for row in self.service.rows(
                """SELECT i.storage_key AS key FROM documents_ingestion i JOIN documents_document d
                ON d.id = i.document_id WHERE i.id = d.active_ingestion_id OR i.version =
                (SELECT max(version) FROM documents_ingestion n WHERE n.document_id = d.id)"""
            )
        }
        found = self.service.files.keys()
        self.figures["files"] = len(found)
        for key in needed - found:
            self.ledger.violated("file missing", key)
        known = {row["key"] for row in self.service.rows("SELECT storage_key AS key FROM documents_ingestion")}
        for key in (found - needed) & known:
            self.ledger.violated("file left over", key)
        self._unowned = found - known
        self.figures["files of killed requests"] = len(self._unowned)
        if len(self._unowned) > sum(self.ledger.counts.get(what, 0) for what in self.excuses):
            self.ledger.violated("files left over", f"{self._unowned}")

    def _check_owners(self, table: str, owner: str) -> None:
        """Each row belongs to a run that answers."""
        active = "SELECT active_ingestion_id FROM documents_document WHERE active_ingestion_id IS NOT NULL"
        sql = f"SELECT DISTINCT {owner} AS owner FROM {table} WHERE {owner} NOT IN ({active})"  # noqa: S608 - our own words
        for row in self.service.rows(sql):
            self.ledger.violated(f"orphans in {table}", str(row["owner"]))


def _hex(value: object) -> str:
    return str(value).replace("-", "")
