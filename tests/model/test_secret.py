from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.model.secret import Secret, mask_credentials, strip_credentials
from envkit.model.source import Index


def test_a_secret_shows_itself_nowhere():
    secret = Secret("hunter2")
    for text in (str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", repr([secret]), repr({"a": secret})):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != "hunter2"


words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=6, max_size=12)


@given(words, words)
def test_no_form_of_an_index_shows_the_password(user, password):
    url = f"https://{user}:{password}@index.example/simple/"
    index = Index(url)
    assert mask_credentials(f"before {url} after") == "before https://****@index.example/simple/ after"
    assert strip_credentials(url) == "https://index.example/simple/"
    assert f":{password}@" not in repr(index) + index.label + f"{index}"


def test_the_user_name_of_ssh_stays():
    assert strip_credentials("git+ssh://git@host.example/x.git") == "git+ssh://git@host.example/x.git"
    assert strip_credentials("git+ssh://git:pw@host.example/x.git") == "git+ssh://host.example/x.git"


@pytest.mark.parametrize("text", ["https://a@b:c@host.example/", "https://u:p@ss@host.example/x"])
def test_odd_user_information_is_masked_whole(text):
    assert mask_credentials(text).startswith("https://****@host.example/")
