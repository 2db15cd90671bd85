"""One report to one destination. An error never holds an address, a password or a webhook's URL."""

import json
import shutil
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Self

import httpx2

from orchestration.deliveries.destinations import Chat, Destination, Folder, Mail
from store import clock

ATTACHED = (
    ("pdf", "application", "pdf"),
    ("xlsx", "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text", "html"),
)
"""By format, with media type; the page goes along only where there is no PDF."""


class NotDelivered(Exception):
    """The destination did not take the report."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: the files of a report, and its story in words."""

    week: str
    version: str
    subject: str
    story: tuple[tuple[str, str], ...]
    files: dict[str, Path]

    @classmethod
    def of_report(cls, directory: Path, week: str) -> Self:
        """From what `write_weekly_report` left; FileNotFoundError if it did not."""
        entry = json.loads((directory / "report.json").read_text(encoding="utf-8"))
        headline = " ".join(entry["headline"].split())
        return cls(
            week=week,
            version=entry["version"],
            subject=f"Demo city: {headline}" if entry["is_demo"] else headline,
            story=tuple((lead, text) for lead, text in entry["story"]),
            files={kind: directory / name for kind, name in entry["files"].items()},
        )

    @property
    def text(self) -> str:
        """The story as plain text."""
        parts = [f"Weekly friction report {self.week}", *(f"{lead}: {text}" for lead, text in self.story)]
        return "\n\n".join(parts)


def send(message: Message, destination: Destination, name: str, recipient: str = "") -> None:
    """Raises `NotDelivered` if the destination did not take it; `name` tells one delivery from others."""
    try:
        match destination:
            case Folder():
                _to_folder(message, destination)
            case Mail():
                _by_mail(message, destination, name, recipient)
            case Chat():
                _to_chat(message, destination)
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"the mail server answered {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused:
        raise NotDelivered("the mail server refused the recipient") from None
    except httpx2.HTTPStatusError as error:
        raise NotDelivered(f"the chat answered {error.response.status_code}") from None
    except (OSError, smtplib.SMTPException, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotDelivered(f"no delivery ({type(error).__name__})") from None


def _to_folder(message: Message, folder: Folder) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    for kind, path in sorted(message.files.items()):
        target = folder.path / f"friction-report-{message.week}.{kind}"
        draft = target.with_name(f".{target.name}.draft")
        shutil.copyfile(path, draft)
        draft.replace(target)


def _by_mail(message: Message, mail: Mail, name: str, recipient: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = mail.sender, recipient, message.subject
    letter["Date"] = format_datetime(clock.now())
    # The same again after a kill: who got it already sees one.
    letter["Message-ID"] = f"<friction-report-{message.week}.{name}@{mail.sender.rpartition('@')[2].strip('> ')}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    for kind, main, sub in ATTACHED:
        if kind in message.files and not (kind == "html" and "pdf" in message.files):
            content = message.files[kind].read_bytes()
            letter.add_attachment(content, main, sub, filename=f"friction-report-{message.week}.{kind}")
    with _connection(mail) as server:
        if mail.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if mail.user and mail.password:
            server.login(mail.user, mail.password)
        server.send_message(letter)


def _connection(mail: Mail) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=mail.timeout_seconds, context=ssl.create_default_context()
        )
    return smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)


def _to_chat(message: Message, chat: Chat) -> None:
    text = "\n\n".join(
        [f"*{_plain(message.subject)}*", *(f"*{_plain(lead)}:* {_plain(text)}" for lead, text in message.story)]
    )
    answer = httpx2.post(chat.url, json={"text": text}, timeout=chat.timeout_seconds, follow_redirects=False)
    answer.raise_for_status()


def _plain(text: str) -> str:
    """Text in which a chat finds no mention, link or format of its own: `<!channel>` and `@here` reach nobody."""
    for mark, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b"), ("*", "∗"), ("`", "'")):
        text = text.replace(mark, written)
    return text
