"""The faults of processes, servers and messages; `races` has those of people."""

import time
from collections.abc import Callable
from statistics import quantiles

import httpx
import redis

from dispatch.loadtest import history
from tests.chaos.checker import select
from tests.chaos.message_proxy import DROP_ALL, PASS_THROUGH, MessageRule
from tests.chaos.scenario import Fault, Scenario


def crash_tasks(scenario: Scenario) -> None:
    """Kill each task process in the middle of a task, one after another, at its own point."""
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
        # The scheduler pays when it ends a wrap-up that an agent forgot.
        left += scenario.platform.wait_until_points_hit(seconds=25)
        time.sleep(2)
    time.sleep(6)
    scenario.measured["processes killed"] = len(points) - len(left)
    again = measure_redelivery(scenario)
    scenario.measured["a webhook was sent again after, s"] = again
    scenario.expect(
        again is not None and again <= 15, f"the webhook was sent again after {again} s"
    )
    scenario.expect(len(left) < 2, f"no process reached {left}")


def measure_redelivery(scenario: Scenario) -> float | None:
    """Return the longest time until a webhook of a dead sender was sent again."""
    received: dict[str, float] = {}
    waits = []
    for line in select(scenario.read_lines(), "webhook", "seen"):
        if line["id"] in received:
            waits.append(round(line["at"] - received[line["id"]], 1))
        received.setdefault(line["id"], line["at"])
    return max(waits, default=None)


def kill(*names: str) -> Callable[[Scenario], None]:
    def inject(scenario: Scenario) -> None:
        scenario.mark_fault()
        for name in names:
            scenario.platform.kill(name)
        time.sleep(3)

    return inject


def cut_websockets(name: str, *, within: float) -> Callable[[Scenario], None]:
    """Kill the process that the WebSockets depend on; each must reconnect within this time."""

    def inject(scenario: Scenario) -> None:
        kill(name)(scenario)
        while (
            lost := list_disconnected(scenario)
        ) and time.time() - scenario.fault_at < within + 10:
            time.sleep(0.5)
        lines = scenario.read_since("line", "seen", scenario.fault_at)
        away = {line["actor"] for line in select(scenario.read_lines(), "network", "seen")}
        lines = [line for line in lines if line["actor"] not in away]
        back = [line["at"] - scenario.fault_at for line in lines if line["open"]]
        scenario.measured["WebSockets lost"] = sum(not line["open"] for line in lines)
        scenario.measured["all reconnected after, s"] = round(max(back, default=0.0), 1)
        scenario.expect(
            not lost and max(back, default=0) <= within, f"WebSockets not reconnected: {lost}"
        )

    return inject


def list_disconnected(scenario: Scenario) -> list[str]:
    """Return the actors whose WebSocket is closed although their network works."""
    is_open: dict[str, bool] = {}
    away: set[str] = set()
    for line in scenario.read_lines():
        if line["act"] == "network":
            away.add(line["actor"])
        elif line["act"] == "line":
            is_open[line["actor"]] = line["open"]
            away -= {line["actor"]} if line["open"] else set()
    return sorted(actor for actor, fine in is_open.items() if not fine and actor not in away)


def stop_workers(scenario: Scenario) -> None:
    """Ten minutes with LONG, else a minute and a half."""
    seconds = 600 if scenario.long else 90
    scenario.measured["down_s"] = seconds
    scenario.platform.keep_down("worker", "matcher")
    began = time.time()
    time.sleep(seconds)
    received = scenario.read_since("webhook", "seen", began + 10)
    scenario.expect(bool(received), "no webhook was sent while the workers were down")
    scenario.platform.keep_up("worker", "matcher")


def kill_web(scenario: Scenario) -> None:
    """Kill it at three points of an escalation and of an acceptance, and then at any moment."""
    left = []
    for point in ("before-commit", "after-commit", "accept"):
        scenario.platform.arm(point, "web")
        left += scenario.platform.wait_until_points_hit(seconds=15)
        time.sleep(2.5)
    scenario.expect(not left, f"no process reached {left}")
    for _ in range(2):
        scenario.mark_fault()
        scenario.platform.kill("web")
        time.sleep(3)
    expect_replays(scenario)


