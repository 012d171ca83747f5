"""The API keys that the caller may see: their own; an owner all of the tenant's."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status

from quire.api.auth import caller_of
from quire.api.schemas import KeyIn, KeyList, KeyOut, NewKeyOut
from quire.documents.services import NotFoundError
from quire.tenants import services
from quire.tenants.models import ApiKey

router = Router(tags=["keys"])


@router.get("", response=KeyList, summary="List keys")
def list_keys(request: HttpRequest) -> KeyList:
    return KeyList(results=[_key(key) for key in services.keys_of(caller_of(request)).order_by("-created_at")])


@router.post("", response={201: NewKeyOut}, summary="Make a key; it is shown this once")
def create_key(request: HttpRequest, body: KeyIn) -> Status[NewKeyOut]:
    caller = caller_of(request)
    key, raw = services.create_key(tenant=caller.tenant, user=caller.user, name=body.name[:100])
    return Status(201, NewKeyOut(**_key(key).model_dump(), key=raw))


@router.patch("{uuid:key_id}/", response=KeyOut, summary="Rename a key")
def rename_key(request: HttpRequest, key_id: UUID, body: KeyIn) -> KeyOut:
    keys = services.keys_of(caller_of(request)).filter(id=key_id)
    keys.update(name=body.name[:100])
    return _key(_one(keys))


@router.delete("{uuid:key_id}/", response={204: None}, summary="Revoke a key, at once")
def revoke_key(request: HttpRequest, key_id: UUID) -> Status[None]:
    caller = caller_of(request)
    services.revoke_key(tenant=caller.tenant, key_id=_one(services.keys_of(caller).filter(id=key_id)).id)
    return Status(204, None)


def _one(keys: QuerySet[ApiKey]) -> ApiKey:
    key = keys.first()
    if key is None:
        raise NotFoundError("key")
    return key


def _key(key: ApiKey) -> KeyOut:
    return KeyOut.model_validate(key, from_attributes=True)
