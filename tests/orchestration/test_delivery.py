"""The weekly report reaches a folder, a mail server and a chat, once each, and no secret leaves the settings."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestration.deliveries import DeliveryFailed, deliver
from orchestration.deliveries.destinations import DeliverySettingsInvalid, read_destinations
from store import clock
from store.settings import Settings

WEEK = "2026-W47"
SECRET = "hush-7f3a"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state directory with one written report."""
    settings = Settings.at(tmp_path / "var")
    directory = settings.reports_dir / WEEK
    directory.mkdir(parents=True)
    for kind in ("html", "pdf", "xlsx"):
        (directory / f"friction-report.{kind}").write_bytes(f"the {kind} of {WEEK}".encode())
    entry = {
        "period": WEEK,
        "headline": "Payment failure cost most:\n₹9.8 lakh.",
        "story": [["What happened", "232 incidences came in."], ["Fix first", "<!channel> @here *now* <script>"]],
        "version": "v00000007",
        "is_demo": True,
        "files": {kind: f"friction-report.{kind}" for kind in ("html", "pdf", "xlsx")},
    }
    (directory / "report.json").write_text(json.dumps(entry))
    return settings


def configure(settings: Settings, text: str) -> None:
    settings.delivery_file.write_text(text)


@dataclass
class MailServer:
    """A mail server that wants STARTTLS and a password, and keeps what it gets."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return f"550 no mailbox {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(message_from_bytes(content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    at = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "server.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def mail(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = MailServer(free.getsockname()[1])

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: Any) -> AuthResult:
        return AuthResult(success=login.password == SECRET.encode(), handled=False)

    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        tls_context=context,
        require_starttls=True,
        authenticator=check,
        auth_required=True,
    )
    controller.start()
    yield server
    controller.stop()


@dataclass
class ChatServer:
    url: str
    answers: list[int] = field(default_factory=list)
    """Statuses to answer with, the last one for good."""
    texts: list[str] = field(default_factory=list)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = known.answers.pop(0) if len(known.answers) > 1 else known.answers[0]
            if status == 200:
                known.texts.append(json.loads(body)["text"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    known = ChatServer(f"http://127.0.0.1:{server.server_port}/{SECRET}", [200])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


def mail_settings(server: MailServer, password: str = SECRET) -> str:
    return (
        f'[mail.product]\nhost = "127.0.0.1"\nport = {server.port}\nsender = "Supportled <reports@example.org>"\n'
        f'recipients = ["a@example.org", "b@example.org"]\nuser = "reports"\npassword = "{password}"\n'
    )


def test_nothing_is_delivered_unless_configured(settings: Settings) -> None:
    assert deliver(settings, WEEK).now == []
    assert not settings.deliveries_dir.exists()


def test_a_folder_gets_the_files_under_the_name_of_the_week(settings: Settings, tmp_path: Path) -> None:
    configure(settings, f'[folder.team]\npath = "{tmp_path / "shared"}"\n')
    assert deliver(settings, WEEK).now == ["folder.team"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "shared").iterdir()} == {
        f"friction-report-{WEEK}.{kind}": f"the {kind} of {WEEK}".encode() for kind in ("html", "pdf", "xlsx")
    }


def test_each_recipient_gets_one_letter_with_pdf_and_workbook(settings: Settings, mail: MailServer) -> None:
    configure(settings, mail_settings(mail))
    assert len(deliver(settings, WEEK).now) == 2
    again = deliver(settings, WEEK)
    assert (again.now, len(again.before)) == ([], 2)
    assert sorted(mail.recipients) == ["a@example.org", "b@example.org"]
    letter = mail.letters[0]
    assert letter["Subject"] == "Demo city: Payment failure cost most: ₹9.8 lakh."
    assert letter["To"] == "a@example.org"
    body = letter.get_body()
    assert isinstance(body, EmailMessage)
    assert "What happened: 232 incidences came in." in body.get_content()
    assert {part.get_filename(): part.get_content() for part in letter.iter_attachments()} == {
        f"friction-report-{WEEK}.{kind}": f"the {kind} of {WEEK}".encode() for kind in ("pdf", "xlsx")
    }


def test_a_refused_recipient_does_not_keep_the_others_from_it(settings: Settings, mail: MailServer) -> None:
    configure(settings, mail_settings(mail))
    mail.refused = {"a@example.org"}
    with pytest.raises(DeliveryFailed, match="refused the recipient") as told:
        deliver(settings, WEEK)
    assert "a@example.org" not in str(told.value)
    assert mail.recipients == ["b@example.org"]
    mail.refused = set()
    assert len(deliver(settings, WEEK).now) == 1
    assert mail.recipients == ["b@example.org", "a@example.org"]
    first, *others = [letter["Message-ID"] for letter in mail.letters]
    assert first not in others


def test_a_wrong_password_is_told_by_the_servers_number_alone(settings: Settings, mail: MailServer) -> None:
    configure(settings, mail_settings(mail, password="wrong-9c"))
    with pytest.raises(DeliveryFailed, match="the mail server answered 535") as told:
        deliver(settings, WEEK)
    assert "wrong-9c" not in str(told.value)
    assert mail.letters == []


def test_a_server_that_nobody_vouches_for_gets_no_letter(
    settings: Settings, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    configure(settings, mail_settings(mail))
    with pytest.raises(DeliveryFailed, match="SSLCertVerificationError"):
        deliver(settings, WEEK)
    assert mail.letters == []


def test_a_chat_is_told_in_words_that_mention_nobody(settings: Settings, chat: ChatServer) -> None:
    configure(settings, f'[chat.product]\nurl = "{chat.url}"\n')
    assert deliver(settings, WEEK).now == ["chat.product"]
    assert deliver(settings, WEEK).before == ["chat.product"]
    (text,) = chat.texts
    assert text.startswith("*Demo city: Payment failure cost most: ₹9.8 lakh.*")
    assert "*What happened:* 232 incidences came in." in text
    assert "<" not in text
    assert "@here" not in text


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_chat_that_refuses_is_asked_again_next_time(settings: Settings, chat: ChatServer, status: int) -> None:
    configure(settings, f'[chat.product]\nurl = "{chat.url}"\n')
    chat.answers[:] = [status, 200]
    with pytest.raises(DeliveryFailed, match=rf"chat.product: the chat answered {status}") as told:
        deliver(settings, WEEK)
    assert SECRET not in str(told.value)
    assert told.value.__context__ is None or SECRET not in str(told.value.__context__)
    assert deliver(settings, WEEK).now == ["chat.product"]
    assert len(chat.texts) == 1


def test_a_destination_that_is_down_leaves_the_others_alone(
    settings: Settings, chat: ChatServer, tmp_path: Path
) -> None:
    configure(
        settings,
        f'[chat.gone]\nurl = "http://127.0.0.1:9/{SECRET}"\n[folder.team]\npath = "{tmp_path / "shared"}"\n',
    )
    with pytest.raises(DeliveryFailed, match=r"chat\.gone: no delivery") as told:
        deliver(settings, WEEK)
    assert SECRET not in str(told.value)
    assert len(list((tmp_path / "shared").iterdir())) == 3


def test_two_runs_at_once_deliver_once(settings: Settings, chat: ChatServer) -> None:
    configure(settings, f'[chat.product]\nurl = "{chat.url}"\n')
    threads = [threading.Thread(target=deliver, args=(settings, WEEK)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chat.texts) == 1


def test_a_week_without_a_report_is_not_delivered(settings: Settings, chat: ChatServer) -> None:
    configure(settings, f'[chat.product]\nurl = "{chat.url}"\n')
    with pytest.raises(FileNotFoundError):
        deliver(settings, "2026-W01")
    assert chat.texts == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[mail.x]\nport = 1\n", "mail.x.* lacks"),
        ('[chat.x]\nurl = "http://example.org/secret-9"\n', "begins with https"),
        ('[chat.x]\nurl = "https://example.org/secret-9"\nretries = 3\n', "unknown line 'retries'"),
        ('[pigeon.x]\ncity = "Pune"\n', "none of folder, mail, chat"),
        ('[folder]\npath = "/x"\n', "is no table"),
        ("[folder", "cannot be read"),
        (
            '[mail.x]\nhost = "h"\nport = 25\nsender = "a@b"\nrecipients = ["c@d"]\nsecurity = "none"\npassword = "secret-9"\n',
            "in the clear",
        ),
        (
            '[mail.x]\nhost = "h"\nport = 25\nsender = "a@b"\nrecipients = ["c@d"]\nsecurity = "ssl"\n',
            "security is one",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named_without_a_secret(settings: Settings, text: str, told: str) -> None:
    configure(settings, text)
    with pytest.raises(DeliverySettingsInvalid, match=told) as refused:
        read_destinations(settings)
    assert "secret-9" not in str(refused.value)


def test_secrets_are_not_shown_with_the_rest_of_a_destination(settings: Settings, mail: MailServer) -> None:
    configure(settings, mail_settings(mail) + f'[chat.x]\nurl = "https://example.org/{SECRET}"\n')
    assert SECRET not in repr(read_destinations(settings))
