"""The data folder is private, and one `quire up` holds it; the port is had, or the reason is said."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from quire.core.errors import PermanentError
from quire.ops.supervisor import folder
from quire.ops.supervisor.port import listen, url_of


def test_the_folder_is_made_for_nobody_else(tmp_path: Path) -> None:
    with folder.held(tmp_path / "deep" / "data"):
        assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_a_folder_in_use_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    with (
        folder.held(tmp_path),
        pytest.raises(PermanentError, match=r"as process \d+.*--data-dir"),
        folder.held(tmp_path),
    ):
        pass


def test_a_folder_left_is_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with folder.held(tmp_path):
            assert (tmp_path / "logs").is_dir()


def test_a_file_in_the_folders_place_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(PermanentError, match="cannot be used") as caught, folder.held(tmp_path / "data"):
        pass
    assert caught.value.code == "data_folder"


def test_a_port_in_use_is_refused_with_another_one_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PermanentError, match=f"Port {port} .*--port {port + 1}") as caught:
            listen("127.0.0.1", port)
    assert caught.value.code == "port_in_use"


def test_an_address_of_another_machine_is_refused_with_a_sentence() -> None:
    with pytest.raises(PermanentError) as caught:
        listen("192.0.2.1", 8000)
    assert caught.value.code == "address_unavailable"


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],  # noqa: S104
)
def test_the_address_shown_is_one_that_a_browser_here_can_open(host: str, url: str) -> None:
    assert url_of(host, 80) == url
