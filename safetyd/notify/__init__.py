"""Tells people: words first, then the way to them."""
