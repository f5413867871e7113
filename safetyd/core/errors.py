"""What can go wrong in a decision, each said in one sentence that names the thing and the mend."""

from collections.abc import Mapping


class SafetydError(Exception):
    """Base of every error whose text is written for people."""


class TransitionError(SafetydError):
    """An action that the ticket's state does not allow; nothing has changed."""


class ActionError(SafetydError):
    """An action that lacks a key, or carries a name or value nobody knows; nothing has changed."""


class SomeRefusedError(ActionError):
    """Some of several tickets were refused: `each` says why, by the ticket's id; the others are done."""

    def __init__(self, each: Mapping[str, str], *, is_any_done: bool) -> None:
        super().__init__("; ".join(each.values()) + ("; the others are done" if is_any_done else ""))
        self.each = dict(each)
