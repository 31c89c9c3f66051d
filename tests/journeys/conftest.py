"""A running demo, a browser and a way to read the mail: what a journey needs.

The demo is the real thing, started as a newcomer starts it, on free ports with a data folder of its
own; it is stopped by its own process id.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from picketline.host import postgres

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = Path("/usr/bin/chromium")
# Loopback only: without these Chromium asks the outside world at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Demo:
    """Where the running demo is."""

    site: str
    mailbox: str

    def messages(self) -> list[dict[str, Any]]:
        """Everything that has arrived, as the mailbox's JSON tells it."""
        found: list[dict[str, Any]] = json.loads(fetch(f"{self.mailbox}messages.json"))
        return found

    def wait_for(
        self, wanted: Callable[[dict[str, Any]], bool], number: int
    ) -> list[dict[str, Any]]:
        """The messages that are wanted, as soon as there are as many as expected."""
        eventually(lambda: len([m for m in self.messages() if wanted(m)]) >= number)
        return [message for message in self.messages() if wanted(message)]


def fetch(url: str) -> bytes:
    """What a program gets that follows a link of this machine."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - always our own http
        body: bytes = answer.read()
        return body


def eventually(fact: Callable[[], bool]) -> None:
    """Return once something is so that other processes bring about; fail after a minute."""
    for _ in range(600):
        if fact():
            return
        time.sleep(0.1)  # nothing here can tell us when
    raise AssertionError("it did not come true within a minute")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``./run demo`` on a fresh data folder."""
    data = tmp_path_factory.mktemp("demo")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PICKETLINE_", "COV_", "COVERAGE"))
    }
    environment |= {"PICKETLINE_DATA": str(data / "data")}
    command = [sys.executable, "-m", "picketline", "demo", "--campaigns", str(ROOT / "campaigns")]
    command += ["--port", "0", "--mailbox-port", "0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _announced(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        postgres.discard(data / "data")


def _announced(process: subprocess.Popen[str]) -> Demo:
    said = []
    places = {}
    for line in process.stdout or ():
        said.append(line)
        name, _, url = line.strip().partition(" ")
        if name in ("site", "mailbox"):
            places[name] = url
        if len(places) == 2:
            return Demo(**places)
    raise AssertionError("the demo ended before it was ready:\n" + "".join(said))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, gone with the module.

    As long as it is there Playwright has an event loop in this thread, and Django refuses to touch
    the database where one runs: in whatever test comes next.
    """
    if not CHROMIUM.exists():
        pytest.skip("needs chromium: ./run test --install")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, demo: Demo) -> Iterator[Callable[..., Page]]:
    """Opens pages in fresh, cookie-less windows that refuse to leave the machine."""
    contexts = []

    def open_one(path: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.route(
            lambda url: not url.startswith((demo.site, demo.mailbox)),
            lambda route: pytest.fail(f"the page asked another host: {route.request.url}"),
        )
        page = context.new_page()
        page.goto(demo.site + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
