"""Hands a mail to an SMTP server and listens to what it says of each mailbox; the only door to smtplib.

Rule: what a server refuses for good (5xx) is told from what may pass (4xx, no connection), and both from what
nobody knows: a connection that ends before the last answer. The answer is in words of ours, with no address.
"""

import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from typing import NamedTuple

from safetyd.notify.request import why_not
from safetyd.store.attempts import Answer, Result

TIMEOUT_S = 30.0  # for each answer
_GOODBYE_S = 2.0
_MARK = 12
_FULL = 552  # the mailbox is: its owner may make room
_MEANINGS = {  # RFC 3463, without the class
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.3": "the address is not well formed",
    "1.6": "the mailbox has moved",
    "1.10": "the domain takes no mail",
    "2.1": "the mailbox is closed",
    "2.2": "the mailbox is full",
    "2.3": "the mail is too long for it",
    "3.4": "the mail is too long for it",
    "4.4": "no way leads there",
    "5.3": "too many mailboxes at once",
    "7.1": "it does not let us",
    "7.8": "name or password are wrong",
}


@dataclass(frozen=True, slots=True)
class Post:
    """An SMTP server, and from whom to whom it is to bring mail: (name or nothing, address) each.

    `security` is "insecure", "starttls" or "ssl".
    """

    host: str = field(repr=False)
    port: int
    sender: tuple[str, str] = field(repr=False)
    to: tuple[tuple[str, str], ...] = field(repr=False)
    cc: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    bcc: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    reply_to: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    security: str = "insecure"
    is_verified: bool = True
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Every mailbox once."""
        return tuple(dict.fromkeys(address for _, address in (*self.to, *self.cc, *self.bcc)))


class Mail(NamedTuple):
    """What is said, in plain text and in HTML (or nothing), and `id`, the same however often it is sent."""

    id: str
    at: datetime
    title: str
    text: str
    html: str = ""


class _Said(NamedTuple):
    """A server's answer: its code, and the code of RFC 3463 in it without the class, if there is one."""

    code: int
    detail: str

    @property
    def is_lasting(self) -> bool:
        return 500 <= self.code < 600 and self.code != _FULL and self.detail != "2.2"

    @property
    def words(self) -> str:
        detail = f" {self.code // 100}.{self.detail}" if self.detail else ""
        meaning = _MEANINGS.get(self.detail, "")
        return f"the mail server answered {self.code}{detail}" + (f": {meaning}" if meaning else "")


def send(
    post: Post, mail: Mail, settled: frozenset[str] = frozenset(), timeout_s: float = TIMEOUT_S
) -> Answer:
    """Bring a mail to the mailboxes that are not settled yet; return what became of it. It raises nothing."""
    owed = {_mark(mailbox): mailbox for mailbox in post.mailboxes}
    owed = {mark: mailbox for mark, mailbox in owed.items() if not {f"+{mark}", f"-{mark}"} & settled}
    is_under_way = False
    connection: smtplib.SMTP | None = None
    try:
        body = message(post, mail).as_bytes()
        connection = _connected(post, timeout_s)
        said = {mark: _Said(0, "") for mark in owed}
        is_plain = all(each.isascii() for each in (post.sender[1], *owed.values()))
        if not is_plain:
            connection.command_encoding = "utf-8"
        began = _said(connection.mail(post.sender[1], () if is_plain else ("SMTPUTF8",)))
        if began.code != 250:
            return Answer(Result.REFUSED if began.is_lasting else Result.FAILED, began.words, None, settled)
        said = {mark: _said(connection.rcpt(mailbox)) for mark, mailbox in owed.items()}
        taken = [mark for mark, each in said.items() if each.code in (250, 251)]
        if taken:
            is_under_way = True
            ended = _said(connection.data(body))
            is_under_way = False
            said.update(dict.fromkeys(taken, ended))
        return _summed_up(said, settled)
    except smtplib.SMTPDataError as error:  # it would not have the mail, whoever it is for
        ended = _said((error.smtp_code, error.smtp_error))
        return Answer(Result.REFUSED if ended.is_lasting else Result.FAILED, ended.words, None, settled)
    except smtplib.SMTPAuthenticationError as error:
        ended = _said((error.smtp_code, error.smtp_error))
        return Answer(Result.FAILED, f"the login failed: {ended.words}", None, settled)
    except Exception as error:
        why = _why(error, timeout_s)
        if is_under_way:
            return Answer(Result.UNKNOWN, f"it may have arrived: {why}", None, settled)
        return Answer(Result.FAILED, why, None, settled)
    finally:
        if connection is not None:
            _part(connection)


