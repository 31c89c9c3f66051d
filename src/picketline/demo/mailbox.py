"""The demo's mailbox as a process: a mail server and the pages to read what it received.

    python -m picketline.demo.mailbox --data DIR --site URL [--lmtp-port PORT]

Prints one line of JSON, ``{"smtp": PORT, "http": PORT}``, once both answer, and runs until SIGTERM
or Ctrl-C. Port 0 stands for any free one. With ``--lmtp-port`` a reader can answer as a target:
what they write is handed to ``picketline receive`` there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import threading
from pathlib import Path

from picketline.demo import labels, smtp_server, web
from picketline.demo.received import Received


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop; ``SystemExit`` says why it could not."""
    parser = argparse.ArgumentParser(prog="python -m picketline.demo.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--data", type=Path, required=True, help="keeps mail in DATA/mailbox")
    parser.add_argument("--site", required=True, help="the demo's address; only it becomes links")
    parser.add_argument("--labels", type=Path, help="file of names by address: labels.to_json")
    parser.add_argument("--lmtp-port", type=int, help="where `picketline receive --lmtp` listens")
    parser.add_argument("--ready", type=Path, help="file to write the line of JSON to as well")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except OSError as fault:
        sys.exit(f"The mailbox cannot start: {fault}")


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    known = labels.from_json(options.labels.read_text("utf-8")) if options.labels else None
    received = Received(options.data / "mailbox")
    mail, smtp_port = await smtp_server.listen(received, options.smtp_port)
    application = web.MailboxPages(
        received, options.site, known or labels.Labels(), options.lmtp_port
    )
    pages = web.server(application, options.http_port)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    _announce({"smtp": smtp_port, "http": pages.server_port}, options.ready)
    await stop.wait()
    mail.close()
    await asyncio.to_thread(pages.shutdown)
    pages.server_close()


def _announce(ports: dict[str, int], ready: Path | None) -> None:
    line = json.dumps(ports) + "\n"
    sys.stdout.write(line)
    sys.stdout.flush()
    if ready:
        draft = ready.with_name(ready.name + ".new")
        draft.write_text(line, encoding="utf-8")
        draft.replace(ready)


if __name__ == "__main__":
    main()
