"""`python -m safetyd`."""

from safetyd.cli import entry

entry()