def message(post: Post, mail: Mail) -> EmailMessage:
    """Return the mail as it goes over the wire."""
    made = EmailMessage(policy=SMTP)
    made["From"] = _addresses([post.sender])
    made["To"] = _addresses(post.to)
    if post.cc:
        made["Cc"] = _addresses(post.cc)
    if post.reply_to:
        made["Reply-To"] = _addresses(post.reply_to)
    made["Subject"] = " ".join(mail.title.split())
    made["Date"] = format_datetime(mail.at)
    domain = post.sender[1].rpartition("@")[2]
    made["Message-ID"] = f"<{sha256(mail.id.encode()).hexdigest()[:32]}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    for name, value in post.headers.items():
        if name not in made:
            made[name] = " ".join(value.split())
    made.set_content(mail.text)
    if mail.html:
        made.add_alternative(mail.html, subtype="html")
    return made


def _addresses(pairs: Iterable[tuple[str, str]]) -> list[Address]:
    return [Address(display_name=name, addr_spec=address) for name, address in pairs]


def _connected(post: Post, timeout_s: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not post.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if post.security == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(post.host, post.port, timeout=timeout_s, context=context)
    else:
        connection = smtplib.SMTP(post.host, post.port, timeout=timeout_s)
    try:
        if post.security == "starttls":
            connection.starttls(context=context)
        if post.user and post.password:
            connection.login(post.user, post.password)
        connection.ehlo_or_helo_if_needed()
    except BaseException:
        _part(connection)
        raise
    return connection


def _part(connection: smtplib.SMTP) -> None:
    """Say good-bye; what became of the mail is known by now, so nothing that fails here matters."""
    with suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(_GOODBYE_S)
            connection.quit()
    connection.close()


def _summed_up(said: Mapping[str, _Said], before: frozenset[str]) -> Answer:
    """Return what the answers come to: nothing is left to do, or some mailboxes are owed another attempt."""
    taken = {f"+{mark}" for mark, each in said.items() if each.code in (250, 251)}
    refused = {f"-{mark}" for mark, each in said.items() if each.is_lasting}
    settled = frozenset(before | taken | refused)
    left = [each for each in said.values() if each.code not in (250, 251) and not each.is_lasting]
    no = next((each.words for each in said.values() if each.is_lasting), "")
    has_any = any(mark.startswith("+") for mark in settled)
    count = len(said) + len(before)
    partly = f"{len(refused)} of {count} mailboxes: {no}" if refused and (has_any or left) else ""
    if left:
        return Answer(Result.FAILED, left[0].words, None, settled, partly)
    if not has_any:
        return Answer(Result.REFUSED, no, None, settled)
    return Answer(
        Result.ACCEPTED, f"accepted, but not by {partly}" if partly else "accepted", None, settled, partly
    )


def _said(answer: tuple[int, bytes | str]) -> _Said:
    code, text = answer
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    found = re.match(r"[245]\.(\d{1,3}\.\d{1,3})\b", text.strip())
    return _Said(code, found[1] if found else "")


def _mark(mailbox: str) -> str:
    return sha256(mailbox.encode()).hexdigest()[:_MARK]


def _why(error: Exception, timeout_s: float) -> str:
    match error:
        case smtplib.SMTPServerDisconnected():
            inner = error.__context__ or error.__cause__
            is_late = isinstance(inner, TimeoutError) or "timed out" in str(error)
            return f"no answer within {timeout_s:.3g} s" if is_late else "the mail server hung up"
        case smtplib.SMTPNotSupportedError():
            return "the mail server offers no such encryption or login"
        case smtplib.SMTPResponseException():
            return _said((error.smtp_code, error.smtp_error)).words
    return why_not(error, timeout_s)
