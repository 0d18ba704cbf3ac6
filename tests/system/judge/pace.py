# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast messages may follow each other, RFC 6275 §11.8."""
from dataclasses import dataclass

from .capture import Frame

TIMER_SLACK = 0.02         # seconds that a timer may seem to be early: capture time against timer time
FIRST_TIMEOUT, FIRST_REGISTRATION_TIMEOUT, LONGEST_TIMEOUT = 1.0, 1.5, 32.0   # RFC 6275 §12, §13
MESSAGES_PER_SECOND = 3    # MAX_UPDATE_RATE


@dataclass
class Series:
    """Messages that say the same, unanswered so far: retransmissions of each other."""
    meaning: tuple
    last: Frame
    first_timeout: float = FIRST_TIMEOUT
    count: int = 1

    def interrupted(self, now, link_changes):
        """After a change of the links what was asked may be asked anew."""
        return any(self.last.time < t < now for t in link_changes)


def too_early(frame, series, verdict):
    """Puts the frame into the series; complains when its time had not come."""
    wanted = min(series.first_timeout * 2 ** (series.count - 1), LONGEST_TIMEOUT)
    gap = frame.time - series.last.time
    verdict.require(series.last.held_back or gap >= wanted - TIMER_SLACK, frame, "retransmission",
                    f"after {gap:.3f} s, not before {wanted:.1f} s")
    series.last, series.count = frame, series.count + 1
