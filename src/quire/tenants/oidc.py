"""Single sign-on by OpenID Connect: sends the browser to the provider, and learns from it who came back.

Authlib speaks the protocol: authorization code with PKCE (S256), `state` and `nonce` bound to the session, the ID
token's signature, issuer, audience, times and nonce checked (OpenID Connect Core 1.0, 3.1.3.7). What it leaves to its
caller is checked here: that discovery speaks for the issuer that was asked, that no ID token is missing, unsigned or
for another audience, and that the user information is about the same person (5.3.2).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from joserfc.errors import JoseError

from quire.core.errors import QuireError

log = logging.getLogger(__name__)

SIGNED_BY = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Algorithms with a key pair: `none` proves nothing, and HS256 would make the client secret a signing key."""
TIMEOUT_S = 10


_ODD = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)
"""What reading an answer raises that is not as the specification has it: a list for an object, null for a string."""


class SingleSignOnError(QuireError):
    """The provider could not be asked, or what it said cannot be believed. The log tells which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str
    """Empty unless the provider has verified it."""
    name: str
    """What it suggests to call them; may be empty, and is nobody's proof."""


def is_used() -> bool:
    return bool(settings.ENV.oidc_issuer)


def begin(request: HttpRequest, *, redirect_uri: str) -> HttpResponseBase:
    """A redirect to the provider; what the answer must match is kept in the session."""
    with _believing():
        answer: HttpResponseBase = _provider().authorize_redirect(request, redirect_uri)
    return answer


def finish(request: HttpRequest) -> Person:
    """Who came back. Raises `SingleSignOnError`; works once for each `begin`."""
    with _believing():
        provider = _provider()
        issuer = provider.server_metadata["issuer"]
        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": settings.ENV.oidc_client_id},
        }
        token = provider.authorize_access_token(request, claims_options=options)
        claims: dict[str, Any] = token.get("userinfo") or {}
        if not claims.get("sub"):
            raise ValueError("there is no ID token")
        if "email" not in claims and "userinfo_endpoint" in provider.server_metadata:
            more = provider.userinfo(token=token)
            if more.get("sub") != claims["sub"]:
                raise ValueError("the user information is about somebody else")
            claims = more | claims
    is_verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    return Person(
        issuer=issuer,
        subject=str(claims["sub"])[:255],
        email=str(claims.get("email") or "") if is_verified else "",
        name=str(claims.get("preferred_username") or claims.get("name") or ""),
    )


def check() -> None:
    """Ask the provider for its description. Raises `SingleSignOnError`."""
    with _believing():
        _provider()


@contextmanager
def _believing() -> Iterator[None]:
    try:
        yield
    except (AuthlibBaseError, JoseError, requests.RequestException, *_ODD) as error:
        log.warning("single sign-on failed: %s: %s", type(error).__name__, error)
        raise SingleSignOnError(f"{settings.ENV.oidc_name} could not be asked who you are.") from error


def _provider() -> Any:
    env = settings.ENV
    provider = _registered(env.oidc_issuer, env.oidc_client_id, env.oidc_client_secret)
    if "_loaded_at" not in provider.server_metadata:
        try:
            _check(provider.load_server_metadata(), env.oidc_issuer)
        except Exception:
            _registered.cache_clear()  # what is not believed must not be kept
            raise
        methods = provider.server_metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            provider.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105 - a method's name
    return provider


@lru_cache(maxsize=4)
def _registered(issuer: str, client_id: str, client_secret: str) -> Any:
    """Authlib's client of one provider, which keeps its description and its keys, and asks anew for a key not known."""
    return OAuth().register(
        "oidc",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_S,
        },
    )


def _check(metadata: dict[str, Any], issuer: str) -> None:
    """OpenID Connect Discovery 1.0, 4.3: a description that names another issuer is not this one's."""
    if metadata["issuer"].rstrip("/") != issuer.rstrip("/"):
        raise ValueError(f"the description is that of {metadata['issuer']}")
    if issuer.startswith("https://"):
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not metadata[name].startswith("https://"):
                raise ValueError(f"{name} is no https address")
    offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in SIGNED_BY]
    if not metadata["id_token_signing_alg_values_supported"]:
        raise ValueError(f"it signs by {offered} only")
