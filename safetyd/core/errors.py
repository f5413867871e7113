"""What can go wrong in a decision, each said in one sentence that names the thing and the mend."""


class SafetydError(Exception):
    """Base of every error whose text is written for people."""


class TransitionError(SafetydError):
    """An action that the ticket's state does not allow; nothing has changed."""


class ActionError(SafetydError):
    """An action that lacks a key, or carries a name or value nobody knows; nothing has changed."""
