"""The pages' addresses."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from quire.web.views import account, ask, documents, jobs, join, keys, library, members, oidc, sign_in, tenant, usage

urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="sign_in"),
    path("sign-in/oidc/", oidc.begin, name="oidc"),
    path("sign-in/oidc/callback/", oidc.callback, name="oidc_callback"),
    path("sign-in/<str:uidb64>/<str:token>/", sign_in.by_link, name="sign_in_by_link"),
    path("join/<str:token>/", join.join, name="join"),
    path("welcome/", account.welcome, name="welcome"),
    path("sign-out/", LogoutView.as_view(next_page="sign_in"), name="sign_out"),
    path("", library.library, name="library"),
    path("documents/rows/", library.rows, name="document_rows"),
    path("documents/choices/", ask.choices, name="document_choices"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("documents/<uuid:document_id>/standing/", documents.standing, name="document_standing"),
    path("documents/<uuid:document_id>/pages/<int:number>/", documents.page, name="document_page"),
    path("documents/<uuid:document_id>/outline/", documents.outline, name="document_outline"),
    path("documents/<uuid:document_id>/find/", documents.find, name="document_find"),
    path("documents/<uuid:document_id>/retry/", documents.retry, name="document_retry"),
    path("documents/<uuid:document_id>/delete/", documents.delete, name="document_delete"),
    path("ask/", ask.ask, name="ask"),
    path("conversations/", ask.listed, name="conversations"),
    path("conversations/<uuid:conversation_id>/newest/", ask.newest_exchange, name="newest_exchange"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("settings/tenant/", tenant.switch, name="tenant_switch"),
    path("settings/keys/", keys.keys, name="keys"),
    path("settings/keys/<uuid:key_id>/revoke/", keys.revoke, name="key_revoke"),
    path("settings/members/", members.people, name="members"),
    path("settings/members/<uuid:user_id>/role/", members.change_role, name="member_role"),
    path("settings/members/<uuid:user_id>/remove/", members.remove, name="member_remove"),
    path("settings/invitations/<uuid:invitation_id>/withdraw/", members.withdraw, name="invitation_withdraw"),
    path("settings/usage/", usage.usage, name="usage"),
    path("settings/account/", account.account, name="account"),
    path("settings/account/sessions/", account.end_other_sessions, name="end_other_sessions"),
]
