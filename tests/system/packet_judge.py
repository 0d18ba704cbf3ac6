#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges captures of Mobile IPv6 signalling, tunnels and route optimisation, packet by packet and over time.

    packet_judge.py --home-agent 2001:db8:100::1 --home-prefix 2001:db8:100::/64 wlan0.pcap wwan0.pcap

Two independent eyes: rules of its own (own dissection, own checksums, own HMAC), and tshark, which may find nothing
malformed and no expert error, and has to read the same values. Every rule has a name; packet_judge_test.py shows of each
that it can be broken. Several captures have to come from one machine: they are put in the order of time.

Exit status: 0 nothing to complain about, 1 complaints (one per line), 2 wrong usage.
"""
import argparse
import ipaddress
import sys

from judge.capture import read_all
from judge.exchange import Exchanges
from judge.outside import judge_outside
from judge.packets import judge_packet
from judge.tunnels import Tunnels
from judge.verdict import Expectations, SecurityAssociation, Verdict

__all__ = ["Expectations", "SecurityAssociation", "expect", "judge"]


def expect(home_agent, home_prefix, key=None, spi=256, primary_home_address=None, **more):
    """Expectations from text."""
    network = ipaddress.IPv6Network(home_prefix)
    association = None
    if key is not None:
        association = SecurityAssociation(key, spi, ipaddress.IPv6Address(primary_home_address).packed)
    return Expectations(ipaddress.IPv6Address(home_agent).packed, network.network_address.packed[:8],
                        association=association, **more)


def judge(paths, expectations, outside=True):
    """Returns a Verdict; `.complaints` is empty when everything is right. `outside`: ask tshark too."""
    verdict = Verdict()
    frames = read_all(paths)
    exchanges, tunnels = Exchanges(expectations, verdict), Tunnels(expectations, verdict, frames)
    for frame in frames:
        judge_packet(frame, expectations, verdict)
        exchanges.see(frame)
        tunnels.see(frame)
    for path in paths if outside else []:
        judge_outside(path, [f for f in frames if f.capture == str(path)], expectations, verdict)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("captures", nargs="+", help="pcap or pcapng files of one machine")
    parser.add_argument("--home-agent", required=True)
    parser.add_argument("--home-prefix", required=True)
    parser.add_argument("--no-authentication", action="store_true", help="no authentication option may show up")
    parser.add_argument("--home-link", action="store_true", help="captured at home: bare home addresses are right there")
    parser.add_argument("--late", action="store_true", help="the captures begin in the middle")
    options = parser.parse_args()
    verdict = judge(options.captures, expect(options.home_agent, options.home_prefix,
                                             authentication="none" if options.no_authentication else "rfc4285",
                                             on_access_link=not options.home_link, from_the_start=not options.late))
    print(verdict)
    return 1 if verdict.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
