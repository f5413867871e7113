"""What can go wrong with the demonstration's own broker."""

from safetyd.core.errors import SafetydError


class BrokerError(SafetydError):
    """The broker did not start; the message is a sentence for the user."""
