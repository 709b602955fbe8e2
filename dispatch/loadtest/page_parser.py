"""Reads the parts of an agent's page out of its HTML, as a browser would. Pure."""

import re
from html.parser import HTMLParser
from typing import NamedTuple

OFFER = re.compile(r"offer-([0-9a-f-]{36})")
ROW = re.compile(r"row-([0-9a-f-]{36})")
#: Elements without an end tag.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}

Attributes = dict[str, str]


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
    return _parse(page).page()


def token(page: str) -> str:
    """What a form of this page is sent with."""
    return _parse(page).token


class DeskParser(HTMLParser):
    """Collects the parts of a page by the elements that carry them."""

    def __init__(self) -> None:
        super().__init__()
        self.offers: list[str] = []
        self.conversations: list[str] = []
        self.words: list[Words] = []
        self.stage = self.presence = self.signature = self.token = ""
        self._open: list[Attributes] = []

    def page(self) -> DeskPage:
        return DeskPage(
            self.offers, self.conversations, self.words, self.stage, self.presence, self.signature
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.signature = self.signature or named.get("data-signature", "")
        match tag:
            case "article" | "a":
                self._read_id(named)
            case "section":
                self._read_section(named)
            case "input" if named.get("name") == "csrfmiddlewaretoken":
                self.token = self.token or named.get("value", "")
            case "li" if _has_class(named, "message"):
                self._read_message(named)
        if tag not in VOID:
            self._open.append(named)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, text: str) -> None:
        # The paragraph also holds the writer's name, in an element of its own.
        if self.words and self._open and _has_class(self._open[-1], "said"):
            last = self.words[-1]
            self.words[-1] = last._replace(text=last.text + text)

    def _read_id(self, named: Attributes) -> None:
        if found := OFFER.fullmatch(named.get("id", "")):
            self.offers.append(found[1])
        if found := ROW.fullmatch(named.get("id", "")):
            self.conversations.append(found[1])

    def _read_section(self, named: Attributes) -> None:
        match named.get("id"):
            case "work" | "conversation":
                self.stage = self.stage or named.get("data-stage", "")
            case "presence":
                self.presence = self.presence or named.get("data-status", "")

    def _read_message(self, named: Attributes) -> None:
        number = named.get("data-cid", "")
        self.words.append(Words(named["data-from"], int(named["data-seq"]), number, ""))


def _parse(page: str) -> DeskParser:
    parser = DeskParser()
    parser.feed(page)
    parser.close()
    return parser


def _has_class(named: Attributes, name: str) -> bool:
    return name in named.get("class", "").split()
