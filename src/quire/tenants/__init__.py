"""Who is asking, and whose documents they may see."""
