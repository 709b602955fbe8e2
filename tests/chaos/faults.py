"""The faults of processes, servers and messages; those of people are in `races`."""

import time
from collections.abc import Callable
from statistics import quantiles

import httpx
import redis

from dispatch.loadtest import history
from tests.chaos.checker import noted
from tests.chaos.scene import Fault, Scene
from tests.chaos.valve import OPEN, SHUT, Setting


def crash_tasks(scene: Scene) -> None:
    """Each of the tasks' processes dies in the middle of one, by itself, at a point of its own."""
    left = []
    points = [
        ("matcher", "match"),
        ("matcher", "notify"),
        ("worker", "webhook"),
        ("scheduler", "pay"),
    ]
    for process, point in points:
        scene.stage.arm(point, process)
        scene.blow()
        # The scheduler pays for whoever forgets to say that the wrap-up is over.
        left += scene.stage.wait_until_struck(seconds=25)
        time.sleep(2)
    time.sleep(6)
    scene.measured["struck"] = len(points) - len(left)
    again = heard_again(scene)
    scene.measured["a webhook came again after, s"] = again
    scene.expect(again is not None and again <= 15, f"the webhook came again after {again} s")
    scene.expect(len(left) < 2, f"nobody came to {left}")


def heard_again(scene: Scene) -> float | None:
    """How long the receiver waited for what a dead sender had in hand; it had heard it already."""
    heard: dict[str, float] = {}
    waits = []
    for line in noted(scene.lines(), "webhook", "seen"):
        if line["id"] in heard:
            waits.append(round(line["at"] - heard[line["id"]], 1))
        heard.setdefault(line["id"], line["at"])
    return max(waits, default=None)


def kill(*names: str) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        scene.blow()
        for name in names:
            scene.stage.kill(name)
        time.sleep(3)

    return strike


def lose_lines(name: str, *, within: float) -> Callable[[Scene], None]:
    """Kill what the desks' lines hang on: each must be open again so soon."""

    def strike(scene: Scene) -> None:
        kill(name)(scene)
        while (lost := lines_lost(scene)) and time.time() - scene.struck < within + 10:
            time.sleep(0.5)
        lines = scene.since("line", "seen", scene.struck)
        away = {line["actor"] for line in noted(scene.lines(), "network", "seen")}
        lines = [line for line in lines if line["actor"] not in away]
        back = [line["at"] - scene.struck for line in lines if line["open"]]
        scene.measured["lines lost"] = sum(not line["open"] for line in lines)
        scene.measured["all back after, s"] = round(max(back, default=0.0), 1)
        scene.expect(not lost and max(back, default=0) <= within, f"lines not back: {lost}")

    return strike


def lines_lost(scene: Scene) -> list[str]:
    """Whose line is not open, though their network is there."""
    is_open: dict[str, bool] = {}
    away: set[str] = set()
    for line in scene.lines():
        if line["act"] == "network":
            away.add(line["actor"])
        elif line["act"] == "line":
            is_open[line["actor"]] = line["open"]
            away -= {line["actor"]} if line["open"] else set()
    return sorted(actor for actor, fine in is_open.items() if not fine and actor not in away)


def workers_down(scene: Scene) -> None:
    """Ten minutes in the matrix; two unless LONG is asked for."""
    seconds = 600 if scene.patient else 90
    scene.measured["down_s"] = seconds
    scene.stage.keep_down("worker", "matcher")
    began = time.time()
    time.sleep(seconds)
    heard = scene.since("webhook", "seen", began + 10)
    scene.expect(bool(heard), "no webhook left while the workers were down")
    scene.stage.raise_up("worker", "matcher")


def kill_web(scene: Scene) -> None:
    """At three points of an escalation, and of an acceptance, and then at any moment."""
    left = []
    for point in ("before-commit", "after-commit", "accept"):
        scene.stage.arm(point, "web")
        left += scene.stage.wait_until_struck(seconds=15)
        time.sleep(2.5)
    scene.expect(not left, f"nobody came to {left}")
    for _ in range(2):
        scene.blow()
        scene.stage.kill("web")
        time.sleep(3)
    replays_told(scene)


