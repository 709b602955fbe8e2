"""The faults of processes, servers and messages; those of people are in `races`."""

import time
from collections.abc import Callable
from statistics import quantiles

import httpx
import redis

from dispatch.loadtest import history
from tests.chaos.checker import noted
from tests.chaos.message_proxy import DROP_ALL, PASS_THROUGH, MessageRule
from tests.chaos.scenario import Fault, Scenario


def crash_tasks(scenario: Scenario) -> None:
    """Each of the tasks' processes dies in the middle of one, by itself, at a point of its own."""
    left = []
    points = [
        ("matcher", "match"),
        ("matcher", "notify"),
        ("worker", "webhook"),
        ("scheduler", "pay"),
    ]
    for process, point in points:
        scenario.platform.arm(point, process)
        scenario.mark_fault()
        # The scheduler pays for whoever forgets to say that the wrap-up is over.
        left += scenario.platform.wait_until_points_hit(seconds=25)
        time.sleep(2)
    time.sleep(6)
    scenario.measured["processes killed"] = len(points) - len(left)
    again = heard_again(scenario)
    scenario.measured["a webhook came again after, s"] = again
    scenario.expect(again is not None and again <= 15, f"the webhook came again after {again} s")
    scenario.expect(len(left) < 2, f"nobody came to {left}")


def heard_again(scenario: Scenario) -> float | None:
    """How long the receiver waited for what a dead sender had in hand; it had heard it already."""
    heard: dict[str, float] = {}
    waits = []
    for line in noted(scenario.lines(), "webhook", "seen"):
        if line["id"] in heard:
            waits.append(round(line["at"] - heard[line["id"]], 1))
        heard.setdefault(line["id"], line["at"])
    return max(waits, default=None)


def kill(*names: str) -> Callable[[Scenario], None]:
    def inject(scenario: Scenario) -> None:
        scenario.mark_fault()
        for name in names:
            scenario.platform.kill(name)
        time.sleep(3)

    return inject


def lose_lines(name: str, *, within: float) -> Callable[[Scenario], None]:
    """Kill what the desks' lines hang on: each must be open again so soon."""

    def inject(scenario: Scenario) -> None:
        kill(name)(scenario)
        while (lost := lines_lost(scenario)) and time.time() - scenario.fault_at < within + 10:
            time.sleep(0.5)
        lines = scenario.since("line", "seen", scenario.fault_at)
        away = {line["actor"] for line in noted(scenario.lines(), "network", "seen")}
        lines = [line for line in lines if line["actor"] not in away]
        back = [line["at"] - scenario.fault_at for line in lines if line["open"]]
        scenario.measured["lines lost"] = sum(not line["open"] for line in lines)
        scenario.measured["all back after, s"] = round(max(back, default=0.0), 1)
        scenario.expect(not lost and max(back, default=0) <= within, f"lines not back: {lost}")

    return inject


def lines_lost(scenario: Scenario) -> list[str]:
    """Whose line is not open, though their network is there."""
    is_open: dict[str, bool] = {}
    away: set[str] = set()
    for line in scenario.lines():
        if line["act"] == "network":
            away.add(line["actor"])
        elif line["act"] == "line":
            is_open[line["actor"]] = line["open"]
            away -= {line["actor"]} if line["open"] else set()
    return sorted(actor for actor, fine in is_open.items() if not fine and actor not in away)


def workers_down(scenario: Scenario) -> None:
    """Ten minutes in the matrix; two unless LONG is asked for."""
    seconds = 600 if scenario.long else 90
    scenario.measured["down_s"] = seconds
    scenario.platform.keep_down("worker", "matcher")
    began = time.time()
    time.sleep(seconds)
    heard = scenario.since("webhook", "seen", began + 10)
    scenario.expect(bool(heard), "no webhook left while the workers were down")
    scenario.platform.keep_up("worker", "matcher")


def kill_web(scenario: Scenario) -> None:
    """At three points of an escalation, and of an acceptance, and then at any moment."""
    left = []
    for point in ("before-commit", "after-commit", "accept"):
        scenario.platform.arm(point, "web")
        left += scenario.platform.wait_until_points_hit(seconds=15)
        time.sleep(2.5)
    scenario.expect(not left, f"nobody came to {left}")
    for _ in range(2):
        scenario.mark_fault()
        scenario.platform.kill("web")
        time.sleep(3)
    replays_told(scenario)


def replays_told(scenario: Scenario) -> None:
    """Actors in doubt got the first answer again where there was one, the probe too."""
    give_up = time.monotonic() + 30
    while True:
        lines = scenario.lines() + history.read(scenario.probe.folder)
        doubted = {line["key"] for line in noted(lines, "escalation", "doubted")}
        again = [one for one in noted(lines, "escalation", "acked") if one["key"] in doubted]
        if len(again) >= len(doubted) or time.monotonic() > give_up:
            break
        time.sleep(0.5)
    scenario.measured["escalations in doubt"] = len(doubted)
    scenario.measured["of which replayed"] = sum(one["replayed"] for one in again)
    scenario.expect(any(one["replayed"] for one in again), "no answer was given again")


