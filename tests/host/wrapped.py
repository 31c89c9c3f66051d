"""A small application behind the wrappers, for a real web server; it counts what reaches it."""

import json
import os
import threading

from picketline.host.lanes import in_lanes
from picketline.host.limits import limited
from picketline.host.pagecache import cached

calls: list[str] = []


def small(environ, start):
    """Answers with what reached it; ``/page`` may be held by the cache."""
    path = environ["PATH_INFO"]
    if path == "/calls":
        body = json.dumps(calls).encode()
    else:
        calls.append(f"{environ['REQUEST_METHOD']} {path}")
        body = json.dumps(
            {
                "call": len(calls),
                "body": environ["wsgi.input"].read().decode(),
                "query": environ["QUERY_STRING"],
                "lane": threading.current_thread().name,
                "process": os.getpid(),
            }
        ).encode()
    public = [("Cache-Control", "public, max-age=60")] if path == "/page" else []
    start("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body))), *public])
    return [body]


application = cached(limited(in_lanes(small, lanes=2), 1000, senders=3), seconds=60)
