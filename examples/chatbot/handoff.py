"""The request that the bot sends Relève for a human. Pure."""

from typing import Any

import bot
from conversation import Conversation, Message
from words import say

KEPT_LINES = 100
KEPT_WORDS = 300


def make_escalation(conversation: Conversation, said: list[Message]) -> dict[str, Any]:
    """Build the body of the request: customer, topic and transcript."""
    topic = bot.BY_CODE.get(conversation.topic or "")
    skills = topic.skills if topic else ()
    return {
        "version": 1,
        "conversation_ref": conversation.ref,
        "customer": {"ref": conversation.customer_ref, "name": conversation.name},
        "language": conversation.language,
        "topic": topic.code if topic else "other",
        "skills": [{"code": code, "level": level} for code, level in skills],
        "urgency": topic.urgency if topic else "normal",
        "summary": _summarise(conversation, said),
        "tried": [say(conversation.language, f"tried_{code}") for code in conversation.tried],
        "transcript": [_make_line(message) for message in _leave_out_notices(said)[-KEPT_LINES:]],
        "context": {"channel": "web chat"},
    }


def _summarise(conversation: Conversation, said: list[Message]) -> str:
    language = conversation.language
    topic = say(language, f"topic_{conversation.topic or 'other'}")
    summary = say(language, "summary", topic=topic, words=_find_problem(said)[:KEPT_WORDS])
    if conversation.note:
        summary += " " + say(language, "summary_note", note=conversation.note[:KEPT_WORDS])
    return summary


def _find_problem(said: list[Message]) -> str:
    """The customer's last message about their problem, leaving out requests for a human."""
    theirs = [m.text for m in said if m.sender == "customer"] or [""]
    telling = [text for text in theirs if not bot.choose_reply(text, offered=True).wants_human]
    about = [text for text in telling if bot.recognise(text)]
    return (about or telling or theirs)[-1]


def _leave_out_notices(said: list[Message]) -> list[Message]:
    return [message for message in said if message.sender in ("customer", "bot")]


def _make_line(message: Message) -> dict[str, str]:
    return {"role": message.sender, "at": message.at, "text": message.text}
