# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign home agent's bindings and tunnels, with the defect that existing home agents have.

A binding remembers two addresses: the care-of address it was told (`care_of_address`), and where its packets really go
(`tunnel`). They differ only by the defect:

    When two or more home addresses share a tunnel and one of them asks for a care-of address to which no tunnel exists
    yet, the request is answered with status 0, but the tunnel stays where it was. A tunnel comes into being only by
      - the first registration of a home address that was not bound, or
      - the move of a home address that has its tunnel for itself.
    As soon as a tunnel to the new care-of address exists, the next Binding Update takes it.
"""
import time
from dataclasses import dataclass


@dataclass
class Binding:
    home_address: bytes
    care_of_address: bytes
    tunnel: bytes
    sequence: int
    expiry: float


class Bindings:
    def __init__(self, with_defect):
        self.with_defect = with_defect
        self.by_home_address = {}

    def __contains__(self, home_address):
        return home_address in self.by_home_address

    def get(self, home_address):
        return self.by_home_address.get(home_address)

    def all(self):
        return list(self.by_home_address.values())

    def tunnel_users(self, care_of_address):
        return sum(1 for b in self.by_home_address.values() if b.tunnel == care_of_address)

    def register(self, home_address, care_of_address, sequence, lifetime_seconds):
        """Creates or updates; returns (binding, stuck): stuck means that the defect struck or still holds."""
        expiry = time.monotonic() + lifetime_seconds
        binding = self.by_home_address.get(home_address)
        if binding is None:
            binding = Binding(home_address, care_of_address, care_of_address, sequence, expiry)
            self.by_home_address[home_address] = binding
            return binding, False
        binding.care_of_address, binding.sequence, binding.expiry = care_of_address, sequence, expiry
        shared = self.tunnel_users(binding.tunnel) > 1
        exists = self.tunnel_users(care_of_address) > 0
        if exists or not shared or not self.with_defect:
            binding.tunnel = care_of_address
        return binding, binding.tunnel != care_of_address

    def remove(self, home_address):
        return self.by_home_address.pop(home_address, None)

    def expire(self):
        now = time.monotonic()
        gone = [b for b in self.by_home_address.values() if b.expiry <= now]
        for binding in gone:
            del self.by_home_address[binding.home_address]
        return gone


def is_newer(sequence, last):
    """Modulo 2^16, RFC 6275 §9.5.1."""
    return 1 <= (sequence - last) & 0xFFFF <= 32767