def replays_told(scene: Scene) -> None:
    """Whoever was in doubt got the first answer again where there was one, the probe too."""
    give_up = time.monotonic() + 30
    while True:
        lines = scene.lines() + history.read(scene.probe.folder)
        doubted = {line["key"] for line in noted(lines, "escalation", "doubted")}
        again = [one for one in noted(lines, "escalation", "acked") if one["key"] in doubted]
        if len(again) >= len(doubted) or time.monotonic() > give_up:
            break
        time.sleep(0.5)
    scene.measured["escalations in doubt"] = len(doubted)
    scene.measured["of which replayed"] = sum(one["replayed"] for one in again)
    scene.expect(any(one["replayed"] for one in again), "no answer was given again")


def freeze_valkey(scene: Scene) -> None:
    began = time.time()
    scene.stage.freeze("valkey")
    time.sleep(70)
    scene.stage.thaw("valkey")
    spans = escalation_spans(scene, began)
    p99 = quantiles(spans, n=100)[98] if len(spans) > 1 else 0.0
    scene.measured["p99 of an escalation, ms"] = round(p99 * 1000)
    scene.expect(p99 < 1, f"the p99 of an escalation was {p99:.1f} s")


def escalation_spans(scene: Scene, since: float) -> list[float]:
    """From when it was sent to when it was acknowledged (s)."""
    sent = {line["key"]: line["at"] for line in scene.since("escalation", "sent", since)}
    acked = scene.since("escalation", "acked", since)
    return sorted(line["at"] - sent[line["key"]] for line in acked if line["key"] in sent)


def fill_valkey(scene: Scene) -> None:
    began = time.time()
    with redis.Redis.from_url(scene.stage.place.redis_url, socket_timeout=5) as server:
        server.config_set("maxmemory", 1)
        time.sleep(20)
        ready = httpx.get(f"{scene.stage.url}/readyz", timeout=10)
        server.config_set("maxmemory", 0)
    failed = [
        line
        for line in scene.since("escalation", "doubted", began)
        if line["status"] >= 500 or not line["status"]
    ]
    scene.measured["5xx on create"] = len(failed)
    scene.measured["readyz while full"] = ready.status_code
    scene.expect(not failed, f"{len(failed)} escalations failed")
    scene.expect(ready.status_code == 503, "whoever watches /readyz is not told")


def crash_postgres(scene: Scene) -> None:
    """Under everybody's hands."""
    scene.blow()
    scene.stage.kill("postgres")
    time.sleep(0.3)
    status, retry_after = ask_api(scene)
    scene.measured["API meanwhile"] = f"{status}, Retry-After {retry_after or 'none'}"
    scene.expect(status in (502, 503), f"the API answered {status} without its database")
    scene.expect(status != 503 or bool(retry_after), "503 without Retry-After")
    time.sleep(6)


def ask_api(scene: Scene) -> tuple[int, str]:
    """A status and when to ask again, as a bot with a good key meets them."""
    address = f"{scene.stage.url}/api/v1/availability?language=en"
    headers = {"Authorization": f"Bearer {scene.probe.ground.api_key}"}
    answer = httpx.get(address, headers=headers, timeout=15)
    return answer.status_code, answer.headers.get("retry-after", "")


def through_valve(setting: Setting, *, seconds: float) -> Callable[[Scene], None]:
    """So happens to each message for so long; then nothing any more."""

    def strike(scene: Scene) -> None:
        valve = scene.stage.valve
        valve.counts.clear()
        valve.turn(setting, seed=scene.seed)
        scene.stage.through_the_valve(True)
        time.sleep(seconds)
        valve.turn(OPEN)
        scene.stage.through_the_valve(False)
        scene.measured |= {"messages": valve.counts["messages"], "copies": valve.counts["copies"]}
        scene.expect(valve.counts["messages"] > 20, "hardly a message came by")

    return strike


def late(scene: Scene) -> None:
    """Up to two minutes in the matrix; half a minute unless LONG is asked for."""
    longest = 120 if scene.patient else 30
    scene.measured["at most late by, s"] = longest
    through_valve(Setting(delay=(0, longest)), seconds=longest + 10)(scene)


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
    Fault("F18", "each message delivered 2 to 5 times", through_valve(Setting((2, 5)), seconds=25),
          outage=20, echoes=2),
    Fault("F19", "messages late and out of order", late, outage=20),
    Fault("F20", "no message arrives", through_valve(SHUT, seconds=40), outage=20),
]  # fmt: skip
