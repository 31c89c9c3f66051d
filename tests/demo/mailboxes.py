"""The demo's mailbox as its users meet it: a process with a mail server and pages."""

import json
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from picketline.demo import labels

SITE = "http://127.0.0.1:8000"
SOURCES = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Page:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Mailbox:
    """A running mailbox, known by its ports."""

    smtp: int
    http: int

    def send(self, message: bytes, *recipients: str, sender: str = "post@picketline.example"):
        """Hand a message over; returns the recipients that were refused."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as client:
            return client.sendmail(sender, recipients, message)

    @property
    def origin(self) -> str:
        """What a browser calls the mailbox's own pages."""
        return f"http://127.0.0.1:{self.http}"

    def get(self, path: str, method: str = "GET", host: str | None = None) -> Page:
        """Ask for a page, if need be under another host name."""
        return self._ask(method, path, {"Host": host} if host else {})

    def post(self, path: str, fields: dict[str, str], **headers: str | None) -> Page:
        """Send a form as a browser does from the mailbox's own page; None leaves a header out."""
        sent: dict[str, str | None] = {
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        chosen = {name: value for name, value in sent.items() if value is not None}
        return self._ask("POST", path, chosen, urlencode(fields).encode())

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Page:
        connection = HTTPConnection("127.0.0.1", self.http, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Page(answer.status, named, answer.read())
        finally:
            connection.close()

    def messages(self) -> list[dict[str, Any]]:
        """What programs are told, oldest first."""
        return json.loads(self.get("/messages.json").body)


@contextmanager
def running(
    data: Path, known: labels.Labels | None = None, lmtp_port: int | None = None
) -> Iterator[Mailbox]:
    """The mailbox on this data folder, until the end of the block."""
    names = data / "labels.json"
    names.write_text(labels.to_json(known or labels.Labels()), encoding="utf-8")
    command = [sys.executable, "-m", "picketline.demo.mailbox", "--data", str(data)]
    command += ["--lmtp-port", str(lmtp_port)] if lmtp_port else []
    child = subprocess.Popen(
        [*command, "--site", SITE, "--labels", str(names), "--ready", str(data / "ready.json")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )
    assert child.stdout is not None
    try:
        yield Mailbox(**json.loads(child.stdout.readline()))
    finally:
        child.terminate()
        child.wait(20)
        child.stdout.close()
