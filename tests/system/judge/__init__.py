# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges captured Mobile IPv6 packets. See ../packet_judge.py."""
