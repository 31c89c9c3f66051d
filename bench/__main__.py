"""``./run bench [NAME ...]``: measures, prints, writes JSON; no figure makes it fail.

Nothing here is a gate: what a figure means depends on what else the machine does. Each benchmark
runs in a process and on a database of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.installation import ROOT, installation

# Name: the process it measures, and whether the database waits for the disk. Signing is compared
# with another user of the same database: waiting, the same for both, would flatter the ratio.
# Delivering is compared with something that has no database: not waiting would flatter it.
BENCHMARKS = {
    "page": ("public", False),
    "sign": ("public", False),
    "deliver": ("worker", True),
    "signed": ("worker", True),
    "durable": ("worker", True),
    "workers": ("worker", True),
    "backlog": ("worker", True),
}


def main() -> None:
    """Run the benchmarks asked for, all of them by default."""
    options = _options()
    found: dict[str, Any] = {}
    for name in options.names or BENCHMARKS:
        print(f"— {name} …", flush=True)
        found[name] = _measured(name, options)
        print(flush=True)
    if options.json is not None:
        _write(options.json, found)
        return
    for name, told in found.items():
        _write(ROOT / "var" / "bench" / f"{name}.json", told)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual work (1.0)")
    parser.add_argument("--json", type=Path, help="one file for all, not var/bench/NAME.json")
    return parser.parse_args()


def _measured(name: str, options: argparse.Namespace) -> Any:
    """What the benchmark's own process says; its table goes to our output as it comes."""
    process, durable = BENCHMARKS[name]
    with installation(process, durable=durable) as environment:
        size = ["--rounds", str(options.rounds), "--share", str(options.share)]
        command = [sys.executable, "-m", "bench.measure", name, *size]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
    if done.returncode:
        print(f"{name} broke off with status {done.returncode}.")
        return {"name": name, "broke_off": done.returncode}
    *lines, told = done.stdout.splitlines()
    print("\n".join(lines))
    return json.loads(told)


def _write(path: Path, told: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
