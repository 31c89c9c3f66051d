"""``./run chaos``: letters through crashes of everything, counted at the very end.

Real workers hand letters to a real Postfix, whose next hop counts them. Meanwhile workers are
killed and frozen, the database and Postfix crash, and the database's clock jumps. It needs root and
Debian's Postfix.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

from chaos import plan, postfix, verdict
from chaos.crew import Crew
from chaos.plan import Kind
from chaos.stage import Stage, stage
from chaos.trial import Trial
from chaos.verdict import Verdict
from chaos.witness import Witness


def main() -> None:
    """Run, print what was found, and end with 0 if nothing was lost or doubled."""
    options = _options()
    if lack := postfix.missing():
        sys.exit(f"chaos: {lack}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    with ExitStack() as ending:
        began = time.monotonic()
        ready = ending.enter_context(stage(options.letters, options.lease, keep=options.keep))
        witness = Witness(ready.database.conninfo)
        ending.callback(witness.disconnect)
        started = time.monotonic()
        crew = Crew(options.workers, ready.environment, ready.logs, witness.workers)
        ending.callback(crew.abort)
        faults = plan.faults(
            options.letters,
            options.seed,
            lease=options.lease,
            kill_share=options.kill_share,
            crashes=options.crashes,
            relay_crashes=options.relay_crashes,
        )
        trial = Trial(ready, crew, witness, faults)
        trial.run()
        reported = trial.finish()
        arrived = verdict.copies(ready.relay.sink.messages)
        found = verdict.judge(witness.letters(), arrived, reported)
        seconds = f"{time.monotonic() - started:.0f} (and {started - began:.0f} to set up)"
        _tell({"seed": options.seed, "workers": options.workers, "seconds": seconds})
        _tell(_faults(trial, crew))
        _tell(_findings(found, witness, len(arrived)))
        for message_id in found.by_relay:
            _show_lines(ready, next(c.queue_id for c in arrived if c.message_id == message_id))
        if options.keep:
            print(f"kept: {ready.logs.parent}")
    print("PASS" if found.good else "FAIL")
    sys.exit(0 if found.good else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--letters", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=None, help="the same faults again")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kill-share", type=float, default=0.01, help="kills for each letter")
    parser.add_argument("--crashes", type=int, default=3, help="of the database")
    parser.add_argument("--relay-crashes", type=int, default=3, help="of Postfix")
    parser.add_argument("--lease", type=int, default=12, help="in seconds; usually 180")
    parser.add_argument("--keep", action="store_true", help="leave database and logs behind")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 20)  # noqa: S311 - to be repeated, not to be secret
    return options


def _faults(trial: Trial, crew: Crew) -> dict[str, object]:
    return {
        "workers killed": crew.kills,
        "workers restarted": crew.restarts,
        "workers frozen": f"{crew.pauses}, for up to {crew.longest_pause:.0f} s"
        f" (leases last {trial.stage.lease} s)",
        "clock jumps of 1 h": trial.met[Kind.JUMP],
        "database crashes": trial.met[Kind.DATABASE],
        "relay crashes": trial.met[Kind.RELAY],
    }


def _findings(found: Verdict, witness: Witness, arrived: int) -> dict[str, object]:
    letters, unclear = witness.letters(), witness.unclear()
    accepted = sum(letter.state == "accepted" for letter in letters)
    return {
        "letters": len(letters),
        "accepted": f"{accepted}, and the public number says {witness.public_number()}",
        "messages at the next hop": arrived,
        "uncertain": f"{unclear.total}, settled within {unclear.longest:.0f} s at most",
        "  settled: it was there": unclear.there,
        "  settled: it was absent": unclear.absent,
        "  left, a person is told": f"{len(found.left)}, of which {found.left_there} were there",
        "lost": len(found.lost),
        "duplicated": len(found.doubled),
        "repeated by the relay": len(found.by_relay),
    }


def _tell(facts: dict[str, object]) -> None:
    for name, fact in facts.items():
        print(f"{name:26} {fact}", flush=True)


def _show_lines(ready: Stage, queue_id: str) -> None:
    """What the relay's log says of a message that it delivered twice: taken once, begun twice."""
    lines = [line for line in ready.relay.lines() if f" {queue_id}: " in line]
    counts = {
        what: sum(sign in line for line in lines)
        for what, sign in {
            "taken": ": client=",
            "begun": "(queue active)",
            "sent": "status=sent",
        }.items()
    }
    told = ", ".join(f"{what} {number} times" for what, number in counts.items())
    print(f"  in the relay's log       {queue_id} was {told}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as fault:
        sys.exit(f"chaos: {fault}")
