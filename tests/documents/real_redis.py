"""A Redis that tests start, kill, wipe and look into."""

from __future__ import annotations

import json
import subprocess
import time
from uuid import UUID

import redis
from django.conf import settings

from quire.ops.supervisor import redis_server

QUEUE = f"{settings.ENV.redis_prefix}:celery"


class RealRedis:
    """A Redis at the socket that the settings name."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis.from_url(settings.ENV.redis(0))

    def start(self) -> None:
        socket = settings.ENV.redis_socket
        command = redis_server.command(
            redis_server.find_binary(), folder=settings.DATA_DIR / "redis", socket_path=socket
        )
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not redis_server.is_answering(socket):
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self.client.close()

    def take(self) -> bytes | None:
        """The oldest message, as a worker takes it."""
        message: bytes | None = self.client.rpop(QUEUE)
        return message

    def put(self, message: bytes) -> None:
        """A message, once more."""
        self.client.lpush(QUEUE, message)

    def task_ids(self) -> list[UUID]:
        """The messages in the queue, by their task's id."""
        sent = self.client.lrange(QUEUE, 0, -1)
        return [task_id(message) for message in sent]


def task_id(message: bytes) -> UUID:
    return UUID(json.loads(message)["headers"]["id"])
