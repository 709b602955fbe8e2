"""The bot's script and its sentences."""

import re
import sys

import pytest

from tests.examples.world import CHATBOT

sys.path.insert(0, str(CHATBOT))
import bot
import words

sys.path.remove(str(CHATBOT))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("My card has not arrived", "card-not-arrived"),
        ("still waiting for my new card!", "card-not-arrived"),
        ("Ma carte n'est pas arrivée", "card-not-arrived"),
        ("My card is blocked", "card-blocked"),
        ("carte bloquée depuis hier", "card-blocked"),
        ("Where is my refund?", "refund-status"),
        ("Où est mon remboursement ?", "refund-status"),
        ("What is the exchange rate?", "exchange-rate"),
        ("quel est le taux de change", "exchange-rate"),
        ("I lost my phone or PIN", "phone-pin"),
        ("J'ai oublié mon code", "phone-pin"),
        ("Do you like cheese?", None),
    ],
)
def test_the_bot_recognises_the_topic_of_a_question(text, topic):
    assert bot.choose_reply(text).topic == topic


@pytest.mark.parametrize(
    "text",
    ["I want a human", "Can I talk to a real person please", "Je veux une personne", "un humain !"],
)
def test_the_bot_understands_a_request_for_a_human(text):
    assert bot.choose_reply(text).wants_human


def test_yes_asks_for_a_human_only_after_an_offer_of_one():
    assert bot.choose_reply("yes", offered=True).wants_human
    assert not bot.choose_reply("yes").wants_human


def test_the_bot_asks_to_rephrase_once_and_then_offers_a_human():
    assert bot.choose_reply("blah", misses=0).key == "rephrase"
    assert bot.choose_reply("blah", misses=1).key == "offer_human"


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_bot_understands_every_answer_that_it_suggests(language):
    keys = {*bot.SUGGESTIONS, *bot.AFTER_ANSWER, "choice_human", "choice_retry"}

    replies = [bot.choose_reply(words.say(language, key), offered=True) for key in keys]

    assert all(reply.understood for reply in replies)


def test_both_languages_have_the_same_keys_and_placeholders():
    english, french = words.WORDS["en"], words.WORDS["fr"]

    assert english.keys() == french.keys()
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", french[key])), key


def test_the_browsers_first_known_language_is_chosen():
    assert words.choose_language("fr-CA,fr;q=0.9,en;q=0.5") == "fr"
    assert words.choose_language("de,en;q=0.7,fr;q=0.3") == "en"
    assert words.choose_language("") == "en"
