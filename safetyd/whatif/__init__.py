"""What would have been under other rules: the record judged again, and nothing kept of it."""
