"""The clockwork of the benchmarks: order, hooks, failures."""

import pytest

from benchmarks.timing import Row, Subject, Table, Timed, interleave, seconds


def test_subjects_take_turns_and_the_first_place_rotates():
    seen = []
    interleave({name: lambda name=name: seen.append(name) for name in "abc"}, rounds=3, warmup=0)
    assert seen == list("abcbcacab")


def test_warmup_is_run_but_not_counted():
    calls = []
    table = interleave({"a": lambda: calls.append(1)}, rounds=4, warmup=2)
    assert len(calls) == 6
    assert len(table["a"].samples) == 4


def test_prepare_feeds_run_and_finish_sees_the_result():
    made, results = iter(range(100)), []
    table = interleave(
        {"a": Subject(run=lambda folder: folder * 10, prepare=lambda: next(made), finish=results.append)},
        rounds=3,
        warmup=0,
    )
    assert results == [0, 10, 20]
    assert table["a"].error is None


def test_a_failure_is_a_row_and_the_others_go_on():
    def broken():
        raise ValueError("no such thing\nmore")

    table = interleave({"bad": broken, "good": lambda: None}, rounds=3)
    assert table["bad"].error == "ValueError: no such thing"
    assert len(table["good"].samples) == 3
    assert "no such thing" in table.markdown(base="good")


def test_slow_subjects_take_fewer_rounds():
    table = interleave({"slow": Subject(lambda: None, rounds=2), "fast": lambda: None}, rounds=5, warmup=0)
    assert (len(table["slow"].samples), len(table["fast"].samples)) == (2, 5)
    spent = interleave({"a": lambda: sum(range(200_000))}, rounds=50, warmup=0, budget=0.001)
    assert 1 <= len(spent["a"].samples) < 50


def test_ratio_is_of_medians():
    table = Table({"a": Row("a", (1.0, 2.0, 9.0)), "b": Row("b", (4.0, 4.0))})
    assert table.ratio("a", "b") == 0.5
    assert "| a | 2 s | 1 s | 9 s | 3 | 0.50 |" in table.markdown(base="b")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0421, "42.1 ms"), (3.2, "3.2 s"), (5.2e-6, "5.2 us"), (1234.0, "1234 s")]
)
def test_seconds_has_a_fitting_unit(value, text):
    assert seconds(value) == text


def test_a_subject_may_measure_itself():
    results = []
    table = interleave({"a": Subject(lambda: Timed(2.5, "done"), finish=results.append)}, rounds=2, warmup=0)
    assert table["a"].samples == (2.5, 2.5)
    assert results == ["done", "done"]
