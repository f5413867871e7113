"""A real mail server on this machine whose answers a test may choose, and that may hang or hang up."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.journeys.servers import LOOPBACK, WITHIN, free_port

HANG_UP = "hang up"  # as an answer to DATA: the mail is there, and the connection ends without a word


class PostOffice:
    """Where mails arrive: `arrived` are (mailboxes, mail) that it has, whatever it answered."""

    def __init__(self) -> None:
        self.arrived: list[tuple[tuple[str, ...], EmailMessage]] = []
        self.asked: list[str] = []
        self._answers: dict[str, list[str]] = {}
        self._hang = threading.Event()
        self._hang.set()
        self._controller = Controller(self, hostname=LOOPBACK, port=free_port(), ready_timeout=WITHIN)
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def address(self, *mailboxes: str) -> str:
        """Return the apprise address that reaches these mailboxes."""
        to = ",".join(mailboxes)
        return f"mailto://{LOOPBACK}:{self.port}?to={to}&from=safetyd@school.example&mode=insecure"

    def answer(self, what: str, *answers: str) -> None:
        """Answer so to the next mails to a mailbox, or to the next ends of a mail ("DATA")."""
        self._answers[what] = list(answers)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take mails meanwhile, and say nothing more."""
        self._hang.clear()
        try:
            yield
        finally:
            self._hang.set()

    def mails_for(self, mailbox: str) -> list[EmailMessage]:
        return [mail for mailboxes, mail in self.arrived if mailbox in mailboxes]

    def close(self) -> None:
        self._hang.set()
        self._controller.stop(no_assert=True)

    # what the server asks of its handler

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        self.asked.append(address)
        answers = self._answers.get(address)
        said = answers.pop(0) if answers else "250 OK"
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answers = self._answers.get("DATA")
        said = answers.pop(0) if answers else "250 OK"
        if said.startswith("250") or said == HANG_UP:
            mail = message_from_bytes(envelope.content, policy=default)
            self.arrived.append((tuple(envelope.rcpt_tos), mail))  # type: ignore[arg-type]
        while not self._hang.is_set():
            await asyncio.sleep(0.02)
        if said == HANG_UP:
            server.transport.abort()
        return said
