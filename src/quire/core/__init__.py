"""What Quire does, as plain functions over ports: no Django, no Celery, no vendor."""
