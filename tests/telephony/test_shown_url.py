"""URLs as they are printed: nothing that opens something is in them."""

import pytest

from telephony.errors import UserError
from telephony.manifest.route import StreamRoute
from telephony.shown_url import shown_url
from tests.telephony.manifest.manifests import MINIMAL, parsed


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://bot.lotus.in/answer", "https://bot.lotus.in/answer"),
        ("https://me:s3cret@bot.lotus.in:8443/answer", "https://me:***@bot.lotus.in:8443/answer"),
        ("https://me:s3/c@ret@bot.lotus.in/", "https://me:s3/c@ret@bot.lotus.in/"),  # the host is `me`
        ("https://me:a@b@bot.lotus.in/", "https://me:***@bot.lotus.in/"),
        ("https://token@bot.lotus.in", "https://***@bot.lotus.in"),
        ("https://bot.lotus.in?token=s3cret", "https://bot.lotus.in?token=***"),
        ("https://bot.lotus.in/a?x=1&y=&token=s=3#part", "https://bot.lotus.in/a?x=***&y=&token=***#part"),
        ("https://bot.lotus.in/a?s3cret", "https://bot.lotus.in/a?***"),
        ("https://bot.lotus.in/a?", "https://bot.lotus.in/a?"),
        ("wss://me:s3cret@bot.lotus.in/a?b=c", "wss://me:***@bot.lotus.in/a?b=***"),
        ("https://bot.lotus.in/a?b=c\nd", "https://bot.lotus.in/a?b=***"),
        ("me:s3cret is no URL?x=1", "me:s3cret is no URL?x=1"),
        ("", ""),
    ],
)
def test_passwords_and_query_values_are_hidden(url: str, shown: str) -> None:
    """The rest stays, so that one sees which URL it is."""
    assert shown_url(url) == shown


def test_what_the_manifest_takes_from_the_environment_is_shown_by_its_name() -> None:
    """Also in a path, and where our own stream server's address is completed."""
    stream = (
        "{ stream: { answer_url: 'https://me:${PW}@x.in/${PART}/a?t=${T}&u=${T}1', hangup_url: 'https://x.in/b' } }"
    )
    other = "{ stream: { server: 'https://y.in/${PART}/', agent: front-desk } }"
    text = MINIMAL.replace("{ agent: front-desk }", f'{stream}\n  - number: "+918071000002"\n    route: {other}')
    manifest = parsed(text, PW="s3cret", PART="hidden", T="t0ken")
    routes = [entry.route for entry in manifest.numbers]
    assert isinstance(routes[0], StreamRoute)
    assert isinstance(routes[1], StreamRoute)
    url = routes[0].stream.answer_url
    assert url == "https://me:s3cret@x.in/hidden/a?t=t0ken&u=t0ken1"
    assert shown_url(url, manifest.written_urls) == "https://me:${PW}@x.in/${PART}/a?t=${T}&u=***"
    assert shown_url("https://x.in/b", manifest.written_urls) == "https://x.in/b"
    assert shown_url(routes[1].stream.answer_url, manifest.written_urls) == "https://y.in/${PART}/vobiz/answer"


@pytest.mark.parametrize("url", ["http://me:s3cret@bot.in/a?t=s3cret", "ftp://me:s3cret@bot.in/a?t=s3cret"])
def test_a_url_that_is_refused_is_told_without_its_secrets(url: str) -> None:
    """It stands in the manifest as it is."""
    with pytest.raises(UserError, match=r"me:\*\*\*@bot\.in/a\?t=\*\*\*") as refused:
        parsed(MINIMAL.replace("{ agent: front-desk }", f"{{ stream: {{ answer_url: '{url}' }} }}"))
    assert "s3cret" not in str(refused.value)
