"""The process that examines one message: the message on standard input, its report on output.

Started by `sandbox`, with "verify" or "trust" and the addresses of name servers as arguments. It
binds itself before it reads a byte: what a hostile message can make it do ends where the kernel
holds it.
"""

import resource
import signal
import sys

CPU_SECONDS = 8  # ten are promised; the kernel counts in ticks
MEMORY = 256 * 1024 * 1024  # of addresses, so of storage too
WALL_SECONDS = 40  # the sandbox ends it before; this is for a sandbox that was killed itself
OPEN_FILES = 24  # modules while they load, the questions for DKIM keys
REFUSED = 65  # exit status; the reason is on standard output


def bind() -> None:
    """Take from this process what the examination of a message does not need. For ever."""
    signal.alarm(WALL_SECONDS)
    for limit, amount in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),  # no other process and no thread, where it is not root's
    ):
        most = resource.getrlimit(limit)[1]
        bound = amount if most == resource.RLIM_INFINITY else min(amount, most)
        resource.setrlimit(limit, (bound, bound))


def answer(raw: bytes, arguments: list[str]) -> tuple[int, bytes]:
    """Exit status and output: 0 and the report, or REFUSED and the reason."""
    from picketline.mail.incoming import findings, limits
    from picketline.mail.incoming.report import to_json

    verify, nameservers = arguments[0] == "verify", tuple(arguments[1:])
    try:
        return 0, to_json(findings.report_on(raw, verify=verify, nameservers=nameservers))
    except limits.TooMuch as error:
        return REFUSED, str(error).encode()
    except (MemoryError, RecursionError) as error:
        return REFUSED, type(error).__name__.encode()


def main() -> int:
    """Bind, read, answer."""
    bind()
    status, output = answer(sys.stdin.buffer.read(), sys.argv[1:])
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
