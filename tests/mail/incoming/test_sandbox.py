"""A message is examined in a process that has nothing and may take little."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from picketline.mail.incoming import examination, findings, limits
from picketline.mail.incoming.report import Kind, from_json
from picketline.mail.incoming.sandbox import NotExamined, examine

PLAIN = b"From: Ann <ann@works.example>\r\nSubject: Thanks\r\n\r\nWe heard you.\r\n"

Impostor = Callable[[str], None]


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Impostor:
    """Puts a script into the place of the interpreter that examines."""
    program = tmp_path / "examiner"

    def put(script: str) -> None:
        program.write_text(script)
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return put


def refusal(raw: bytes = PLAIN, seconds: float = 30) -> str:
    with pytest.raises(NotExamined) as caught:
        examine(raw, verify=False, seconds=seconds)
    return str(caught.value)


def in_a_bound_process(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process that has bound itself as the examination does."""
    bind = "from picketline.mail.incoming import examination; examination.bind()\n"
    return subprocess.run(
        [sys.executable, "-S", "-c", bind + code],
        env={"PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_plain_message_is_reported() -> None:
    report = examine(PLAIN, verify=False)
    assert report.kind is Kind.MESSAGE
    assert report.from_address == "ann@works.example"
    assert report.text == "We heard you."


def test_the_report_is_the_same_as_without_a_process() -> None:
    assert examine(PLAIN, verify=True, nameservers=("127.0.0.1:9",)) == findings.report_on(
        PLAIN, verify=True, nameservers=("127.0.0.1:9",)
    )


def test_a_bound_that_is_exceeded_is_named() -> None:
    assert refusal(b"") == "there is nothing in the message"


def test_a_message_too_large_is_refused_without_a_process(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexit 1\n")
    assert refusal(b"x" * (limits.MAX_MESSAGE + 1)) == "the message is too large"


def test_where_nothing_can_be_limited_nothing_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    missing = lambda name: None if name == "resource" else find(name)  # noqa: E731
    monkeypatch.setattr("picketline.mail.incoming.sandbox.find_spec", missing)
    assert refusal() == "this system cannot limit what a process takes"


def test_a_process_that_cannot_be_started_is_no_fault_of_the_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        examine(PLAIN, verify=False)


def test_an_examination_that_hangs_is_ended(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexec sleep 600\n")
    assert refusal(seconds=0.2) == "the examination took too long"


def test_an_examination_that_never_reads_is_ended(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexec sleep 600\n")
    assert refusal(PLAIN + b"x" * 5_000_000, seconds=0.2) == "the examination took too long"


def test_an_examination_that_answers_and_hangs_is_ended(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexec sleep 600 >&-\n")
    assert refusal(seconds=0.2) == "the examination took too long"


def test_an_examination_that_answers_without_end_is_ended(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexec yes\n")
    assert refusal() == "the examination answered too much"


def test_an_examination_that_is_killed_is_told_of(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nkill -SEGV $$\n")
    assert refusal() == "the examination was ended by SIGSEGV"


def test_an_examination_that_fails_without_reading_is_told_of(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nexit 1\n")
    assert refusal(PLAIN + b"x" * 5_000_000) == "the examination failed with status 1"


def test_nonsense_is_no_report(impostor: Impostor) -> None:
    impostor("#!/bin/sh\ncat >/dev/null; echo '{}'\n")
    assert refusal().startswith("the examination answered nonsense: ")


def test_a_reason_has_no_commands_to_a_terminal(impostor: Impostor) -> None:
    impostor("#!/bin/sh\nprintf '\\033[31mred\\n'; exit 65\n")
    assert refusal() == "?[31mred?"


def test_the_process_inherits_no_secret(
    impostor: Impostor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "a secret")
    code = "import os, sys; print(*os.environ, *os.listdir('/proc/self/fd')); sys.exit(65)"
    impostor(f"#!{sys.executable} -IS\n{code}\n")
    with (tmp_path / "secret").open("w") as secret:
        os.dup2(secret.fileno(), 77, inheritable=True)
        try:
            seen = refusal().rstrip("?").split(" ")
        finally:
            os.close(77)
    assert set(seen) - {"LC_CTYPE"} == {"PYTHONPATH", "0", "1", "2", "3"}  # 3 lists the others


def test_memory_is_bounded() -> None:
    assert "MemoryError" in in_a_bound_process(f"bytearray({examination.MEMORY})").stderr


def test_no_file_is_written(tmp_path: Path) -> None:
    written = tmp_path / "written"
    in_a_bound_process(f"open({str(written)!r}, 'w').write('x')")
    assert not written.exists() or written.stat().st_size == 0


def test_few_files_are_open_at_a_time() -> None:
    assert (
        "Too many open files"
        in in_a_bound_process("kept = [open('/dev/null') for _ in range(99)]").stderr
    )


def test_time_on_the_processor_is_bounded() -> None:
    code = "import resource; print(*resource.getrlimit(resource.RLIMIT_CPU))"
    assert in_a_bound_process(code).stdout.split() == [str(examination.CPU_SECONDS)] * 2


def test_a_bound_already_narrower_is_kept() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)); examination.bind();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert in_a_bound_process(code).stdout.split() == ["9", "9"]


def test_the_examination_never_loads_django() -> None:
    code = (
        "import sys; from picketline.mail.incoming import findings\n"
        f"findings.report_on({PLAIN!r}, verify=True, nameservers=('127.0.0.1:9',))\n"
        "print('django' in sys.modules)"
    )
    assert in_a_bound_process(code).stdout == "False\n"


def test_an_answer_is_a_report_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = examination.answer(PLAIN, ["trust"])
    assert (status, from_json(output).subject) == (0, "Thanks")
    assert examination.answer(b"", ["trust"])[0] == examination.REFUSED

    def exhaust(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(findings, "report_on", exhaust)
    assert examination.answer(PLAIN, ["trust"]) == (examination.REFUSED, b"MemoryError")
