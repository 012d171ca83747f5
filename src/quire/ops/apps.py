"""Registers the app."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "quire.ops"
    label = "ops"
