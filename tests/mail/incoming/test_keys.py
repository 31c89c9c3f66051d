"""Where the keys of signatures are asked for."""

import pytest

from picketline.mail.incoming import keys


def test_without_name_servers_of_our_own_the_systems_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dns import resolver

    def has_none(*_: object) -> None:
        raise resolver.NoResolverConfiguration

    monkeypatch.setattr(resolver.Resolver, "read_resolv_conf", has_none)
    with pytest.raises(keys.KeyUnavailable):
        keys.public_key("union.example", "s1", ())


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_name_server_may_be_an_address_alone(address: str) -> None:
    assert keys._nameserver(address) == address


def test_a_name_server_in_brackets_has_a_port() -> None:
    assert str(keys._nameserver("[2001:db8::1]:5353")) == "Do53:2001:db8::1@5353"
