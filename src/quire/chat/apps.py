"""Registers the app, and has it forget the words of each deleted document."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "quire.chat"
    label = "chat"

    def ready(self) -> None:
        from quire.chat import forgetting
        from quire.documents.signals import document_deleted

        document_deleted.connect(forgetting.on_deleted, dispatch_uid="chat.forgetting")
