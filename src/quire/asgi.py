"""The web's entrance: the gate, and Django behind it."""

from __future__ import annotations

import os
import threading
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")
_django = get_asgi_application()

from quire.api.gate import App, Gate  # noqa: E402 - it reads models, which exist once Django is set up
from quire.chat.services import warm_up  # noqa: E402

application = Gate(cast(App, _django))

# Beside the first requests, which need none of it, and gone with the process.
threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
