"""The API as a program meets it: a real server, a real worker, real Redis."""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.api.conftest import MAX_UPLOAD_BYTES, Live

NUTMEG = b"""# Spices

Nutmeg grew only on the Banda islands until the nineteenth century. Its price was very high.

Cinnamon came from Ceylon. Pepper came from Malabar.
"""
QUESTION = "Was it nutmeg that grew only on the Banda islands until the nineteenth century?"
"""In the words of the text: the embedder of the tests knows no others."""


@pytest.fixture(scope="module")
def nutmeg(live: Live) -> dict[str, Any]:
    return live.take_in(NUTMEG, name="spices.md")


def unique(text: str = "A note of its own.") -> bytes:
    return f"{text} {secrets.token_hex(8)}\n".encode()


def events(stream: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and data of each event."""
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def raw_request(live: Live, head: str, *, body: bytes = b"") -> str:
    """Send these bytes and no more; what comes back, up to the end of the answer."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        answer = b""
        while b"\r\n\r\n" not in answer or b"}" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        return answer.decode()


def test_many_who_ask_at_once_whether_all_is_ready_are_all_answered(live: Live) -> None:
    def ask(_: int) -> str:
        return str(live.http.get("/readyz", timeout=60).json()["parts"]["workers"])

    with ThreadPoolExecutor(24) as people:
        assert set(people.map(ask, range(24))) <= {"ok", "none"}


def test_an_upload_becomes_searchable_and_is_cited(live: Live, nutmeg: dict[str, Any]) -> None:
    assert nutmeg["status"] == "completed", nutmeg
    assert nutmeg["progress"]["percent"] == 100
    assert nutmeg["chunks"] > 0
    hits = live.http.post("/api/search/", json={"query": "Where did nutmeg grow?", "limit": 3}).json()["hits"]
    assert nutmeg["id"] in {hit["document_id"] for hit in hits}
    answer = live.http.post(f"/api/documents/{nutmeg['id']}/ask/", json={"question": QUESTION}).json()
    assert answer["grounded"] is True
    citation = answer["citations"][0]
    assert citation["document_id"] == nutmeg["id"]
    assert citation["verified"] is True
    page = live.http.get(f"/api/documents/{nutmeg['id']}/pages/{citation['page']}/").json()
    assert citation["quote"] in page["text"]


def test_the_task_of_an_upload_ends_in_success(live: Live, nutmeg: dict[str, Any]) -> None:
    task = live.http.get(f"/api/tasks/{nutmeg['task_id']}/").json()
    assert task["status"] == "SUCCESS"
    assert task["name"] == "quire.api.tasks.process_document"
    assert task["args"] == [nutmeg["file_id"], nutmeg["user_id"], nutmeg["id"]]
    assert task["result"] == {"document_id": nutmeg["id"], "status": "completed"}
    assert task["error"] is None


def test_an_answer_is_streamed_token_by_token(live: Live, nutmeg: dict[str, Any]) -> None:
    body = {"question": QUESTION, "stream": True}
    with live.http.stream("POST", f"/api/documents/{nutmeg['id']}/ask/", json=body) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        found = list(events(stream))
    names = [name for name, _ in found]
    assert names[-2:] == ["citations", "done"]
    assert set(names[:-2]) == {"token"}
    done = found[-1][1]
    assert "".join(data["text"] for name, data in found if name == "token") == done["answer"]
    assert done["citations"] == found[-2][1]["citations"]


def test_a_question_about_a_document_that_is_not_there_is_404_also_as_a_stream(live: Live) -> None:
    missing = "/api/documents/00000000-0000-4000-8000-000000000000/ask/"
    for stream in (False, True):
        answer = live.http.post(missing, json={"question": "Who?", "stream": stream})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_document_is_followed_to_its_end(live: Live) -> None:
    document = live.upload(unique()).json()["document"]
    # Who names a state seen before is told the last one also when the worker was quicker.
    headers = {"Last-Event-ID": "before anything happened"}
    with live.http.stream("GET", f"/api/documents/{document['id']}/events/", headers=headers) as stream:
        assert stream.status_code == 200
        states = [data for name, data in events(stream) if name == "document"]
    assert (states[-1]["id"], states[-1]["status"]) == (document["id"], "completed")
    assert all(state["status"] == "processing" for state in states[:-1])


def test_a_finished_document_has_no_more_events(live: Live, nutmeg: dict[str, Any]) -> None:
    assert live.http.get(f"/api/documents/{nutmeg['id']}/events/").status_code == 204


def test_a_browser_that_lost_the_end_of_a_stream_is_told_it(live: Live, nutmeg: dict[str, Any]) -> None:
    headers = {"Last-Event-ID": "some earlier state"}
    with live.http.stream("GET", f"/api/documents/{nutmeg['id']}/events/", headers=headers) as stream:
        lines = list(stream.iter_lines())
    assert any('"completed"' in line for line in lines)
    last = next(line.removeprefix("id: ") for line in lines if line.startswith("id: "))
    again = live.http.get(f"/api/documents/{nutmeg['id']}/events/", headers={"Last-Event-ID": last})
    assert again.status_code == 204


def test_a_tenants_stream_tells_of_a_new_document_until_it_is_deleted(live: Live) -> None:
    seen: list[tuple[str, Any]] = []
    is_open, is_completed, is_over = threading.Event(), threading.Event(), threading.Event()

    def watch() -> None:
        headers = {"Authorization": f"Bearer {live.key}"}
        with httpx.stream("GET", f"{live.url}/api/events/", headers=headers, timeout=30, trust_env=False) as stream:
            is_open.set()
            for event in events(stream):
                seen.append(event)
                if event[0] == "deleted":
                    break
                if event[1]["status"] == "completed":
                    is_completed.set()
        is_over.set()

    threading.Thread(target=watch, daemon=True).start()
    assert is_open.wait(10)
    document = live.upload(unique()).json()["document"]
    assert is_completed.wait(30)
    live.http.delete(f"/api/documents/{document['id']}/")
    assert is_over.wait(15)
    states = [data["status"] for name, data in seen if name == "document" and data["id"] == document["id"]]
    assert states[-1] == "completed"  # what came before it may have passed too quickly to be told
    assert seen[-1] == ("deleted", {"id": document["id"]})


def test_a_deleted_document_is_gone_from_everywhere_at_once(live: Live) -> None:
    document = live.take_in(unique("Zanzibar exports cloves."))
    at = f"/api/documents/{document['id']}/"
    assert live.http.delete(at).status_code == 204
    for path in ("", "file/", "pages/1/", "events/"):
        assert live.http.get(at + path).status_code == 404
    assert live.http.post(at + "ask/", json={"question": "cloves?"}).status_code == 404
    hits = live.http.post("/api/search/", json={"query": "Zanzibar cloves"}).json()["hits"]
    assert document["id"] not in {hit["document_id"] for hit in hits}
    assert live.http.get(f"/api/tasks/{document['task_id']}/").status_code == 404


def test_a_corrupt_file_fails_with_its_reason_and_may_be_tried_again(live: Live) -> None:
    document = live.take_in(b"%PDF-1.7\n" + secrets.token_bytes(500), name="broken.pdf")
    assert document["status"] == "failed"
    assert document["error"]["message"]
    assert document["error"]["retryable"] is False
    task = live.http.get(f"/api/tasks/{document['task_id']}/").json()
    assert (task["status"], task["error"]["code"]) == ("FAILURE", document["error"]["code"])
    again = live.http.post(f"/api/documents/{document['id']}/retry/")
    assert again.status_code == 202
    assert again.json()["task_id"] != document["task_id"]
    assert live.finished(document["id"])["status"] == "failed"


def test_the_original_comes_back_byte_for_byte_and_harmless(live: Live) -> None:
    page = b"<!doctype html><script>alert(1)</script><p>" + unique()
    document = live.take_in(page, name="häßlich \u202e;\"'.html")
    answer = live.http.get(f"/api/documents/{document['id']}/file/")
    assert answer.content == page
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=utf-8''h%C3%A4%C3%9Flich" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("cookie", [r'"\000aaaaaaaa"', r'"aaaaaaaa\377"', "A" * 32, "a" * 5000])
def test_a_session_cookie_that_nobody_was_given_is_no_session_at_any_door(live: Live, cookie: str) -> None:
    headers = {"Cookie": f"sessionid={cookie}"}
    with httpx.Client(base_url=live.url, headers=headers, trust_env=False) as stranger:
        assert stranger.get("/").headers["Location"].startswith("/sign-in/")
        assert stranger.get("/sign-in/").status_code == 200
        assert stranger.get("/api/documents/").status_code == 401
        assert stranger.post("/api/ingest/", files={"file": ("a.txt", b"text")}).status_code == 401


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(live: Live) -> None:
    head = (
        f"POST /api/ingest/ HTTP/1.1\nHost: x\nAuthorization: Bearer {live.key}\n"
        "Content-Type: multipart/form-data; boundary=b\nContent-Length: 99999999999\n"
    )
    began = time.monotonic()
    answer = raw_request(live, head)
    assert answer.startswith("HTTP/1.1 413 ")
    assert '"file_too_large"' in answer
    assert time.monotonic() - began < 3


def test_a_file_that_grows_too_large_while_it_comes_is_cut_off(live: Live) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
        while True:
            yield b"x" * 65536

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = live.http.post("/api/ingest/", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


def test_a_file_just_over_the_limit_is_refused_and_one_just_under_it_is_taken(live: Live) -> None:
    assert live.upload(b"x" * (MAX_UPLOAD_BYTES + 1)).status_code == 413
    small = live.upload(b"word " * 10_000 + unique())
    assert small.status_code == 202
    live.http.delete(small.headers["Location"])


def test_a_form_sent_in_chunks_without_a_length_is_taken(live: Live) -> None:
    content = unique()
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + content + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = live.http.post("/api/ingest/", content=iter([body[:50], body[50:]]), headers=headers)
    assert answer.status_code == 202
    assert answer.json()["document"]["bytes"] == len(content)


@pytest.mark.parametrize("credentials", ["", "Authorization: Bearer qk_unknown\n", "Cookie: sessionid=unknown\n"])
def test_an_upload_by_nobody_is_refused_before_it_is_sent(live: Live, credentials: str) -> None:
    head = (
        f"POST /api/ingest/ HTTP/1.1\nHost: x\n{credentials}"
        "Content-Type: multipart/form-data; boundary=b\nContent-Length: 1000000\n"
    )
    answer = raw_request(live, head)
    assert answer.startswith("HTTP/1.1 401 ")
    assert "www-authenticate: bearer" in answer.lower()


def test_a_body_that_is_no_upload_may_have_two_mebibytes(live: Live) -> None:
    answer = live.http.post("/api/search/", json={"query": "x" * 3_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_slow_uploads_hold_up_nobody(live: Live) -> None:
    head = (
        f"POST /api/ingest/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.key}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b"
    )
    slow = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(30)]
    try:
        for connection in slow:
            connection.sendall(head.encode())
        began = time.monotonic()
        assert live.http.get("/api/documents/").status_code == 200
        assert time.monotonic() - began < 3
    finally:
        for connection in slow:
            connection.close()


def test_the_same_bytes_sent_at_the_same_moment_make_one_document(live: Live) -> None:
    content = unique()
    answers: list[httpx.Response] = []

    def send() -> None:
        headers = {"Authorization": f"Bearer {live.key}"}
        files = {"file": ("same.txt", content)}
        answers.append(httpx.post(f"{live.url}/api/ingest/", files=files, headers=headers, timeout=30, trust_env=False))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["document"]["id"] for answer in answers}) == 1


def test_readiness_names_every_part(live: Live) -> None:
    answer = live.http.get("/readyz")
    assert answer.status_code == 200
    parts = dict.fromkeys(("database", "storage", "broker", "workers", "vector_store"), "ok")
    assert answer.json() == {"status": "ready", "parts": parts}


def test_metrics_count_documents(live: Live, nutmeg: dict[str, Any]) -> None:
    lines = live.http.get("/metrics").text.splitlines()
    completed = next(line for line in lines if line.startswith('quire_documents{status="completed"}'))
    assert float(completed.split()[-1]) >= 1
