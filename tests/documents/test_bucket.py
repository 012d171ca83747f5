"""Documents whose files are in a bucket that fails: nothing taken is lost, nothing broken is ever completed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from clean_slate import let_time_pass
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests import s3_server
from tests.fault_proxy import Fault, Happening, Proxy, proxy_before

from quire import environment, registry, wiring
from quire.core.errors import TransientError
from quire.documents import collector, ingestion, lifecycle, services
from quire.documents.audit import audit
from quire.documents.heartbeat import HandBack
from quire.documents.ingestion import Result
from quire.documents.local_copies import local_copy
from quire.documents.models import Document, Ingestion, Tombstone
from quire.documents.services import Submission
from quire.documents.workspace import DatabaseWorkspace
from quire.ops import diagnosis
from quire.tenants.services import Caller, create_key

Submit = Callable[..., Submission]


@pytest.fixture(scope="module")
def before_server() -> Iterator[Proxy]:
    with proxy_before(s3_server.server_url()) as proxy:
        yield proxy


@pytest.fixture
def bucket(settings: Any) -> str:
    """Where the files are, reached by way of the proxy."""
    return s3_server.new_bucket()


@pytest.fixture(autouse=True)
def proxy(before_server: Proxy, bucket: str, settings: Any) -> Iterator[Proxy]:
    use(settings, s3_server.environment(bucket, url=before_server.url))
    before_server.requests.clear()
    yield before_server
    before_server.faults.clear()


def use(settings: Any, environ: dict[str, str]) -> None:
    store = wiring.file_store(environment.read(environ), data_dir=settings.DATA_DIR)
    settings.STORAGES = settings.STORAGES | {"default": store}


@pytest.fixture
def web(caller: Caller) -> Client:
    key = create_key(tenant=caller.tenant, user=caller.user, name="test")[1]
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


def upload(web: Client) -> Any:
    return web.post("/api/ingest/", {"file": SimpleUploadedFile("nutmeg.txt", b"Nutmeg grows on Banda.")})


def run(submission: Submission) -> Result:
    let_time_pass(60)
    return ingestion.run(task_id=submission.ingestion.task_id).result


def test_a_document_lives_its_whole_life_in_a_bucket(submit: Submit, caller: Caller, bucket: str) -> None:
    submission = submit()
    assert s3_server.keys(bucket) == [submission.ingestion.storage_key]
    assert submission.ingestion.storage_key.startswith(f"{caller.tenant.id}/")
    assert run(submission) is Result.COMPLETED
    assert list(audit()) == []
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    assert (Document.objects.count(), s3_server.keys(bucket)) == (0, [])


def test_the_copy_that_a_page_was_drawn_from_goes_with_its_document(
    submit: Submit, caller: Caller, django_capture_on_commit_callbacks: Any
) -> None:
    submission, other = submit(), submit(content="Mace is the coat of nutmeg.")
    with local_copy(submission.ingestion) as path, local_copy(other.ingestion) as spared:
        pass
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        services.delete(tenant=caller.tenant, document_id=submission.document.id)
    assert not path.exists()
    assert spared.exists()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(happening="answer", method="PUT"),
        Fault(happening="answer", method="PUT", status=403, code="AccessDenied"),
        Fault(happening="cut", method="PUT"),
        Fault(happening="half written", method="PUT"),
    ],
    ids=["SlowDown", "AccessDenied", "cut", "half written"],
)
def test_an_upload_that_cannot_be_kept_answers_503_and_keeps_nothing(
    stores: None, web: Client, proxy: Proxy, bucket: str, fault: Fault
) -> None:
    proxy.faults.append(fault)
    answer = upload(web)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert (Document.objects.count(), s3_server.keys(bucket)) == (0, [])
    proxy.faults.clear()
    assert upload(web).status_code == 202


def test_what_an_upload_left_behind_is_removed_by_the_collector(
    stores: None, web: Client, proxy: Proxy, bucket: str
) -> None:
    proxy.faults += [Fault(happening="half written", method="PUT"), Fault(happening="answer", method="DELETE")]
    assert upload(web).status_code == 503
    assert len(s3_server.keys(bucket)) == 1
    proxy.faults.clear()
    Tombstone.objects.update(purge_at=lifecycle.in_s(-1))
    collector.collect()
    assert (Tombstone.objects.count(), s3_server.keys(bucket)) == (0, [])


def test_a_delete_that_fails_is_done_later(submit: Submit, caller: Caller, proxy: Proxy, bucket: str) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    proxy.faults.append(Fault(happening="answer", method="DELETE"))
    collector.collect()
    assert len(s3_server.keys(bucket)) == 1
    assert Document.objects.count() == 1
    proxy.faults.clear()
    collector.collect()
    assert (Document.objects.count(), s3_server.keys(bucket)) == (0, [])


def test_a_delete_that_does_nothing_is_seen(submit: Submit, caller: Caller, proxy: Proxy, bucket: str) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    proxy.faults.append(Fault(happening="answer", method="DELETE", status=204))
    collector.collect()
    assert Document.objects.count() == len(s3_server.keys(bucket)) == 1
    proxy.faults.clear()
    collector.collect()
    assert (Document.objects.count(), s3_server.keys(bucket)) == (0, [])


@pytest.mark.parametrize("happening", ["answer", "cut", "cut answer", "damaged"])
def test_a_file_that_does_not_come_whole_is_fetched_again(submit: Submit, proxy: Proxy, happening: Happening) -> None:
    submission = submit()
    proxy.faults.append(Fault(happening=happening, method="GET"))
    assert run(submission) is Result.PUT_BACK
    assert Ingestion.objects.get().error_code == "storage_unavailable"  # boto3 sees damage by the object's checksum
    proxy.faults.clear()
    assert run(submission) is Result.COMPLETED


def test_a_storage_that_names_a_wait_is_waited_for_and_burns_no_attempt(submit: Submit, proxy: Proxy) -> None:
    submission = submit()
    proxy.faults.append(Fault(happening="answer", method="GET", headers={"Retry-After": "30"}))
    assert run(submission) is Result.PUT_BACK
    row = Ingestion.objects.get()
    assert (row.error_code, row.attempts, row.waiting_for) == ("rate_limited", 0, "file storage")


def test_a_damaged_file_is_never_completed_and_mended_by_the_same_upload(
    submit: Submit, bucket: str, caller: Caller
) -> None:
    submission = submit()
    s3_server.client().put_object(Bucket=bucket, Key=submission.ingestion.storage_key, Body=b"Half of i")
    assert [run(submission) for _ in range(4)] == [*[Result.PUT_BACK] * 3, Result.FAILED]
    row = Ingestion.objects.get()
    assert (row.error_code, row.document.status) == ("file_damaged", "failed")
    assert row.error_message.endswith("Upload it again.")
    assert run(submit()) is Result.COMPLETED


def test_a_lost_file_is_told(submit: Submit, bucket: str) -> None:
    submission = submit()
    s3_server.client().delete_object(Bucket=bucket, Key=submission.ingestion.storage_key)
    assert run(submission) is Result.PUT_BACK
    assert Ingestion.objects.get().error_code == "file_lost"


def test_a_bucket_that_lets_nobody_in_fails_a_document_at_once_with_what_to_do(submit: Submit, proxy: Proxy) -> None:
    submission = submit()
    proxy.faults.append(Fault(happening="answer", status=403, code="AccessDenied"))
    assert run(submission) is Result.FAILED
    row = Ingestion.objects.get()
    assert row.error_code == "storage_refused"
    assert "rights to list the bucket" in row.error_message


def test_a_download_is_sent_to_the_bucket_which_gives_it_to_be_saved(submit: Submit, web: Client) -> None:
    document = submit(name="Muskat ü.html", content="<p>Nutmeg grows on Banda.</p>").document
    answer = web.get(f"/api/documents/{document.id}/file/")
    assert answer.status_code == 302
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("private, no-store", "no-referrer")
    given = httpx.get(answer["Location"], trust_env=False)
    assert given.text == "<p>Nutmeg grows on Banda.</p>"
    assert given.headers["Content-Type"] == "application/octet-stream"
    assert given.headers["Content-Disposition"] == "attachment; filename*=utf-8''Muskat%20%C3%BC.html"


def test_the_headers_of_a_download_are_told_by_us_since_a_link_is_good_for_getting_only(
    submit: Submit, web: Client, bucket: str
) -> None:
    submission = submit(name="Muskat ü.txt")
    answer = web.head(f"/api/documents/{submission.document.id}/file/")
    assert (answer.status_code, answer["Content-Length"], answer["Content-Type"]) == (200, "22", "text/plain")
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Muskat%20%C3%BC.txt"
    assert (answer.content, answer["X-Content-Type-Options"]) == (b"", "nosniff")
    s3_server.client().delete_object(Bucket=bucket, Key=submission.ingestion.storage_key)
    assert web.head(f"/api/documents/{submission.document.id}/file/").status_code == 503


def test_a_link_is_given_to_nobody_else(submit: Submit, stranger: Caller) -> None:
    key = create_key(tenant=stranger.tenant, user=stranger.user, name="test")[1]
    theirs = Client(headers={"Authorization": f"Bearer {key}"})
    assert theirs.get(f"/api/documents/{submit().document.id}/file/").status_code == 404


def test_where_browsers_cannot_reach_the_bucket_the_file_is_streamed(
    submit: Submit, web: Client, settings: Any, bucket: str
) -> None:
    use(settings, s3_server.environment(bucket) | {"QUIRE_S3_PRESIGNED": "off"})
    answer = web.get(f"/api/documents/{submit().document.id}/file/")
    assert b"".join(answer.streaming_content) == b"Nutmeg grows on Banda."
    assert (answer["Content-Length"], answer["X-Content-Type-Options"]) == ("22", "nosniff")
    assert answer["Content-Disposition"] == 'attachment; filename="banda.txt"'


def test_a_download_while_the_bucket_is_away_is_503(submit: Submit, web: Client, proxy: Proxy) -> None:
    document = submit().document
    proxy.faults.append(Fault(happening="answer"))
    answer = web.get(f"/api/documents/{document.id}/file/")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (503, "SlowDown")])
def test_ready_and_doctor_tell_of_a_bucket_that_takes_nothing(
    stores: None, proxy: Proxy, bucket: str, status: int, code: str
) -> None:
    assert Client().get("/readyz").json()["parts"]["storage"] == "ok"
    assert storage_examined() == ("ok", "")
    proxy.faults.append(Fault(happening="answer", method="PUT", status=status, code=code))
    assert storage_examined()[0] == "fail"
    proxy.faults[0].method = ""
    assert Client().get("/readyz").json()["parts"]["storage"] == "unavailable"
    state, advice = storage_examined()
    assert (state, bool(advice)) == ("fail", True)
    proxy.faults.clear()
    assert s3_server.keys(bucket) == []


def storage_examined() -> tuple[str, str]:
    result = next(result for result in diagnosis.examine() if result.part == "storage")
    return result.state, result.advice


def test_the_audit_finds_in_a_bucket_what_no_document_has(submit: Submit, bucket: str, proxy: Proxy) -> None:
    kept = [submit(f"Text {number}.").ingestion.storage_key for number in range(3)]
    s3_server.client().put_object(Bucket=bucket, Key="tenant/young", Body=b"an upload under way")
    assert list(audit()) == []
    assert {*kept, "tenant/young"} == set(s3_server.keys(bucket))


def test_a_transient_error_keeps_its_cause_for_the_log(submit: Submit, proxy: Proxy) -> None:
    proxy.faults.append(Fault(happening="answer", method="PUT"))
    with pytest.raises(TransientError) as caught:
        submit()
    assert "SlowDown" in str(caught.value.__cause__)


@pytest.mark.parametrize("size", [100, 20_000_000], ids=["at once", "in parts"])
def test_a_worker_that_stops_hands_its_document_back_in_the_middle_of_the_download(submit: Submit, size: int) -> None:
    submission = submit("Nutmeg. " * (size // 8))
    lease = lifecycle.claim(task_id=submission.ingestion.task_id, owner="worker")
    assert lease is not None

    def hand_back(_: bool) -> None:
        raise HandBack(gives_way=False)

    parts = {"vectors": registry.vector_store(), "keywords": registry.keyword_index()}
    desk = DatabaseWorkspace(lease, **parts, check=lambda: None, on_step=hand_back)
    with pytest.raises(HandBack), desk.file():
        pass
