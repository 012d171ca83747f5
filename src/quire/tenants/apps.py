"""Registers the app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "quire.tenants"
    label = "tenants"
