"""Many deadlines in one place: each comes up once, in order, and only as last set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.dialing.alarms import Alarms
from app.units import AttemptId

NAMES = st.sampled_from([AttemptId(name) for name in "abcde"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, st.none() | st.integers(0, 50)),
        st.tuples(st.just("due"), st.integers(0, 60), st.none()),
    ),
    max_size=60,
)


@given(STEPS)
def test_it_does_what_a_plain_dictionary_would(steps: list[tuple[str, AttemptId | int, int | None]]) -> None:
    alarms, model = Alarms(), dict[AttemptId, int]()
    for kind, what, at_ms in steps:
        if kind == "set":
            assert isinstance(what, str)
            alarms.set(what, at_ms)
            if at_ms is None:
                model.pop(what, None)
            else:
                model[what] = at_ms
        else:
            assert isinstance(what, int)
            expected = sorted((at, name) for name, at in model.items() if at <= what)
            assert [(model[name], name) for name in alarms.due(what)] == expected
            for _, name in expected:
                del model[name]
        assert alarms.next_ms() == min(model.values(), default=None)
