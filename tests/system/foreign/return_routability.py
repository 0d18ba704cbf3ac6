# SPDX-License-Identifier: GPL-3.0-or-later
"""Nonces, keygen tokens and authenticators of a correspondent node, RFC 6275 §5.2, from hashlib and hmac alone."""
import hashlib
import hmac
import os
import time

HOME, CARE_OF = b"\x00", b"\x01"
AUTHENTICATOR_OCTETS = 12


class Nonces:
    """A new nonce every `period` seconds at the earliest, each good for `lifetime` seconds. Nothing is kept per mobile node."""

    def __init__(self, period, lifetime):
        self.period, self.lifetime = period, lifetime
        self.index = int.from_bytes(os.urandom(2), "big")
        self.forget()

    def forget(self):
        """As after a restart: a new node key, and none of the old nonces is known."""
        self.node_key = os.urandom(20)
        self.nonces = {}             # index -> (time it was made, nonce)

    def current(self):
        now = time.monotonic()
        made = self.nonces.get(self.index)
        if made is None or now - made[0] >= self.period:
            self.index = (self.index + 1) & 0xFFFF
            self.nonces[self.index] = (now, os.urandom(8))
            self.nonces = {i: n for i, n in self.nonces.items() if now - n[0] < self.lifetime}
        return self.index

    def is_good(self, index):
        made = self.nonces.get(index)
        return made is not None and time.monotonic() - made[0] < self.lifetime

    def token(self, index, address, kind):
        return hmac.digest(self.node_key, address + self.nonces[index][1] + kind, "sha1")[:8]


def binding_key(home_token, care_of_token=b""):
    """Kbm; without a care-of keygen token that of a de-registration."""
    return hashlib.sha1(home_token + care_of_token).digest()


def authenticator(key, care_of_address, correspondent, header):
    """Of a Mobility Header whose last 12 octets are the place of the authenticator; its checksum counts as zero."""
    covered = header[:4] + b"\0\0" + header[6:-AUTHENTICATOR_OCTETS]
    return hmac.digest(key, care_of_address + correspondent + covered, "sha1")[:AUTHENTICATOR_OCTETS]
