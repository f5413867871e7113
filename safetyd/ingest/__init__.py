"""Bytes to observations: what arrived on which topic, and what it says."""
