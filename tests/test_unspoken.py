"""What is said nowhere, of addresses and passwords."""

import pytest

from safetyd.unspoken import unspoken_of


@pytest.mark.parametrize(
    ("url", "seen", "unseen"),
    [
        ("mailto://robin:pa55word@mail.example", "mail.example", "pa55word"),
        ("mailto://robin:p%40ssword@mail.example", "mail.example", "p@ssword"),
        ("mailto://mail.example?to=robin@home.example", "mail.example", "robin@home.example"),
        ("https://hooks.example/T0123456789abcdefg", "hooks.example", "T0123456789abcdefg"),
        ("only-a-password", "password", "only-a-password"),
        ("json://127.0.0.1:8000/hook", "127.0.0.1:8000", "json://127.0.0.1:8000/hook"),
    ],
)
def test_of_an_address_what_looks_like_a_key_is_secret_and_where_it_leads_is_not(
    url: str, seen: str, unseen: str
) -> None:
    found = unspoken_of([url])
    assert unseen in found and url in found and seen not in found


def test_what_is_too_short_to_be_a_secret_takes_no_words_away() -> None:
    assert unspoken_of(["abc"]) == set()
