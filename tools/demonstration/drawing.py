# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures of the demonstrations have in common: an SVG canvas, a time axis, steps of packets over time."""

from html import escape

STEP_NS = 50_000_000
WIDTH, LEFT, RIGHT = 1120, 84, 24
_FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


def nice_ceiling(value):
    """The smallest of 2, 4, 6, 8, 10, 20, 40, ... that is not below the value."""
    step = 1
    while True:
        for factor in (2, 4, 6, 8, 10):
            if factor * step >= value:
                return factor * step
        step *= 10


class Canvas:
    def __init__(self, width, height, description):
        self._parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
                       f"viewBox='0 0 {width} {height}' role='img' {_FONT}>",
                       f"<title>{escape(description)}</title>",
                       f"<rect width='{width}' height='{height}' fill='#ffffff'/>"]

    def text(self, x, y, content, size=13, anchor="start", fill="#333333", weight="normal"):
        self._parts.append(f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{fill}' "
                           f"font-weight='{weight}'>{escape(content)}</text>")

    def line(self, x1, y1, x2, y2, stroke="#cccccc", width=1.0, dash=None):
        dashes = f" stroke-dasharray='{dash}'" if dash else ""
        self._parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{stroke}' "
                           f"stroke-width='{width}'{dashes}/>")

    def rectangle(self, x, y, width, height, fill, opacity=1.0):
        self._parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{fill}' "
                           f"fill-opacity='{opacity}'/>")

    def area(self, points, fill):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f"<polygon points='{path}' fill='{fill}' fill-opacity='0.72' stroke='{fill}' stroke-width='1.2' "
                           "stroke-linejoin='round'/>")

    def finished(self):
        return "\n".join([*self._parts, "</svg>", ""])


class TimeAxis:
    def __init__(self, begin_ns, end_ns):
        self.begin_ns, self.end_ns = begin_ns, end_ns

    def x(self, time_ns):
        return LEFT + (WIDTH - LEFT - RIGHT) * (time_ns - self.begin_ns) / (self.end_ns - self.begin_ns)


def draw_steps(canvas, axis, middle, scale, counts, colour):
    """Steps, one polygon for each stretch in which the interface carried anything."""
    stretch = []
    for index, count in enumerate([*counts, 0]):
        left = axis.x(min(axis.begin_ns + index * STEP_NS, axis.end_ns))
        right = axis.x(min(axis.begin_ns + (index + 1) * STEP_NS, axis.end_ns))
        if count:
            stretch += [(left, middle - count * scale), (right, middle - count * scale)]
        elif stretch:
            canvas.area([(stretch[0][0], middle), *stretch, (stretch[-1][0], middle)], colour)
            stretch = []


def draw_events(canvas, axis, top, height, phases, notes):
    """A line at the beginning of each phase, what happened there, and the note on the phase: {phase title: text or None}."""
    for phase in phases:
        x = axis.x(phase.begin_ns)
        if phase.event:
            canvas.line(x, top - 36, x, top + height, "#444444", 1.4, "5 3")
        canvas.text(x + 5, top - 26, phase.event or phase.title, 12, weight="bold", fill="#222222")
        if note := notes.get(phase.title):
            canvas.text(x + 5, top - 10, note, 12, fill="#444444")


def draw_seconds(canvas, axis, y):
    total = (axis.end_ns - axis.begin_ns) / 1e9
    step = 1 if total <= 20 else 2
    for second in range(0, int(total) + 1, step):
        x = axis.x(axis.begin_ns + second * 1_000_000_000)
        canvas.line(x, y, x, y + 4, "#666666")
        canvas.text(x, y + 17, f"{second} s", 11, "middle", "#666666")
