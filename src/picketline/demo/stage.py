"""``picketline demo``: the whole product on one machine, with a mailbox to read what arrives.

Everything is real: the public web process without private keys, the worker, what takes in mail,
PostgreSQL, and a mail server that stands for everybody's. Only loopback addresses are used.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from picketline.demo import labels
from picketline.host import postgres, web
from picketline.host.processes import ChildEnded, Company, NotReady, free_port, listens

SITE_PORT, MAILBOX_PORT = 8000, 8025


class SetUpFailed(Exception):
    """A step of setting up did not work; the message quotes it."""


def run(arguments: list[str]) -> None:
    """Set up and serve until Ctrl-C. A second run finds everything and starts in seconds."""
    parser = argparse.ArgumentParser(prog="picketline demo", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget everything and begin anew")
    parser.add_argument("--campaigns", type=Path, default=None, help="folder of campaign folders")
    parser.add_argument("--port", type=int, default=SITE_PORT, help="of the site, if it is free")
    parser.add_argument("--mailbox-port", type=int, default=MAILBOX_PORT, help="of the mailbox")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("PICKETLINE_DATA", "var/demo"))
    try:
        _play(data.absolute(), options)
    except (SetUpFailed, ChildEnded, NotReady) as trouble:
        sys.exit(f"picketline demo: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)


def _play(data: Path, options: argparse.Namespace) -> None:
    own_server = "DATABASE_URL" not in os.environ and "DATABASE_URL_FILE" not in os.environ
    if options.fresh:
        _forget(data, own_server=own_server)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    server: Any = postgres.start(data) if own_server else nullcontext()
    with server, Company(data / "logs") as company:
        site = f"http://127.0.0.1:{_port(_last_port(data, options.port))}"
        lmtp_port = free_port(0)
        ports = _start_mailbox(company, data, site, lmtp_port, options)
        environment = _environment(data, site, ports["smtp"])
        _set_up(environment, options.campaigns, emptied=options.fresh and not own_server)
        port = int(site.rpartition(":")[2])
        (data / "site-port").write_text(str(port), encoding="ascii")
        company.start("web", web.command(sys.executable, port=port), _as(environment, "public"))
        receive = _picketline("receive", "--lmtp", f"127.0.0.1:{lmtp_port}")
        company.start("receive", receive, _as(environment, "worker"))
        company.start("worker", _picketline("worker"), _as(environment, "worker"))
        company.wait_for("web", lambda: _answers(f"{site}/healthz"))
        company.wait_for("receive", lambda: listens(lmtp_port))
        _say(f"site {site}/", f"mailbox http://127.0.0.1:{ports['http']}/", "", "Ctrl-C ends it.")
        company.serve()
        _say("", "Stopping …")


def _last_port(data: Path, preferred: int) -> int:
    """The port of the last time, if nothing else is asked: links in mails that are kept name it."""
    kept = data / "site-port"
    if preferred == SITE_PORT and kept.exists():
        return int(kept.read_text(encoding="ascii"))
    return preferred


def _port(preferred: int) -> int:
    port = free_port(preferred)
    if preferred not in (0, port):
        _say(f"Port {preferred} is in use; taking {port} instead.")
    return port


def _environment(data: Path, site: str, smtp_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "picketline.settings",
        "PICKETLINE_DATA": str(data),
        "PICKETLINE_SITE_URL": site,
        "PICKETLINE_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PICKETLINE_SMTP_DIRECT": "true",
        "PICKETLINE_COUNTER_SECONDS": "1",
        # Whoever tries it out wants to see the letters arrive, not wait as a real office would.
        "PICKETLINE_TARGET_PER_MINUTE": "0",
        "PICKETLINE_DOMAIN_PER_MINUTE": "0",
    }


def _as(environment: dict[str, str], process: str) -> dict[str, str]:
    return {**environment, "PICKETLINE_PROCESS": process}


def _picketline(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "picketline", *arguments]


def _start_mailbox(
    company: Company, data: Path, site: str, lmtp_port: int, options: argparse.Namespace
) -> dict[str, int]:
    ready = data / "mailbox.json"
    ready.unlink(missing_ok=True)
    known = data / "mailbox-labels.json"
    known.write_text(labels.to_json(labels.of_campaigns(options.campaigns)), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "picketline.demo.mailbox", "--smtp-port", "0"),
        *("--http-port", str(_port(options.mailbox_port)), "--data", str(data), "--site", site),
        *("--labels", str(known), "--ready", str(ready), "--lmtp-port", str(lmtp_port)),
    ]
    company.start("mailbox", command, os.environ)
    company.wait_for("mailbox", ready.exists)
    found: dict[str, int] = json.loads(ready.read_text(encoding="utf-8"))
    return found


def _set_up(environment: dict[str, str], campaigns: Path | None, *, emptied: bool) -> None:
    _step(environment, "owner", "prepare")
    if emptied:  # the embedded database was discarded as a whole; a given one is only emptied
        _step(environment, "owner", "flush", "--noinput")
    _step(environment, "owner", "collectstatic", "--noinput", "--verbosity", "0")
    for folder in sorted(campaigns.iterdir()) if campaigns else []:
        if (folder / "campaign.yaml").exists():
            _step(environment, "desk", "campaign", "load", str(folder), "--open")


def _step(environment: dict[str, str], process: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - commands of ours, no shell
        _picketline(*arguments),
        env=_as(environment, process),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetUpFailed(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback page
            return bool(answer.status == 200)
    except OSError:
        return False


def _forget(data: Path, *, own_server: bool) -> None:
    if own_server:
        postgres.discard(data)
    for name in ("keys", "mailbox", "static", "logs"):
        shutil.rmtree(data / name, ignore_errors=True)
    (data / "site-port").unlink(missing_ok=True)


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
