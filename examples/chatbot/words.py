"""Sentences of the page and the bot, in English and French."""

import json
from math import ceil
from pathlib import Path

LANGUAGES = ("en", "fr")
WORDS: dict[str, dict[str, str]] = {
    code: json.loads((Path(__file__).parent / "words" / f"{code}.json").read_text("utf-8"))
    for code in LANGUAGES
}


def say(language: str, key: str, **facts: object) -> str:
    """The sentence of this key with its placeholders filled."""
    return WORDS[language][key].format(**facts)


def choose_language(accept_language: str) -> str:
    """The first of our languages that the browser accepts, or English."""
    wishes: list[tuple[float, int, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        if tag[:2].lower() in LANGUAGES:
            wishes.append((-_parse_weight(weight), len(wishes), tag[:2].lower()))
    return min(wishes)[2] if wishes else "en"


def show_queue(language: str, *, position: int | None, wait_s: int | None) -> str:
    """The customer's position and expected wait, as far as Relève estimated them."""
    place = say(language, "head_queue")
    if position is not None:
        place = say(language, "head_number", position=position)
    if wait_s is None:
        return say(language, "head_no_wait", place=place)
    return say(language, "head_wait", place=place, minutes=max(1, ceil(wait_s / 60)))


def _parse_weight(weight: str) -> float:
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0
