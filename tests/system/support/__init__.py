# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests have in common."""
