# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of the soak: numbered datagrams and checked transfers, and the judgement over each of their packets."""

import itertools
import time

from accounts import DOUBLED, LOST, OVERTAKEN

from laboratory import PLAIN_CORRESPONDENT

PACKETS_PER_SECOND = 100
_MEGABITS = 0.3
SERVER_PORTS = range(20000, 32000)   # below those that the kernel gives to clients
# An end that was told to stop, or should have been told by its peer, gets so long.
_ENDING_S = 12.0
_EXAMPLES = 5


def clock(time_ns):
    """Wall-clock time to the millisecond."""
    return f"{time.strftime('%H:%M:%S', time.localtime(time_ns // 1_000_000_000))}.{time_ns // 1_000_000 % 1000:03}"


class Stream:
    """One stream, from its start to its judgement. `correspondent`: "cn" (straight), "cn2" (by the home agent)."""

    _numbers = itertools.count()

    def __init__(self, lab, kind, correspondent, begun_by_correspondent=False):
        number = next(Stream._numbers)
        self.port = SERVER_PORTS[number]
        self.kind, self.correspondent, self.begun_by_correspondent = kind, correspondent, begun_by_correspondent
        self.label = f"{kind}-{number}"
        where = ({"client": correspondent, "server": "mn", "address": lab.home_address} if begun_by_correspondent else
                 {"server": correspondent, "address": PLAIN_CORRESPONDENT if correspondent == "cn2" else lab.correspondent_address})
        if kind == "udp":
            self.flow = lab.udp_flow(self.port, packets_per_second=PACKETS_PER_SECOND, label=self.label, **where)
        else:
            self.flow = lab.tcp_flow(self.port, megabits_out=_MEGABITS, megabits_in=_MEGABITS, label=self.label, **where)
        self.begin = time.monotonic()
        self.ended_ns = None
        self._deadline = None

    def describe(self):
        who = "begun by the correspondent node" if self.begun_by_correspondent else "begun by the mobile node"
        return f"{self.label} ({self.correspondent}, {who})"

    @property
    def age(self):
        return time.monotonic() - self.begin

    def is_flow(self, listed):
        """Whether this is the stream's flow, of those that the mobile node lists."""
        own, other = ("source_port", "correspondent_port") if self.begun_by_correspondent else ("correspondent_port", "source_port")
        return listed["protocol"] == self.kind and listed[own] == self.port and listed[other] != self.port

    def begin_end(self):
        self.ended_ns = time.time_ns()
        self._deadline = time.monotonic() + _ENDING_S
        self.flow.begin_stop()

    def over(self):
        """Whether both ends have ended. A server that was not told, because the last packets were lost, is stopped."""
        if self.flow.stopped():
            return True
        if time.monotonic() > self._deadline:
            self.flow.stop(timeout=2)
            return True
        return False

    def judge(self, ledger, totals):
        """Texts of everything that no account excuses; adds to `totals`."""
        if self.kind == "tcp":
            return self._judge_transfer(totals)
        complaints = []
        for to_server, packets in ((True, self.flow.outgoing), (False, self.flow.incoming)):
            way = "out" if to_server != self.begun_by_correspondent else "in"
            complaints += _OneWayJudgement(self, way, to_server, packets, ledger, totals).complaints()
        return complaints

    def _judge_transfer(self, totals):
        client, server = self.flow.client.summary, self.flow.server.summary
        totals.transfers += 1
        totals.octets += client["bytes_received"] + server["bytes_received"]
        totals.retransmissions += client["retransmissions"] + server["retransmissions"]
        if self.flow.complete():
            return []
        keys = ("error", "bytes_sent", "bytes_received", "bytes_wrong")
        return [f"{self.describe()}: the transfer is not whole: client {[client[k] for k in keys]}, server {[server[k] for k in keys]}"]

    def forget(self):
        """The logs have been judged; over half an hour they would fill the disk."""
        for end in ("client", "server"):
            for suffix in ("csv", "json", "log"):
                (self.flow.lab.directory / f"{self.label}-{end}.{suffix}").unlink(missing_ok=True)


class _OneWayJudgement:
    def __init__(self, stream, way, to_server, packets, ledger, totals):
        self.stream, self.way, self.to_server, self.ledger, self.totals = stream, way, to_server, ledger, totals
        self.refused = {number for number, _ in (stream.flow.client if to_server else stream.flow.server).send_failed}
        # What the peer sent to an end that had been told to stop is nobody's loss.
        self.sent_at = {number: sent for number, sent in packets.sent if sent <= stream.ended_ns}
        self.received = [(number, when) for number, when in sorted(packets.received, key=lambda item: item[1]) if number in self.sent_at]

    def complaints(self):
        arrived = {}
        for number, _ in self.received:
            arrived[number] = arrived.get(number, 0) + 1
        missing = [number for number in self.sent_at if number not in arrived]
        self.totals.sent += len(self.sent_at)
        self.totals.received += len(arrived)
        self.totals.refused += len(self.refused.intersection(missing))
        self.totals.lost += len(missing) - len(self.refused.intersection(missing))
        doubled = [number for number, times in arrived.items() if times > 1]
        overtaken = self._overtaken()
        self.totals.doubled += len(doubled)
        self.totals.overtaken += len(overtaken)
        return [*self._complain(LOST, missing, {"lost", "crowded-out"}), *self._complain(DOUBLED, doubled, {"duplicated"}),
                *self._complain(OVERTAKEN, overtaken, {"duplicated"})]

    def _overtaken(self):
        """Numbers of packets that came behind one that was sent later."""
        out, latest = set(), -1
        for number, _ in self.received:
            if number < latest:
                out.add(number)
            latest = max(latest, number)
        return sorted(out)

    def _complain(self, effect, numbers, fates):
        left = []
        for number in numbers:
            if self.ledger.excuse_by_impairment(effect, fates, (self.stream.port, self.to_server, number)):
                continue
            if self.ledger.excuse(effect, self.stream.label, self.way, self.sent_at[number]) is None:
                left.append(number)
        if not left:
            return
        self.totals.unexplained += len(left)
        times = [self.sent_at[number] for number in left]
        told = sum(number in self.refused for number in left)
        yield (f"{self.stream.describe()} {self.way}: {len(left)} of {len(self.sent_at)} packets {effect} without an account"
               f"{f', {told} of them refused to the sender' if told else ''}; sent between {clock(min(times))} and {clock(max(times))}, "
               f"numbers {left[:_EXAMPLES]}{' …' if len(left) > _EXAMPLES else ''}")
