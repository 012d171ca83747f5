"""Documents from upload to deletion: what they are, and the road they take."""
