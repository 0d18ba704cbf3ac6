# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets over time per flow and interface, as an SVG file."""

from .drawing import LEFT, RIGHT, STEP_NS, WIDTH, Canvas, TimeAxis, draw_events, draw_seconds, draw_steps, nice_ceiling
from .measure import rate_over_time

COLOURS = {"wlan0": "#2166ac", "wwan0": "#e08214"}
_TOP, _HEADING, _PANEL, _SPACE = 196, 64, 190, 98


def draw(parts):
    """SVG text. A part has `title`, `captures` {interface: packets}, `udp_key`, `tcp_key`, `phases`, and `notes()`
    {(flow name, phase title): text}; each has a time axis of its own."""
    panels = [(part, key) for part in parts for key in (part.udp_key, part.tcp_key)]
    height = _TOP + len(panels) * (_PANEL + _SPACE) + (len(parts) - 1) * _HEADING - 60
    canvas = Canvas(WIDTH, height, "Packets over time per flow and interface")
    canvas.text(LEFT, 30, "Two live flows of one laptop to one correspondent node", 18, weight="bold")
    canvas.text(LEFT, 52, "Packets per 50 ms on each interface of the laptop, counted in captures: "
                          "above the line from the laptop, below the line to it", 13, fill="#666666")
    _legend(canvas, COLOURS)
    top = _TOP - _HEADING
    for part in parts:
        axis, notes = TimeAxis(part.phases[0].begin_ns, part.phases[-1].end_ns), part.notes()
        canvas.text(LEFT, top - 14, part.title, 15, weight="bold")
        top += _HEADING
        for key in (part.udp_key, part.tcp_key):
            _panel(canvas, axis, top, part.captures, key, part.phases, notes)
            top += _PANEL + _SPACE
    return canvas.finished()


def _legend(canvas, colours):
    x = LEFT
    for interface, colour in colours.items():
        canvas.rectangle(x, 66, 16, 12, colour, 0.72)
        canvas.text(x + 22, 77, interface, 13)
        x += 92
    canvas.line(x + 4, 72, x + 30, 72, "#444444", 1.4, "5 3")
    canvas.text(x + 38, 77, "what was done", 13)


def _panel(canvas, axis, top, captures, key, phases, notes):
    middle = top + _PANEL / 2
    series = {interface: (rate_over_time(packets, key.outgoing, axis.begin_ns, axis.end_ns, STEP_NS),
                          rate_over_time(packets, key.incoming, axis.begin_ns, axis.end_ns, STEP_NS))
              for interface, packets in captures.items()}
    ceiling = nice_ceiling(max((max(counts) for pair in series.values() for counts in pair), default=1))
    scale = (_PANEL / 2 - 12) / ceiling

    canvas.rectangle(LEFT, top, WIDTH - LEFT - RIGHT, _PANEL, "#f6f7f9")
    for value in (ceiling / 2, ceiling):
        for sign in (1, -1):
            canvas.line(LEFT, middle - sign * value * scale, WIDTH - RIGHT, middle - sign * value * scale, "#e2e4e8")
            canvas.text(LEFT - 8, middle - sign * value * scale + 4, f"{value:g}", 11, "end", "#666666")
    canvas.text(LEFT - 8, middle + 4, "0", 11, "end", "#666666")
    for interface, (outgoing, incoming) in series.items():
        draw_steps(canvas, axis, middle, scale, outgoing, COLOURS[interface])
        draw_steps(canvas, axis, middle, -scale, incoming, COLOURS[interface])
    canvas.line(LEFT, middle, WIDTH - RIGHT, middle, "#444444")
    canvas.text(LEFT, top - 48, key.name, 14, weight="bold")
    draw_events(canvas, axis, top, _PANEL, phases, {phase.title: notes.get((key.name, phase.title)) for phase in phases})
    draw_seconds(canvas, axis, top + _PANEL)
