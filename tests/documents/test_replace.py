"""Replacing a document's file: the old content answers until the new is complete, and stays if that fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quire.core.errors import LeaseLost, PermanentError
from quire.documents import collector, files, ingestion, lifecycle, services
from quire.documents.models import Chunk, Document, Ingestion, Status
from quire.documents.reports import report
from quire.documents.services import RefusedError, Submission
from quire.tenants.services import Caller
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]
Replace = Callable[..., Submission]


def run(submission: Submission) -> None:
    ingestion.run(task_id=submission.ingestion.task_id)


def visible() -> set[object]:
    return set(Chunk.objects.visible().values_list("ingestion_id", flat=True))


def test_the_old_content_answers_until_the_new_is_complete(submit: Submit, replace: Replace) -> None:
    old = submit()
    run(old)
    new = replace(old.document, "Mace is the nutmeg's red coat.")
    assert new.document.status == Status.COMPLETED
    assert visible() == {old.ingestion.id}
    run(new)
    assert visible() == {new.ingestion.id}
    assert Document.objects.get().sha256 == new.ingestion.sha256


def test_a_failed_replacement_leaves_the_old_and_says_why(
    submit: Submit, replace: Replace, extractor: ScriptedExtractor, caller: Caller
) -> None:
    old = submit()
    run(old)
    extractor.failures[1] = [PermanentError("This PDF needs a password.", code="encrypted")]
    new = replace(old.document, "Locked.")
    run(new)
    told = report(Document.objects.get())
    assert (told.status, visible()) == (Status.COMPLETED, {old.ingestion.id})
    assert told.pending is not None
    assert told.pending.error is not None
    assert told.pending.error.code == "encrypted"
    assert told.is_final
    again = services.retry(tenant=caller.tenant, document_id=old.document.id)
    run(again)
    assert visible() == {again.ingestion.id}


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_of_two_replacements_the_later_wins_whichever_ends_first(
    submit: Submit, replace: Replace, first_ends_first: bool
) -> None:
    old = submit()
    run(old)
    first = replace(old.document, "First.")
    lease = lifecycle.claim(task_id=first.ingestion.task_id, owner="slow")
    assert lease is not None
    second = replace(old.document, "Second.")
    if not first_ends_first:
        run(second)
    with pytest.raises(LeaseLost):
        lifecycle.complete(lease)
    if first_ends_first:
        run(second)
    assert visible() == {second.ingestion.id}


def test_the_same_bytes_start_nothing(submit: Submit, replace: Replace) -> None:
    old = submit("Same.")
    run(old)
    assert replace(old.document, "Same.").is_duplicate
    assert Ingestion.objects.count() == 1


def test_bytes_that_are_about_to_be_replaced_are_not_said_to_be_there(submit: Submit, replace: Replace) -> None:
    old = submit("Old.")
    run(old)
    replacement = replace(old.document, "New.")
    with pytest.raises(RefusedError, match="being given another"):
        submit("Old.")
    run(replacement)
    assert submit("Old.").document != old.document


def test_bytes_that_a_failed_replacement_left_in_place_are_there(
    submit: Submit, replace: Replace, extractor: ScriptedExtractor
) -> None:
    old = submit("Old.")
    run(old)
    extractor.failures[1] = [PermanentError("This PDF needs a password.", code="encrypted")]
    run(replace(old.document, "Locked."))
    assert submit("Old.").is_duplicate


def test_bytes_that_are_only_indexed_anew_are_there(submit: Submit, caller: Caller) -> None:
    document = submit("Old.")
    run(document)
    services.reindex(tenant=caller.tenant, document_id=document.document.id)
    assert submit("Old.").is_duplicate


def test_the_content_of_another_document_is_refused(submit: Submit, replace: Replace) -> None:
    submit("Taken.", name="taken.txt")
    mine = submit("Mine.")
    with pytest.raises(PermanentError, match=r"“taken\.txt”, has the same content"):
        replace(mine.document, "Taken.")


def test_content_that_another_document_took_meanwhile_fails_the_replacement(submit: Submit, replace: Replace) -> None:
    mine = submit("Mine.")
    run(mine)
    replacement = replace(mine.document, "Both want this.")
    submit("Both want this.", name="other.txt")
    run(replacement)
    assert Ingestion.objects.get(id=replacement.ingestion.id).error_code == "duplicate_content"
    assert visible() == {mine.ingestion.id}


def test_replacing_what_is_still_processed_forgets_the_first_file(submit: Submit, replace: Replace) -> None:
    first = submit("First.")
    second = replace(first.document, "Second.")
    run(first)
    assert visible() == set()
    run(second)
    assert visible() == {second.ingestion.id}


def test_the_replaced_file_and_chunks_are_collected_and_the_new_stay(submit: Submit, replace: Replace) -> None:
    old = submit("Old.")
    run(old)
    new = replace(old.document, "New.")
    run(new)
    collector.collect()
    document = services.get(tenant=old.document.tenant, document_id=old.document.id)
    assert document.active_ingestion == new.ingestion
    with files.open_stream(new.ingestion) as file:
        assert file.read() == b"New."
    assert set(Chunk.objects.values_list("ingestion_id", flat=True)) == {new.ingestion.id}
