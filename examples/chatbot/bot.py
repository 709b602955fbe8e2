"""The bot's script: the questions it understands and its answers. Pure: no storage, no network."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A subject that the bot knows, with the human skills that help when the bot cannot."""

    code: str
    skills: tuple[tuple[str, int], ...]
    all_of: tuple[str, ...]
    urgency: str = "normal"

    @property
    def words_key(self) -> str:
        return self.code.replace("-", "_")


@dataclass(frozen=True)
class Reply:
    """The key of the sentence to say, its topic, and the suggested answers."""

    key: str
    topic: str | None = None
    choices: tuple[str, ...] = ()
    wants_human: bool = False
    understood: bool = True


CARD = r"\b(card|cards|carte|cartes)\b"
LOST = r"\b(lost|lose|forgot\w*|stolen|reset|perdu\w*|oubli\w*|vole\w*)\b"
TOPICS = (
    Topic(
        "card-blocked",
        (("cards", 2),),
        (CARD, r"\b(un)?(block|frozen|freez|declin|refus|swallow|stolen|bloqu|avale|vole)\w*"),
        urgency="high",
    ),
    Topic(
        "card-not-arrived",
        (("cards", 2),),
        (CARD, r"\b(arriv|receiv|come|came|deliver|post|mail|wait|still|recu|recois|livr|attend)"),
    ),
    Topic("refund-status", (("payments", 2),), (r"\b(refund|money back|rembours)\w*",)),
    Topic(
        "exchange-rate",
        (("payments", 1),),
        (r"\b(exchange|currenc(y|ies)|rates?|taux|devises?)\b",),
    ),
    Topic(
        "phone-pin",
        (("technical", 2),),
        (r"\b(pin|code|phone|mobile|telephone|portable)\b", LOST),
        urgency="high",
    ),
)
BY_CODE = {topic.code: topic for topic in TOPICS}
SUGGESTIONS = tuple(f"choice_{topic.words_key}" for topic in TOPICS)
AFTER_ANSWER = ("choice_thanks", "choice_no_help")

HUMAN = (
    r"\b(human|humain|(real|live) person|someone real|conseiller|advisor|operator|operateur)\b"
    r"|\b(talk|speak|parler|want|need|veux|voudrais)\b.*\b(person|personne|agent|quelqu un|someone)"
)
YES = r"^(yes|yeah|sure|ok|okay|please|oui|d accord|volontiers|try again|reessay\w*|retry)\b"
SMALL_TALK = (
    (r"\b(not|n t|doesn t|pas)\b.*\b(help|aide|marche|work)|\bm aide pas\b", "no_help"),
    (r"\b(thanks|thank you|merci)\b", "thanks"),
    (r"\b(bye|goodbye|au revoir)\b", "bye"),
    (r"^(hello|hi|hey|good (morning|evening)|bonjour|bonsoir|salut)\b", "hello_again"),
)


def choose_reply(text: str, *, misses: int = 0, offered: bool = False) -> Reply:
    """Choose the bot's answer. `offered`: the bot has just offered a human, or another try."""
    plain = _normalise(text)
    if re.search(HUMAN, plain) or (offered and re.search(YES, plain)):
        return Reply("asking", wants_human=True)
    if topic := recognise(text):
        return Reply(topic.words_key, topic.code, AFTER_ANSWER)
    return _answer_small_talk(plain) or _choose_fallback(misses)


def recognise(text: str) -> Topic | None:
    """Find the topic of a text, or None."""
    plain = _normalise(text)
    return next((t for t in TOPICS if all(re.search(p, plain) for p in t.all_of)), None)


def _answer_small_talk(plain: str) -> Reply | None:
    for pattern, key in SMALL_TALK:
        if re.search(pattern, plain):
            return Reply(key, choices=("choice_human",) if key == "no_help" else SUGGESTIONS)
    return None


def _choose_fallback(misses: int) -> Reply:
    if misses:
        return Reply("offer_human", choices=("choice_human",), understood=False)
    return Reply("rephrase", choices=SUGGESTIONS, understood=False)


def _normalise(text: str) -> str:
    """Normalise: lower case, no accents, single spaces."""
    bare = unicodedata.normalize("NFKD", text.lower())
    return " ".join(
        re.findall(r"[a-z0-9]+", "".join(c for c in bare if not unicodedata.combining(c)))
    )
