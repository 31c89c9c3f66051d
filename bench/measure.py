"""A benchmark's own process: ``python -m bench.measure NAME --rounds N --share S``.

Prints the benchmark's table, then everything as one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json

import django

from bench.rounds import Report, Size


def main() -> None:
    """Django is set up before the benchmark is imported, as models demand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--share", type=float, required=True)
    options = parser.parse_args()
    django.setup()
    benchmark = importlib.import_module(f"bench.{options.name}")
    found: Report = benchmark.measure(Size(options.rounds, options.share))
    print(*found.lines(), json.dumps(found.as_json(), ensure_ascii=False), sep="\n")


if __name__ == "__main__":
    main()
