"""What the page and the bot say, in English and in French."""

import json
from math import ceil
from pathlib import Path

LANGUAGES = ("en", "fr")
WORDS: dict[str, dict[str, str]] = {
    code: json.loads((Path(__file__).parent / "words" / f"{code}.json").read_text("utf-8"))
    for code in LANGUAGES
}


def say(language: str, key: str, **facts: object) -> str:
    """The sentence called `key`, with its facts filled in."""
    return WORDS[language][key].format(**facts)


def preferred(accept_language: str) -> str:
    """The first of our languages that the browser asks for; English when it asks for none."""
    wishes: list[tuple[float, int, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        if tag[:2].lower() in LANGUAGES:
            wishes.append((-_number(weight), len(wishes), tag[:2].lower()))
    return min(wishes)[2] if wishes else "en"


def queue_headline(language: str, *, position: int | None, wait_s: int | None) -> str:
    """Where the customer stands and how long it may take, as far as anybody knows."""
    place = say(language, "head_queue")
    if position is not None:
        place = say(language, "head_number", position=position)
    if wait_s is None:
        return say(language, "head_no_wait", place=place)
    return say(language, "head_wait", place=place, minutes=max(1, ceil(wait_s / 60)))


def _number(weight: str) -> float:
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0
