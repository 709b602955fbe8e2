"""What is on an agent's page, read out of the page as a browser would. Pure."""

import html
import re
from typing import NamedTuple

UUID = r"[0-9a-f-]{36}"
OFFER = re.compile(rf'<article class="offer" id="offer-({UUID})"[^>]*>')
ROW = re.compile(rf'<a id="row-({UUID})"')
STAGE = re.compile(r'<section id="(?:work|conversation)"[^>]*data-stage="(\w+)"')
PRESENCE = re.compile(r'<section id="presence"[^>]*data-status="(\w+)"')
SIGNATURE = re.compile(r'data-signature="(\w*)"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
MESSAGE = re.compile(
    r'<li class="message"[^>]*data-from="(\w+)" data-seq="(\d+)"(?: data-cid="([^"]*)")?>'
    r'<p class="said" dir="auto"><span class="unseen">.*?</span>(.*?)</p>',
    re.DOTALL,
)


class Words(NamedTuple):
    """A message on the screen; `number` is the writer's own, of agents' words only."""

    origin: str
    seq: int
    number: str
    text: str


class DeskPage(NamedTuple):
    """What a page or a fragment of one shows; what it says nothing of is empty."""

    offers: list[str]
    conversations: list[str]
    words: list[Words]
    stage: str
    presence: str
    signature: str


def read(page: str) -> DeskPage:
    return DeskPage(
        offers=OFFER.findall(page),
        conversations=ROW.findall(page),
        words=[
            Words(origin, int(seq), number, html.unescape(text))
            for origin, seq, number, text in MESSAGE.findall(page)
        ],
        stage=_first(STAGE, page),
        presence=_first(PRESENCE, page),
        signature=_first(SIGNATURE, page),
    )


def token(page: str) -> str:
    """What a form of this page is sent with."""
    return _first(TOKEN, page)


def _first(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    return found[1] if found else ""
