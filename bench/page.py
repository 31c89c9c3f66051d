"""The campaign page as a visitor gets it, beside the least that Django can answer.

Each is a granian of its own with one worker; one is loaded while the others wait.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import load, rounds
from bench.installation import SLUG
from picketline.host import web
from picketline.host.processes import Company, free_port, listens

SECONDS = 2.0
PAGE = f"/en/campaigns/{SLUG}/"
OURS, LIMIT, UNCACHED = "campaign page", "minimal Django view", "campaign page without its cache"
_APPLICATIONS = {
    OURS: (web.APPLICATION, PAGE, {}),
    LIMIT: ("bench.minimal:application", "/", {"DJANGO_SETTINGS_MODULE": ""}),
    UNCACHED: ("bench.uncached:application", PAGE, {}),
}


def measure(size: rounds.Size) -> rounds.Report:
    """Answers per second, all of them 200."""
    seconds = SECONDS * size.share
    with tempfile.TemporaryDirectory() as logs, Company(Path(logs)) as company:
        contenders: dict[str, rounds.Contender] = {}
        pages: dict[str, bytes] = {}
        for name, (application, path, changes) in _APPLICATIONS.items():
            port = free_port(0)
            command = web.command(sys.executable, port=port, workers=1, application=application)
            company.start(name, command, {**os.environ, **changes})
            company.wait_for(name, partial(listens, port))
            pages[name] = _page(port, path)
            contenders[name] = partial(_loaded, port, path, seconds)
        if pages[OURS] != pages[UNCACHED] or SLUG.encode() not in pages[OURS]:
            sys.exit("The pages compared are not the campaign's.")
        details = {
            "page": f"{len(pages[OURS]):,} bytes, the minimal view's {len(pages[LIMIT])}",
            "load": f"pipelining socket client in another process, {load.CONNECTIONS} connections"
            f" with {load.DEPTH} requests each on their way, {seconds} s a round",
        }
        return rounds.report("page", "answers", contenders, size, aim=2.0, details=details)


def _page(port: int, path: str) -> bytes:
    """The page, asked for more than once so that what is made only once is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(20):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            sys.exit(f"{path} was answered with {answer.status}.")
    connection.close()
    return body


def _loaded(port: int, path: str, seconds: float) -> float:
    command = [sys.executable, "-m", "bench.load", str(port), path, str(seconds)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
