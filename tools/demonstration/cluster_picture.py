# SPDX-License-Identifier: GPL-3.0-or-later
"""Which home agent tunnelled how many packets of which flow over time, as an SVG file."""

from .drawing import LEFT, RIGHT, STEP_NS, WIDTH, Canvas, TimeAxis, draw_events, draw_seconds, nice_ceiling
from .measure import rate_over_time

COLOURS = ("#2166ac", "#e08214", "#1b7837", "#c51b7d", "#8c510a", "#01665e", "#762a83", "#b2182b")
_TOP, _PANEL, _SPACE = 150, 150, 84


def draw(agents, captures, flows, phases, notes):
    """SVG text. `captures` {agent: packets that it sent into tunnels}; `flows` FlowKeys in the order of their colours;
    `notes` {(agent, phase title): text}."""
    canvas = Canvas(WIDTH, _TOP + len(agents) * (_PANEL + _SPACE) - 30, "Packets over time per home agent")
    axis = TimeAxis(phases[0].begin_ns, phases[-1].end_ns)
    canvas.text(LEFT, 30, "Eight home addresses, three home agents", 18, weight="bold")
    canvas.text(LEFT, 52, "Packets per 50 ms that each home agent tunnelled to the laptop, counted in captures there, one colour "
                          "for each home address", 13, fill="#666666")
    series = {agent: _rates(captures[agent], flows, axis) for agent in agents}
    ceiling = nice_ceiling(max((max(map(sum, zip(*rates))) for rates in series.values()), default=1))
    top = _TOP
    for agent in agents:
        _panel(canvas, axis, top, series[agent], ceiling)
        canvas.text(LEFT, top - 46, agents[agent], 14, weight="bold")
        draw_events(canvas, axis, top, _PANEL, phases, {phase.title: notes.get((agent, phase.title)) for phase in phases})
        draw_seconds(canvas, axis, top + _PANEL)
        top += _PANEL + _SPACE
    return canvas.finished()


def _rates(packets, flows, axis):
    return [rate_over_time(packets, flow.incoming, axis.begin_ns, axis.end_ns, STEP_NS) for flow in flows]


def _panel(canvas, axis, top, rates, ceiling):
    bottom = top + _PANEL
    scale = (_PANEL - 12) / ceiling
    canvas.rectangle(LEFT, top, WIDTH - LEFT - RIGHT, _PANEL, "#f6f7f9")
    for value in (0, ceiling / 2, ceiling):
        canvas.line(LEFT, bottom - value * scale, WIDTH - RIGHT, bottom - value * scale, "#e2e4e8")
        canvas.text(LEFT - 8, bottom - value * scale + 4, f"{value:g}", 11, "end", "#666666")
    step = axis.x(axis.begin_ns + STEP_NS) - axis.x(axis.begin_ns)
    for index, counts in enumerate(zip(*rates)):
        left = axis.x(axis.begin_ns + index * STEP_NS)
        below = 0
        for count, colour in zip(counts, COLOURS):
            if count:
                canvas.rectangle(left, bottom - (below + count) * scale, min(step, WIDTH - RIGHT - left), count * scale, colour, 0.8)
            below += count
    canvas.line(LEFT, bottom, WIDTH - RIGHT, bottom, "#444444")