def expect_replays(scenario: Scenario) -> None:
    """Expect that repeated escalations got the first answer where there was one."""
    give_up = time.monotonic() + 30
    while True:
        lines = scenario.read_lines() + history.read(scenario.probe.folder)
        doubted = {line["key"] for line in select(lines, "escalation", "doubted")}
        again = [one for one in select(lines, "escalation", "acked") if one["key"] in doubted]
        if len(again) >= len(doubted) or time.monotonic() > give_up:
            break
        time.sleep(0.5)
    scenario.measured["escalations in doubt"] = len(doubted)
    scenario.measured["of which replayed"] = sum(one["replayed"] for one in again)
    scenario.expect(any(one["replayed"] for one in again), "no answer was replayed")


def freeze_valkey(scenario: Scenario) -> None:
    began = time.time()
    scenario.platform.freeze("valkey")
    time.sleep(70)
    scenario.platform.thaw("valkey")
    spans = measure_escalations(scenario, began)
    p99 = quantiles(spans, n=100)[98] if len(spans) > 1 else 0.0
    scenario.measured["p99 of an escalation, ms"] = round(p99 * 1000)
    scenario.expect(p99 < 1, f"the p99 of an escalation was {p99:.1f} s")


def measure_escalations(scenario: Scenario, since: float) -> list[float]:
    """Return the seconds from each escalation's request to its acknowledgement."""
    sent = {line["key"]: line["at"] for line in scenario.read_since("escalation", "sent", since)}
    acked = scenario.read_since("escalation", "acked", since)
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
        for line in scenario.read_since("escalation", "doubted", began)
        if line["status"] >= 500 or not line["status"]
    ]
    scenario.measured["5xx on create"] = len(failed)
    scenario.measured["readyz while full"] = ready.status_code
    scenario.expect(not failed, f"{len(failed)} escalations failed")
    scenario.expect(ready.status_code == 503, "/readyz did not report the failure")


def crash_postgres(scenario: Scenario) -> None:
    """Kill PostgreSQL in full use."""
    scenario.mark_fault()
    scenario.platform.kill("postgres")
    time.sleep(0.3)
    status, retry_after = request_availability(scenario)
    scenario.measured["API meanwhile"] = f"{status}, Retry-After {retry_after or 'none'}"
    scenario.expect(status in (502, 503), f"the API answered {status} without its database")
    scenario.expect(status != 503 or bool(retry_after), "503 without Retry-After")
    time.sleep(6)


def request_availability(scenario: Scenario) -> tuple[int, str]:
    """Return the status and the Retry-After header that a bot with a valid key gets."""
    address = f"{scenario.platform.url}/api/v1/availability?language=en"
    headers = {"Authorization": f"Bearer {scenario.probe.fixtures.api_key}"}
    answer = httpx.get(address, headers=headers, timeout=15)
    return answer.status_code, answer.headers.get("retry-after", "")


def change_messages(rule: MessageRule, *, seconds: float) -> Callable[[Scenario], None]:
    """Apply the rule to each message for this many seconds."""

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
        scenario.expect(proxy.counts["messages"] > 20, "hardly any message was sent")

    return inject


def delay_messages(scenario: Scenario) -> None:
    """Up to two minutes with LONG, else half a minute."""
    longest = 120 if scenario.long else 30
    scenario.measured["at most late by, s"] = longest
    change_messages(MessageRule(delay=(0, longest)), seconds=longest + 10)(scenario)


FAULTS = [
    Fault("F1", "kill -9 in the middle of a task: match, notify, webhook, pay", crash_tasks, 15),
    Fault("F2", "kill -9 of worker and matcher", kill("worker", "matcher"), 10),
    Fault("F3", "no worker, no matcher for a while", stop_workers, outage=10),
    Fault("F4", "kill -9 of the web server", kill_web, 20),
    Fault("F5", "kill -9 of the live server", cut_websockets("live", within=20), 20),
    Fault("F6", "Valkey: kill -9, restart empty", cut_websockets("valkey", within=30), 30),
    Fault("F7", "Valkey frozen for 70 s", freeze_valkey, outage=20),
    Fault("F8", "Valkey full", fill_valkey, outage=20),
    Fault("F9", "PostgreSQL: kill -9, recovery", crash_postgres, 30),
    Fault("F18", "each message delivered 2 to 5 times",
          change_messages(MessageRule((2, 5)), seconds=25), outage=20, duplicates=2),
    Fault("F19", "messages late and out of order", delay_messages, outage=20),
    Fault("F20", "no message arrives", change_messages(DROP_ALL, seconds=40), outage=20),
]  # fmt: skip
