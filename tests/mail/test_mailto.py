"""Links to the reader's own mail program (RFC 6068)."""

from picketline.mail.mailto import LONGEST, link

TO = ["office@owner.example", "a+b@company.example"]


def test_the_letter_stands_in_the_link_with_everything_escaped_that_means_something() -> None:
    assert link(TO, "c@copies.example", "Why? & how", "Dear all,\n100 %\n") == (
        "mailto:office@owner.example,a%2Bb@company.example?cc=c@copies.example"
        "&subject=Why%3F%20%26%20how&body=Dear%20all%2C%0D%0A100%20%25"
    )


def test_what_is_too_long_is_left_out_from_the_end() -> None:
    short = link(TO, "c@copies.example", "Harbour", "x" * LONGEST)
    assert short.endswith("&subject=Harbour")
    assert link(TO, "c@copies.example", "ж" * 400, "x").endswith("?cc=c@copies.example")
    exact = LONGEST - len(link([], "", "Harbour", "x")) + 1
    assert len(link([], "", "Harbour", "x" * exact)) == LONGEST
    assert "body" not in link([], "", "Harbour", "x" * (exact + 1))


def test_a_letter_without_a_subject_is_no_letter() -> None:
    assert link(["a@b.example"], "c@d.example", "", "") == "mailto:a@b.example?cc=c@d.example"
