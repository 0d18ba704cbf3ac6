# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets over time per flow and interface, as an SVG file."""

from html import escape

from .measure import rate_over_time

STEP_NS = 50_000_000
COLOURS = {"wlan0": "#2166ac", "wwan0": "#e08214"}
_WIDTH, _LEFT, _RIGHT = 1120, 84, 24
_TOP, _PANEL, _SPACE = 160, 210, 98
_FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


def _nice_ceiling(value):
    """The smallest of 2, 4, 6, 8, 10, 20, 40, ... that is not below the value."""
    step = 1
    while True:
        for factor in (2, 4, 6, 8, 10):
            if factor * step >= value:
                return factor * step
        step *= 10


class _Canvas:
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


class _TimeAxis:
    def __init__(self, begin_ns, end_ns):
        self.begin_ns, self.end_ns = begin_ns, end_ns

    def x(self, time_ns):
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (time_ns - self.begin_ns) / (self.end_ns - self.begin_ns)


def draw(captures, keys, phases, notes):
    """SVG text. `captures`: {interface: packets}; `keys`: FlowKey per panel; `notes`: {(flow name, phase title): text}."""
    axis = _TimeAxis(phases[0].begin_ns, phases[-1].end_ns)
    height = _TOP + len(keys) * (_PANEL + _SPACE) - 60
    canvas = _Canvas(_WIDTH, height, "Packets over time per flow and interface")
    canvas.text(_LEFT, 30, "Two live flows of one laptop to one correspondent node", 18, weight="bold")
    canvas.text(_LEFT, 52, "Packets per 50 ms on each interface of the laptop, counted in captures: "
                           "above the line from the laptop, below the line to it", 13, fill="#666666")
    _legend(canvas, captures)
    for number, key in enumerate(keys):
        top = _TOP + number * (_PANEL + _SPACE)
        _panel(canvas, axis, top, captures, key, phases, notes)
    return canvas.finished()


def _legend(canvas, captures):
    x = _LEFT
    for interface in captures:
        canvas.rectangle(x, 66, 16, 12, COLOURS[interface], 0.72)
        canvas.text(x + 22, 77, interface, 13)
        x += 92
    canvas.line(x + 4, 72, x + 30, 72, "#444444", 1.4, "5 3")
    canvas.text(x + 38, 77, "what was done", 13)


def _panel(canvas, axis, top, captures, key, phases, notes):
    middle = top + _PANEL / 2
    series = {interface: (rate_over_time(packets, key.outgoing, axis.begin_ns, axis.end_ns, STEP_NS),
                          rate_over_time(packets, key.incoming, axis.begin_ns, axis.end_ns, STEP_NS))
              for interface, packets in captures.items()}
    ceiling = _nice_ceiling(max((max(counts) for pair in series.values() for counts in pair), default=1))
    scale = (_PANEL / 2 - 12) / ceiling

    canvas.rectangle(_LEFT, top, _WIDTH - _LEFT - _RIGHT, _PANEL, "#f6f7f9")
    for value in (ceiling / 2, ceiling):
        for sign in (1, -1):
            canvas.line(_LEFT, middle - sign * value * scale, _WIDTH - _RIGHT, middle - sign * value * scale, "#e2e4e8")
            canvas.text(_LEFT - 8, middle - sign * value * scale + 4, f"{value:g}", 11, "end", "#666666")
    canvas.text(_LEFT - 8, middle + 4, "0", 11, "end", "#666666")
    for interface, (outgoing, incoming) in series.items():
        _series(canvas, axis, middle, scale, outgoing, COLOURS[interface])
        _series(canvas, axis, middle, -scale, incoming, COLOURS[interface])
    canvas.line(_LEFT, middle, _WIDTH - _RIGHT, middle, "#444444")
    canvas.text(_LEFT, top - 48, key.name, 14, weight="bold")
    _events(canvas, axis, top, phases, key, notes)
    _seconds(canvas, axis, top + _PANEL)


def _series(canvas, axis, middle, scale, counts, colour):
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


def _events(canvas, axis, top, phases, key, notes):
    for phase in phases:
        x = axis.x(phase.begin_ns)
        if phase.event:
            canvas.line(x, top - 36, x, top + _PANEL, "#444444", 1.4, "5 3")
        canvas.text(x + 5, top - 26, phase.event or phase.title, 12, weight="bold", fill="#222222")
        if note := notes.get((key.name, phase.title)):
            canvas.text(x + 5, top - 10, note, 12, fill="#444444")


def _seconds(canvas, axis, y):
    total = (axis.end_ns - axis.begin_ns) / 1e9
    step = 1 if total <= 20 else 2
    for second in range(0, int(total) + 1, step):
        x = axis.x(axis.begin_ns + second * 1_000_000_000)
        canvas.line(x, y, x, y + 4, "#666666")
        canvas.text(x, y + 17, f"{second} s", 11, "middle", "#666666")
