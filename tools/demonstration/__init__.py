# SPDX-License-Identifier: GPL-3.0-or-later
"""The story that tools/demo tells. story.py plays it, measure.py judges it, report.py and picture.py show it."""
