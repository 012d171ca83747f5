"""Registers the app, and has errors reported where the settings say so."""

from django.apps import AppConfig
from django.conf import settings


class OpsConfig(AppConfig):
    name = "quire.ops"
    label = "ops"

    def ready(self) -> None:
        if settings.ENV.sentry_dsn:
            from quire.ops import error_reports

            error_reports.start(dsn=settings.ENV.sentry_dsn, environment=settings.ENV.sentry_environment)
