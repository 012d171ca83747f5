"""What operators need: health, metrics, checks."""
