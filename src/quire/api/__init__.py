"""The doors for machines: HTTP and the task queue. Thin: services do the work."""
