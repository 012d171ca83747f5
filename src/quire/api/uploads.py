"""Receives a file to disk, hashing it on the way, so that it is read once."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import IO, Any, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict, multipartparser
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict

from quire.documents import names
from quire.documents.services import Upload


class HashedFile(UploadedFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A file in the temporary folder, under a name of ours, deleted when it is closed."""

    sha256 = ""

    def __init__(self, *, name: str, content_type: str | None) -> None:
        # Django's own class takes over the extension, however long, and then the file cannot be made.
        folder = settings.FILE_UPLOAD_TEMP_DIR
        disk = tempfile.NamedTemporaryFile(prefix="quire-", dir=folder)  # noqa: SIM115 - closed at the request's end
        super().__init__(disk, name, content_type, size=0)
        self.path = Path(disk.name)


class HashingUploadHandler(FileUploadHandler):
    """Parses a form, its files going to disk; no file is lost because of its name."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]:
        form = cast(Any, input_data)  # the stubs have two types for it
        return _Parser(META, form, [_Receiver(self.request)], encoding).parse()


class _Parts(multipartparser.Parser):
    """The parts of a form. Django takes a file whose name is empty for a field of text."""

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        for kind, headers, stream in super().__iter__():
            disposition = headers.get("content-disposition", ("", {}))[1]
            if kind == multipartparser.FIELD and disposition.get("filename") == b"":
                disposition["filename"] = names.UNNAMED.encode()
                yield multipartparser.FILE, headers, stream
            else:
                yield kind, headers, stream


class _Parser(MultiPartParser):
    # Django's method, in which the name `Parser` means ours: it offers no other way in.
    _parse = FunctionType(MultiPartParser._parse.__code__, vars(multipartparser) | {"Parser": _Parts})  # type: ignore[attr-defined]

    def sanitize_file_name(self, file_name: str) -> str:
        """Django skips a file whose name has nothing to show, such as `..`; it has content all the same."""
        return super().sanitize_file_name(file_name) or names.UNNAMED


class _Receiver(FileUploadHandler):
    _file: HashedFile | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._hash = hashlib.sha256()
        self._file = HashedFile(name=self.file_name or names.UNNAMED, content_type=self.content_type)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._file:
            self._hash.update(raw_data)
            self._file.write(raw_data)

    def file_complete(self, file_size: int) -> HashedFile | None:
        file, self._file = self._file, None
        if file:
            file.flush()
            file.seek(0)
            file.size = file_size
            file.sha256 = self._hash.hexdigest()
        return file

    def upload_interrupted(self) -> None:
        if self._file:
            self._file.close()


def upload_of(file: HashedFile, *, title: str = "") -> Upload:
    """What `documents.services` takes. The file lives as long as the request."""
    return Upload(path=file.path, name=file.name or "", sha256=file.sha256, bytes=file.size or 0, title=title)
