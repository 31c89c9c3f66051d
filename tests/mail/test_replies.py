"""Reading a server's replies, honest or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.replies import MAX_LINE, MAX_REPLY, BadReply, Reply, take_reply


def test_a_reply_of_one_line_is_read_and_the_rest_left() -> None:
    assert take_reply(b"250 ok\r\n354 go") == (Reply(250, ("ok",)), b"354 go")


def test_a_reply_of_many_lines_ends_with_the_line_that_has_no_hyphen() -> None:
    assert take_reply(b"250-a\r\n250-b c\r\n250 d\r\n") == (Reply(250, ("a", "b c", "d")), b"")


def test_a_bare_code_is_a_reply() -> None:
    assert take_reply(b"250\r\n") == (Reply(250, ("",)), b"")


@pytest.mark.parametrize("octets", [b"", b"25", b"250 ok", b"250 ok\r", b"250-a\r\n2"])
def test_an_unfinished_reply_is_waited_for(octets: bytes) -> None:
    assert take_reply(octets) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"250 ok\n",
        b"250 a\rb\r\n",
        b"\r\n",
        b"2500 ok\r\n",
        b"150 early\r\n",
        b"600 late\r\n",
        b"299 no\r\n",
        b"250+ok\r\n",
        "２５０ ok\r\n".encode(),
        b"250-a\r\n251 b\r\n",
        b"220-" + b"x" * MAX_LINE + b"\r\n",
        b"2" * (MAX_LINE + 1),
        b"250-endless\r\n" * (MAX_REPLY // 13 + 1),
        b"250-endless\r\n" * (MAX_REPLY // 13 + 1) + b"250 end\r\n",
    ],
)
def test_what_is_no_reply_is_refused(octets: bytes) -> None:
    with pytest.raises(BadReply):
        take_reply(octets)


def test_the_enhanced_code_is_read_where_it_agrees_with_the_code() -> None:
    assert Reply(550, ("5.1.1 nobody",)).enhanced == "5.1.1"
    assert Reply(550, ("4.1.1 nobody",)).enhanced == ""
    assert Reply(550, ("nobody 5.1.1",)).enhanced == ""
    assert Reply(250, ("2.0.0",)).enhanced == "2.0.0"


def test_the_text_is_short_and_free_of_control_characters() -> None:
    taken = take_reply(b"550-a\x1b[31m\x00\xff\r\n550 " + b"b" * 1500 + b"\r\n")
    assert taken is not None
    text = taken[0].text
    assert text.startswith("a\ufffd[31m\ufffd\ufffd bbb")
    assert len(text) == 1000


@given(st.binary(max_size=80))
def test_any_octets_are_a_reply_or_awaited_or_refused(octets: bytes) -> None:
    try:
        taken = take_reply(octets)
    except BadReply:
        return
    if taken is not None:
        reply, rest = taken
        assert 200 <= reply.code <= 559
        assert octets.endswith(rest)
        assert reply.text.isprintable()
