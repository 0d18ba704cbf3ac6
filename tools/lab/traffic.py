# SPDX-License-Identifier: GPL-3.0-or-later
"""Live flows between the mobile node and the correspondent node, and what became of their packets."""

import csv
import json
import signal
from dataclasses import dataclass, field
from functools import cached_property

from .process import LabError, wait_until


@dataclass
class StreamRecord:
    """What one end of a stream logged. Times are wall-clock nanoseconds, like those of captures."""
    summary: dict
    sent: list = field(default_factory=list)         # (position, time)
    received: list = field(default_factory=list)     # (position, time)
    send_failed: list = field(default_factory=list)  # (position, time)

    @staticmethod
    def read(log, summary):
        record = StreamRecord(json.loads(summary.read_text()))
        kinds = {"s": record.sent, "r": record.received, "e": record.send_failed}
        with open(log, newline="") as rows:
            for row in csv.DictReader(rows):
                kinds[row["event"]].append((int(row["position"]), int(row["time_ns"])))
        return record


@dataclass(frozen=True)
class Gap:
    """The longest pause between two arrivals."""
    milliseconds: float        # as the receiver saw it
    added_milliseconds: float  # of it, what the sender's own pause does not explain
    begin_ns: int              # arrival of the packet before the pause


@dataclass(frozen=True)
class OneWay:
    """Numbered packets from one end to the other."""
    sent: list
    received: list

    def between(self, begin_ns, end_ns):
        """Only packets that were sent in this time."""
        sent = [item for item in self.sent if begin_ns <= item[1] < end_ns]
        numbers = {number for number, _ in sent}
        return OneWay(sent, [item for item in self.received if item[0] in numbers])

    def lost(self):
        """Numbers of the packets that were sent and never came."""
        arrived = {number for number, _ in self.received}
        return sorted(number for number, _ in self.sent if number not in arrived)

    def duplicates(self):
        return len(self.received) - len({number for number, _ in self.received})

    def reordered(self, explained_ns=0):
        """Numbers of the packets that came behind one that was sent more than `explained_ns` later: by so much one way may
        be longer than another."""
        sent_at = dict(self.sent)
        out, latest = [], None
        for number, _ in sorted(self.received, key=lambda item: item[1]):
            if latest is not None and latest - sent_at[number] > explained_ns:
                out.append(number)
            latest = sent_at[number] if latest is None else max(latest, sent_at[number])
        return sorted(out)

    def longest_gap(self):
        """Of packets in the order of arrival; None with fewer than two."""
        sent_at = dict(self.sent)
        arrivals = sorted(self.received, key=lambda item: item[1])
        longest = None
        for (before, begin), (after, end) in zip(arrivals, arrivals[1:]):
            pause = (end - begin) / 1e6
            # A sender that was itself late makes a pause that no network made. With lost packets in between the pause
            # counts from the one that should have come next.
            expected = (sent_at.get(before + 1, sent_at[after]) - sent_at[before]) / 1e6
            if longest is None or pause > longest.milliseconds:
                longest = Gap(pause, max(0.0, pause - max(0.0, expected)), begin)
        return longest


class _Flow:
    """Two ends of mipflow-lab-traffic: the client on one node, the server at `address` of another."""

    kind = ""

    def __init__(self, lab, port, label, client_options, server_options, client="mn", server="cn", address=None):
        self.lab = lab
        self.label = label
        self.port = port
        self._server_node = server
        self._server = self._start(server, "server", ["--listen", f"[::]:{port}", *server_options])
        wait_until(lambda: self._listens(), f"{self.kind} server at port {port}")
        self._client = self._start(client, "client", ["--connect", f"[{address or lab.correspondent_address}]:{port}", *client_options])

    def _file(self, end, suffix):
        return self.lab.directory / f"{self.label}-{end}.{suffix}"

    def _start(self, node, end, options):
        program = self.lab.program("mipflow-lab-traffic")
        command = [program, self.kind, *options, "--log", self._file(end, "csv"), "--summary", self._file(end, "json")]
        return self.lab.start(node, command, self._file(end, "log"))

    def _listens(self):
        self._server.expect_running()
        word = "-lnt" if self.kind == "tcp" else "-lnu"
        return f":{self.port} " in self.lab.run(self._server_node, ["ss", "-H", word]).stdout

    def expect_running(self):
        self._client.expect_running()
        self._server.expect_running()

    def begin_stop(self):
        """Asks the client to end the flow in order; stopped() tells when that is done."""
        self._client.send(signal.SIGTERM)

    def stopped(self):
        return not (self._client.running() or self._server.running())

    def stop(self, timeout=15):
        """Ends the flow in order; afterwards `client` and `server` are complete."""
        self._client.stop(timeout=timeout)
        if self._server.wait(timeout) is None:
            self._server.stop()

    @cached_property
    def client(self):
        return self._read("client")

    @cached_property
    def server(self):
        return self._read("server")

    def _read(self, end):
        summary = self._file(end, "json")
        if not summary.exists():
            log = self._file(end, "log")
            raise LabError(f"the {self.kind} {end} left no result; its last words:\n{log.read_text() if log.exists() else ''}")
        return StreamRecord.read(self._file(end, "csv"), summary)

    @property
    def is_tcp(self):
        return self.kind == "tcp"


class UdpFlow(_Flow):
    """Numbered datagrams in both directions. The correspondent's socket is connected to the first sender: it hears
    nobody else, so a peer whose address changed would be lost."""

    kind = "udp"

    def __init__(self, lab, port, packets_per_second=1000, size=64, label="udp", seconds=0, **where):
        options = ["--rate", packets_per_second, "--size", size]
        super().__init__(lab, port, label, [*options, "--seconds", seconds], options, **where)

    @property
    def outgoing(self):  # from the client
        return OneWay(self.client.sent + self.client.send_failed, self.server.received)

    @property
    def incoming(self):
        return OneWay(self.server.sent + self.server.send_failed, self.client.received)


class TcpFlow(_Flow):
    """A paced transfer in both directions whose every octet is checked."""

    kind = "tcp"

    def __init__(self, lab, port, megabits_out=8, megabits_in=8, label="tcp", seconds=0, **where):
        super().__init__(lab, port, label, ["--rate", megabits_out, "--seconds", seconds], ["--rate", megabits_in], **where)

    def complete(self):
        """Both ends ended in order and every octet that was sent arrived as it was."""
        client, server = self.client.summary, self.server.summary
        return (client["error"] == "" and server["error"] == "" and client["bytes_wrong"] == 0 and server["bytes_wrong"] == 0
                and client["bytes_sent"] == server["bytes_received"] and server["bytes_sent"] == client["bytes_received"])

    @staticmethod
    def longest_pause(record, begin_ns=0, end_ns=1 << 63):
        """(milliseconds, when it began) of the longest time without new octets at this end, in this time."""
        times = [time for _, time in record.received if begin_ns <= time < end_ns]
        return max((((end - begin) / 1e6, begin) for begin, end in zip(times, times[1:])), default=(0.0, 0))
