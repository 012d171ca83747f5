"""Registers the app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "quire.chat"
    label = "chat"
