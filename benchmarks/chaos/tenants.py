"""Makes tenants in the database of the settings and prints, as JSON, id and key of each: `python -m … COUNT`."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from quire.tenants import services  # noqa: E402 - models exist once Django is set up


def make(number: int) -> dict[str, str]:
    caller = services.create_tenant(name=f"Tenant {number}", username=f"person-{number}")
    return {
        "id": str(caller.tenant.id),
        "key": services.create_key(tenant=caller.tenant, user=caller.user, name="chaos")[1],
    }


print(json.dumps([make(number) for number in range(int(sys.argv[1]))]))
