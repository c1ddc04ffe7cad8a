from __future__ import annotations

import threading

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from explorer.engine.lanes import Lanes, Request, Stop


def request(id: int, lane: str) -> Request:
    return Request(id, "echo", lane)


def test_the_newest_waiting_request_of_a_lane_takes_the_place_of_the_older() -> None:
    lanes = Lanes()
    first, other, newest = request(1, "graph"), request(2, "text"), request(3, "graph")
    assert [lanes.put(each) for each in (first, other, newest)] == [None, None, first]
    assert [lanes.take(), lanes.take()] == [newest, other]


def test_a_newer_request_stops_the_running_one_of_its_lane_only() -> None:
    lanes = Lanes()
    lanes.put(request(1, "graph"))
    lanes.take()
    lanes.put(request(2, "text"))
    assert lanes.stop is None
    lanes.put(request(3, "graph"))
    assert lanes.stop is Stop.SUPERSEDED


def test_a_cancel_after_the_end_stops_nothing() -> None:
    lanes = Lanes()
    lanes.put(request(1, ""))
    lanes.put(request(2, ""))
    lanes.take()
    lanes.take()
    assert lanes.cancel(1) is None
    assert lanes.stop is None


def test_closing_wakes_who_waits_for_a_request() -> None:
    lanes, taken = Lanes(), [request(0, "")]
    thread = threading.Thread(target=lambda: taken.append(lanes.take()))
    thread.start()
    lanes.close()
    thread.join(10)
    assert taken[1:] == [None]


class EveryRequestEndsOnce(RuleBasedStateMachine):
    """Whatever is put and cancelled: each request is superseded, withdrawn or taken, exactly once."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes, self.open, self.lane_of = Lanes(), [], {}

    @rule(lane=st.sampled_from(["", "a", "b"]))
    def put(self, lane: str) -> None:
        id = len(self.lane_of)
        self.lane_of[id] = lane
        older = self.lanes.put(request(id, lane))
        self.open.append(id)
        if older is not None:
            assert older.lane == lane != ""
            self.open.remove(older.id)

    @precondition(lambda self: self.lane_of)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.lane_of)))
        withdrawn = self.lanes.cancel(id)
        assert (withdrawn is not None) == (id in self.open)
        if withdrawn is not None:
            self.open.remove(id)

    @precondition(lambda self: self.open)
    @rule()
    def take(self) -> None:
        taken = self.lanes.take()
        assert taken is not None
        self.open.remove(taken.id)
        assert self.lanes.stop is None

    def teardown(self) -> None:
        named = [self.lane_of[id] for id in self.open if self.lane_of[id]]
        assert len(named) == len(set(named))


TestEveryRequestEndsOnce = EveryRequestEndsOnce.TestCase
