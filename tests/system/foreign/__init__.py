# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the foreign home agent and the foreign correspondent node: peers that share no code with the project. See
../foreign_home_agent.py and ../foreign_correspondent_node.py."""
