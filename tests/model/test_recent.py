"""A dictionary that does not grow."""

from envkit.model.recent import Recent


def test_the_oldest_gives_way():
    memo = Recent[str, int](3)
    for number, key in enumerate("abcdb"):
        memo[key] = number
    assert memo == {"b": 4, "c": 2, "d": 3}
    memo["e"] = 5
    assert list(memo) == ["c", "d", "e"]
