"""How a request is refused: a status, and a body in the form of its half of the API."""

from __future__ import annotations

from typing import Any

_NAMES = {
    3: "INVALID_ARGUMENT",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    8: "RESOURCE_EXHAUSTED",
    11: "OUT_OF_RANGE",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}


class Refusal(Exception):
    """`code` is gRPC's number, which the data plane says; the control plane says its name."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def as_rpc_status(self) -> dict[str, Any]:
        """The data plane's `rpcStatus`."""
        return {"code": self.code, "message": self.message, "details": []}

    def as_error_response(self) -> dict[str, Any]:
        """The control plane's `ErrorResponse`."""
        return {"status": self.status, "error": {"code": _NAMES[self.code], "message": self.message}}


def invalid(message: str) -> Refusal:
    return Refusal(400, 3, message)


def too_large(message: str) -> Refusal:
    return Refusal(400, 11, message)


def missing(message: str) -> Refusal:
    return Refusal(404, 5, message)
