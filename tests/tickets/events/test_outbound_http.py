"""HTTP calls to addresses chosen by clients: only public ones, in every spelling."""

from typing import Any

import pytest

from tests.receiver import Receiver
from tickets.errors import UnsafeUrl
from tickets.events import outbound_http

PRIVATE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0177.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost:443/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://①②⑦.⓪.⓪.①/",
]
WRONG = [
    "http://93.184.216.34/",
    "ftp://93.184.216.34/",
    "file:///etc/passwd",
    "gopher://93.184.216.34/",
    "//93.184.216.34/",
    "93.184.216.34",
    "",
    "https://",
    "https:///path",
    "https://user@93.184.216.34/",
    "https://user:secret@93.184.216.34/",
    "https://:secret@93.184.216.34/",
    "https://93.184.216.34:99999/",
    "https://93.184.216.34:port/",
    "https://[::1/",
    "https://[not-an-address]/",
    "https://" + "a" * 70 + ".example/",
    "https://nobody.invalid/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        outbound_http.check_url(url)


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_is_no_plain_https_is_refused(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        outbound_http.check_url(url)


@pytest.mark.parametrize("url", [*PRIVATE[:3], *WRONG])
def test_posting_to_a_refused_address_returns_an_error(url: str) -> None:
    answer = outbound_http.post(url, b"{}", {})

    assert (answer.status, answer.ok) == (None, False)
    assert answer.error


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://93.184.216.34/hook", "93.184.216.34"),
        ("https://93.184.216.34:8443/hook", "93.184.216.34"),
        ("https://[2606:2800:220:1::1]/", "2606:2800:220:1::1"),
        ("https://[64:ff9b::5db8:d822]/", "64:ff9b::5db8:d822"),
    ],
)
def test_a_public_address_is_returned_to_connect_to(url: str, address: str) -> None:
    assert outbound_http.check_url(url) == address


def test_the_setting_for_developers_allows_private_addresses(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True

    assert outbound_http.check_url("http://127.0.0.1:8000/") == "127.0.0.1"
    with pytest.raises(UnsafeUrl):
        outbound_http.check_url("ftp://127.0.0.1/")
    with pytest.raises(UnsafeUrl):
        outbound_http.check_url("http://user@127.0.0.1/")


def test_a_post_arrives_with_its_headers_and_its_host(receiver: Receiver) -> None:
    answer = outbound_http.post(f"{receiver.url}?a=b", b'{"a":1}', {"webhook-id": "1"})

    [request] = receiver.received
    assert (answer.status, answer.ok) == (204, True)
    assert (request.path, request.body) == ("/hook?a=b", b'{"a":1}')
    assert request.headers["webhook-id"] == "1"
    assert request.headers["host"] in receiver.url


@pytest.mark.parametrize(("status", "ok"), [(200, True), (299, True), (404, False), (500, False)])
def test_only_a_status_of_2xx_is_a_success(receiver: Receiver, status: int, ok: bool) -> None:
    receiver.answers = [status]

    assert outbound_http.post(receiver.url, b"{}", {}).ok is ok


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status, 204]

    answer = outbound_http.post(receiver.url, b"{}", {})

    assert (answer.status, answer.ok) == (status, False)
    assert len(receiver.received) == 1


def test_a_refused_connection_returns_an_error(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True

    answer = outbound_http.post("http://127.0.0.1:9/", b"{}", {})

    assert (answer.status, answer.ok) == (None, False)
    assert answer.error == "NewConnectionError"
