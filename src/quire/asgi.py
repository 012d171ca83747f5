"""The web's entrance: the gate, and Django behind it."""

from __future__ import annotations

import os
import threading
import time
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")
_django = get_asgi_application()

from quire.api.gate import App, Gate  # noqa: E402 - it reads models, which exist once Django is set up
from quire.chat import services  # noqa: E402
from quire.documents import page_views  # noqa: E402

PICTURES_AFTER_S = 3
"""What starts beside the web comes first: pages can be looked at only once the worker has read some."""

application = Gate(cast(App, _django))


def _warm_up() -> None:
    try:
        services.warm_up()
    finally:  # where no model answers, pages are looked at all the same
        time.sleep(PICTURES_AFTER_S)
        page_views.warm_up()


# Beside the first requests, which need none of it, and gone with the process.
threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
