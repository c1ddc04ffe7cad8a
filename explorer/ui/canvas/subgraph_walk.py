"""Walking on the subgraph: which box a key leads to."""

from __future__ import annotations

from explorer.session.diagram import Diagram


def step(diagram: Diagram, current: str, dx: int, dy: int) -> str:
    """Up along the strongest drawn link out of a box, down along the strongest into it, else the nearest box that way.

    Without a current box the first one; where nothing lies that way, the box itself.
    """
    boxes = diagram.drawn.boxes
    if not any(box.id == current for box in boxes):
        return boxes[0].id if boxes else ""
    if dy:
        outwards = dy < 0
        for link in diagram.links:
            near, far = (link.source, link.target) if outwards else (link.target, link.source)
            if near == current:
                return far
    return _nearest(diagram, current, dx, dy)


def _nearest(diagram: Diagram, current: str, dx: int, dy: int) -> str:
    x, y = diagram.middles[current]
    best, found = float("inf"), current
    for id, (other_x, other_y) in diagram.middles.items():
        along = (other_x - x) * dx + (other_y - y) * dy
        aside = abs((other_x - x) * dy) + abs((other_y - y) * dx)
        cost = along + 3 * aside
        if along > 1 and cost < best:
            best, found = cost, id
    return found


def strongest(diagram: Diagram, current: str, *, outwards: bool) -> str:
    """The other end of the strongest link into or out of a box, drawn or not; the box itself without one."""
    links = diagram.drawn.outputs(current) if outwards else diagram.drawn.inputs(current)
    if not links:
        return current
    return links[0].target if outwards else links[0].source
