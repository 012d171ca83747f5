"""The technologies behind the ports of `core.ports`: one folder a role, one file a technology."""
