"""A DNS server on loopback, over UDP and TCP, that knows one zone and a few faults.

Give it lines as in a zone file, `name TYPE value`; whatever it was not told does not exist::

    with DnsServer('letters.picket.example TXT "v=spf1 -all"') as dns:
        dns.publish("mail.picket.example A 192.0.2.1")
        dns.faults["slow.example"] = Fault.SILENCE
"""

import selectors
import socket
import struct
import threading
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

_GUARD = 10.0  # seconds after which a stuck test fails instead of hanging
_TTL = 60
_LONGEST_CHAIN = 8


class Fault(Enum):
    """What becomes of every question about a name."""

    SERVFAIL = "the server failed"
    REFUSED = "the server refuses"
    NXDOMAIN = "there is no such name, whatever the zone says"
    SILENCE = "no answer at all"
    TRUNCATED = "truncated over UDP, whole over TCP"
    NONSENSE = "octets that are no message"


class DnsServer:
    """Listens from its creation on, answers within its `with` block."""

    def __init__(self, *records: str) -> None:
        self._zone: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[dns.rdata.Rdata]] = {}
        self.faults: dict[str, Fault] = {}  # by name, in small letters, without the last dot
        self.asked: list[tuple[str, str]] = []  # name and type of every question, in order
        self.over_tcp = 0  # questions that came that way
        self._tcp, self._udp = _listeners()
        self.port: int = self._tcp.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run)
        for record in records:
            self.add(record)

    def add(self, record: str) -> None:
        """Add `name TYPE value` to what is there."""
        name, kind, value = record.split(None, 2)
        rdtype = dns.rdatatype.from_text(kind)
        rdata = dns.rdata.from_text("IN", rdtype, value, dns.name.root, relativize=False)
        self._zone.setdefault((dns.name.from_text(name), rdtype), []).append(rdata)

    def remove(self, name: str, kind: str) -> None:
        """Forget all records of that name and type, if there are any."""
        self._zone.pop((dns.name.from_text(name), dns.rdatatype.from_text(kind)), None)

    def publish(self, records: str) -> None:
        """Do as a person told to publish these lines: they replace what has their name and type."""
        lines = [line for line in records.splitlines() if line.strip()]
        for line in lines:
            name, kind, _ = line.split(None, 2)
            self.remove(name, kind)
        for line in lines:
            self.add(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wake.send(b"!")
        self._thread.join(_GUARD)
        for each in (self._tcp, self._udp, self._wake, self._woken):
            each.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._tcp, self._udp, self._woken):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    return
                if self._udp in ready:
                    self._answer_datagram()
                if self._tcp in ready:
                    self._answer_stream()

    def _answer_datagram(self) -> None:
        octets, peer = self._udp.recvfrom(65535)
        answer = self._answer(octets, stream=False)
        if answer is not None:
            self._udp.sendto(answer, peer)

    def _answer_stream(self) -> None:
        with self._tcp.accept()[0] as peer, suppress(OSError, struct.error):
            peer.settimeout(_GUARD)
            (size,) = struct.unpack("!H", _exactly(peer, 2))
            self.over_tcp += 1
            answer = self._answer(_exactly(peer, size), stream=True)
            if answer is not None:
                peer.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, octets: bytes, *, stream: bool) -> bytes | None:
        query = dns.message.from_wire(octets)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype)))
        fault = self.faults.get(name)
        if fault is Fault.SILENCE:
            return None
        if fault is Fault.NONSENSE:
            return octets[:2] + b"\xff" * 20
        response = dns.message.make_response(query, recursion_available=True)
        if fault in (Fault.SERVFAIL, Fault.REFUSED, Fault.NXDOMAIN):
            response.set_rcode(dns.rcode.from_text(fault.name))
        else:
            self._fill(response, question)
        limit = 65535 if stream else max(512, query.payload)
        return _as_octets(response, limit, cut=fault is Fault.TRUNCATED and not stream)

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        """The records asked for, behind aliases too; a name with none of them has no such data."""
        name = question.name
        for _ in range(_LONGEST_CHAIN):
            found = self._zone.get((name, question.rdtype))
            if found is not None:
                response.answer.append(dns.rrset.from_rdata(name, _TTL, *found))
                return
            alias = self._zone.get((name, dns.rdatatype.CNAME))
            if alias is None:
                break
            record = dns.rrset.from_rdata(name, _TTL, *alias)
            if record not in response.answer:
                response.answer.append(record)
            name = dns.name.from_text(alias[0].to_text())
        if not any(owner.is_subdomain(name) for owner, _ in self._zone):
            response.set_rcode(dns.rcode.NXDOMAIN)


def _as_octets(response: dns.message.Message, limit: int, *, cut: bool) -> bytes:
    if not cut:
        with suppress(dns.exception.TooBig):
            return response.to_wire(max_size=limit)
    response.answer.clear()
    response.flags |= dns.flags.TC
    return response.to_wire()


def _exactly(peer: socket.socket, size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        more = peer.recv(size - len(octets))
        if not more:
            raise ConnectionError("the client has gone")
        octets += more
    return octets


def _listeners() -> tuple[socket.socket, socket.socket]:
    """Two sockets on one free port, TCP and UDP."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return tcp, udp
