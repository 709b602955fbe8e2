"""A conversation in the form that the page shows."""

from typing import Any

from conversation import Conversation, Message
from words import say, show_queue

SHOWN_DELIVERY = {"pending", "retrying", "sent", "late", "refused"}


def show_state(conversation: Conversation) -> dict[str, Any]:
    """The headline of a conversation, and the actions open to the customer."""
    language = conversation.language
    agent = conversation.agent or say(language, "agent_unnamed")
    return {
        "conversation": conversation.ref,
        "state": conversation.state,
        "headline": show_headline(conversation),
        "composer": say(language, f"composer_{conversation.state}", agent=agent),
        "choices": [say(language, key) for key in conversation.choices],
    }


def show_headline(conversation: Conversation) -> str:
    language = conversation.language
    if conversation.state == "waiting":
        return show_queue(language, position=conversation.position, wait_s=conversation.wait_s)
    if conversation.state == "talking":
        agent = conversation.agent or say(language, "agent_unnamed")
        return say(language, "head_talking", agent=agent)
    if conversation.trouble:
        return say(language, "head_trouble")
    return say(language, "head_asking" if conversation.is_asking else "head_bot")


def show_message(said: Message, language: str) -> dict[str, Any]:
    return {
        "id": said.id,
        "from": said.sender,
        "who": _show_sender(said, language),
        "initial": (said.author or "?")[0].upper(),
        "text": said.text,
        "at": said.at,
        "place": said.place,
        "delivery": said.delivery,
        "delivery_words": _show_delivery(said, language),
    }


def make_blank() -> dict[str, Any]:
    """An empty message, which the page's script copies for each new one."""
    keys = "id from who initial text at place delivery delivery_words"
    return dict.fromkeys(keys.split(), "")


def _show_sender(said: Message, language: str) -> str:
    if said.sender == "bot":
        return say(language, "bot_label")
    if said.sender == "agent":
        agent = said.author or say(language, "agent_unnamed")
        return say(language, "agent_label", agent=agent)
    return said.author


def _show_delivery(said: Message, language: str) -> str:
    shown = said.delivery in SHOWN_DELIVERY
    return say(language, f"delivery_{said.delivery}") if shown else ""
