"""A provider of single sign-on for tests: OpenID Connect Core and Discovery 1.0, the authorization code flow with PKCE.

It asks nobody for a password: whoever comes is `person`. What a client must get right is checked as the specification
says: client, redirect address, code (once), PKCE verifier, client secret, bearer token. `tamper` makes it lie.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "quire"
CLIENT_SECRET = "a secret of the registration"  # noqa: S105 - it guards nothing
Claims = dict[str, Any]


class OidcServer(ThreadingHTTPServer):
    """Listens on a free port of this machine from the moment it is made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.person: Claims = {"sub": "248289761001", "email": "ada@example.org", "email_verified": True}
        self.redirect_uris: set[str] = set()
        """The registered ones; empty for any."""
        self.keys = [_new_key("1")]
        self.requests: list[str] = []
        """Method and path of each."""
        self.tamper: Callable[[Claims], Claims] = lambda claims: claims
        """Applied to an ID token's claims before it is signed."""
        self.is_terse = False
        """Whether an ID token holds `sub` alone, so that the rest must be asked for."""
        self.describes: Claims = {}
        """What discovery says otherwise."""
        self.userinfo: Claims = {}
        """What the user information says otherwise."""
        self.codes: dict[str, Claims] = {}
        self.tokens: set[str] = set()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def settings(self) -> dict[str, str]:
        """What makes a service use it, by name of the setting."""
        return {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}

    def change_key(self) -> None:
        """Sign by another key from now on, as providers do now and then; the old one is published no more."""
        self.keys = [_new_key(str(int(self.keys[0].kid or 0) + 1))]

    def description(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        } | self.describes

    def id_token(self, *, nonce: str | None, access_token: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        claims["at_hash"] = _base64url(hashlib.sha256(access_token.encode()).digest()[:16])
        person = {"sub": self.person["sub"]} if self.is_terse else self.person
        key = self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": key.kid}, self.tamper(claims | person), key)


@contextmanager
def serving() -> Iterator[OidcServer]:
    """A provider for the time of the block."""
    with OidcServer() as server:
        thread = threading.Thread(target=server.serve_forever, name="oidc", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: OidcServer

    def do_GET(self) -> None:
        where, query = self._asked()
        if where == "/.well-known/openid-configuration":
            return self._answer(200, self.server.description())
        if where == "/jwks":
            return self._answer(200, dict(KeySet(list(self.server.keys)).as_dict(private=False)))
        if where == "/authorize":
            return self._authorize(query)
        if where == "/userinfo":
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or token not in self.server.tokens:
                return self._answer(401, {"error": "invalid_token"})
            return self._answer(200, self.server.person | self.server.userinfo)
        return self._answer(404, {})

    def do_POST(self) -> None:
        where, _ = self._asked()
        form = _plain(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if where != "/token":
            return self._answer(404, {})
        if not self._is_client(form):
            return self._answer(401, {"error": "invalid_client"})
        asked = self.server.codes.pop(form.get("code", ""), None)
        verifier = _base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or verifier != asked["code_challenge"]
        ):
            return self._answer(400, {"error": "invalid_grant"})
        access_token = secrets.token_urlsafe()
        self.server.tokens.add(access_token)
        id_token = self.server.id_token(nonce=asked.get("nonce"), access_token=access_token)
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token}
        return self._answer(200, answer)

    def _authorize(self, query: dict[str, str]) -> None:
        uris = self.server.redirect_uris
        if query.get("client_id") != CLIENT_ID or (uris and query.get("redirect_uri") not in uris):
            return self._answer(400, {"error": "invalid_request"})  # never a redirect to an address not registered
        answer = {"state": query.get("state", "")}
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            answer["error"] = "invalid_request"
        elif "openid" not in query.get("scope", "").split():
            answer["error"] = "invalid_scope"
        else:
            answer["code"] = secrets.token_urlsafe()
            self.server.codes[answer["code"]] = query
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode(answer)}")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def _is_client(self, form: dict[str, str]) -> bool:
        """By HTTP Basic or by the form: RFC 6749, 2.3.1."""
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(given).decode().partition(":")
            return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        self.server.requests.append(f"{self.command} {parts.path}")
        return parts.path, _plain(parts.query)

    def _answer(self, status: int, body: Claims) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `requests`."""


def _new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _plain(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
