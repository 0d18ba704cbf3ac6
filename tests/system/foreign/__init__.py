# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the foreign home agent: a peer that shares no code with the project. See ../foreign_home_agent.py."""
