"""Decides, and does nothing else: values in, values out, no I/O, no clock, no logging."""