def freeze_valkey(scenario: Scenario) -> None:
    began = time.time()
    scenario.platform.freeze("valkey")
    time.sleep(70)
    scenario.platform.thaw("valkey")
    spans = escalation_spans(scenario, began)
    p99 = quantiles(spans, n=100)[98] if len(spans) > 1 else 0.0
    scenario.measured["p99 of an escalation, ms"] = round(p99 * 1000)
    scenario.expect(p99 < 1, f"the p99 of an escalation was {p99:.1f} s")


def escalation_spans(scenario: Scenario, since: float) -> list[float]:
    """From when it was sent to when it was acknowledged (s)."""
    sent = {line["key"]: line["at"] for line in scenario.since("escalation", "sent", since)}
    acked = scenario.since("escalation", "acked", since)
    return sorted(line["at"] - sent[line["key"]] for line in acked if line["key"] in sent)


def fill_valkey(scenario: Scenario) -> None:
    began = time.time()
    with redis.Redis.from_url(scenario.platform.place.redis_url, socket_timeout=5) as server:
        server.config_set("maxmemory", 1)
        time.sleep(20)
        ready = httpx.get(f"{scenario.platform.url}/readyz", timeout=10)
        server.config_set("maxmemory", 0)
    failed = [
        line
        for line in scenario.since("escalation", "doubted", began)
        if line["status"] >= 500 or not line["status"]
    ]
    scenario.measured["5xx on create"] = len(failed)
    scenario.measured["readyz while full"] = ready.status_code
    scenario.expect(not failed, f"{len(failed)} escalations failed")
    scenario.expect(ready.status_code == 503, "whoever watches /readyz is not told")


def crash_postgres(scenario: Scenario) -> None:
    """Under everybody's hands."""
    scenario.mark_fault()
    scenario.platform.kill("postgres")
    time.sleep(0.3)
    status, retry_after = ask_api(scenario)
    scenario.measured["API meanwhile"] = f"{status}, Retry-After {retry_after or 'none'}"
    scenario.expect(status in (502, 503), f"the API answered {status} without its database")
    scenario.expect(status != 503 or bool(retry_after), "503 without Retry-After")
    time.sleep(6)


def ask_api(scenario: Scenario) -> tuple[int, str]:
    """A status and when to ask again, as a bot with a good key meets them."""
    address = f"{scenario.platform.url}/api/v1/availability?language=en"
    headers = {"Authorization": f"Bearer {scenario.probe.fixtures.api_key}"}
    answer = httpx.get(address, headers=headers, timeout=15)
    return answer.status_code, answer.headers.get("retry-after", "")


def change_messages(rule: MessageRule, *, seconds: float) -> Callable[[Scenario], None]:
    """So happens to each message for so long; then nothing any more."""

    def inject(scenario: Scenario) -> None:
        proxy = scenario.platform.message_proxy
        proxy.counts.clear()
        proxy.set_rule(rule, seed=scenario.seed)
        scenario.platform.use_message_proxy(True)
        time.sleep(seconds)
        proxy.set_rule(PASS_THROUGH)
        scenario.platform.use_message_proxy(False)
        scenario.measured |= {
            "messages": proxy.counts["messages"],
            "copies": proxy.counts["copies"],
        }
        scenario.expect(proxy.counts["messages"] > 20, "hardly a message came by")

    return inject


def late(scenario: Scenario) -> None:
    """Up to two minutes in the matrix; half a minute unless LONG is asked for."""
    longest = 120 if scenario.long else 30
    scenario.measured["at most late by, s"] = longest
    change_messages(MessageRule(delay=(0, longest)), seconds=longest + 10)(scenario)


FAULTS = [
    Fault("F1", "kill -9 in the middle of a task: match, notify, webhook, pay", crash_tasks, 15),
    Fault("F2", "kill -9 of worker and matcher", kill("worker", "matcher"), 10),
    Fault("F3", "no worker, no matcher for a while", workers_down, outage=10),
    Fault("F4", "kill -9 of the web server", kill_web, 20),
    Fault("F5", "kill -9 of the live server", lose_lines("live", within=20), 20),
    Fault("F6", "Valkey: kill -9, restart empty", lose_lines("valkey", within=30), 30),
    Fault("F7", "Valkey frozen for 70 s", freeze_valkey, outage=20),
    Fault("F8", "Valkey full", fill_valkey, outage=20),
    Fault("F9", "PostgreSQL: kill -9, recovery", crash_postgres, 30),
    Fault("F18", "each message delivered 2 to 5 times",
          change_messages(MessageRule((2, 5)), seconds=25), outage=20, duplicates=2),
    Fault("F19", "messages late and out of order", late, outage=20),
    Fault("F20", "no message arrives", change_messages(DROP_ALL, seconds=40), outage=20),
]  # fmt: skip
