"""What templates of this app may load."""
