"""What was, over years."""
