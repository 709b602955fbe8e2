"""The order of the start, and its terminal output."""

import os
import shutil
import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import redis

from config import embedded
from config.embedded import Trouble
from config.up import checks, leftovers, processes
from config.up.preparing import Demo, Preparation, compile_catalogs
from config.up.processes import Ports
from config.up.supervision import Supervisor, await_answer, await_running, run_supervisor
from config.up.watch import Watch

PAGES = {
    "/desk/": "the desk, where agents work",
    "/chat/": "the example chatbot, as a customer sees it",
    "/admin/": "the office, where supervisors look after it all",
    "/api/v1/docs": "the API, for chatbots",
}


def run(*, load: bool = False) -> None:
    """Run the platform until it is stopped. `load` adds simulated agents and customers."""
    folder = embedded.data_dir()
    with checks.hold_lock(folder):
        clear_leftovers()
        ports = processes.choose_ports(checks.check_port())
        checks.check_room(folder)
        place = embedded.find_place()
        with run_supervisor(place, make_environment(ports.door)) as supervisor:
            start_servers(supervisor, place)
            demo = prepare(supervisor, ports)
            start_platform(supervisor, ports, demo)
            if load:
                supervisor.add([processes.make_load()])
            announce(ports, demo, load=load)
            Watch(supervisor).stay()


def say(line: str = "") -> None:
    print(line, flush=True)


def clear_leftovers() -> None:
    if names := leftovers.stop_leftovers():
        say(f"an earlier start was cut short: stopped {', '.join(names)}")


def make_environment(port: int) -> dict[str, str]:
    """The variables that every process gets in addition to the inherited ones."""
    given = os.environ | {"PORT": str(port), "PYTHONUNBUFFERED": "1"}
    given.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not given.get("PUBLIC_URL", "").startswith("https://"):
        given.setdefault("WEBHOOK_ALLOW_PRIVATE", "1")
    return given


def start_servers(supervisor: Supervisor, place: embedded.Place) -> None:
    """Start the embedded servers that are needed and check the others."""
    database, broker = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database:
        checks.check_database(database)
    if broker:
        checks.check_broker(broker)
    if not (database and broker):
        fresh = not database and not place.database.exists()
        say("making the database" if fresh else "starting the servers")
        embedded.prepare(place, database=not database)
    supervisor.add(processes.list_servers(place, postgres=not database, valkey=not broker))
    if not database:
        make = partial(embedded.make_database, place.database_url)
        await_answer(supervisor, "postgres", make, psycopg.OperationalError)
    if not broker:
        ping = partial(embedded.ping, place.redis_url)
        await_answer(supervisor, "valkey", ping, redis.exceptions.RedisError)


def prepare(supervisor: Supervisor, ports: Ports) -> Demo:
    """Run Django's preparations, those without a database at the same time as the others."""
    preparation = Preparation(supervisor.logs, make_environment(ports.door))
    if count := compile_catalogs():
        say(f"compiled {count} translations")
    with ThreadPoolExecutor(1) as beside:
        collected = beside.submit(preparation.collect_static_files)
        say("bringing the database's tables up to date")
        preparation.migrate()
        say("loading the demo")
        demo = preparation.load_demo(f"http://127.0.0.1:{ports.chatbot}/chat/webhooks")
        if collected.result():
            say("collected the static files")
    return demo


def start_platform(supervisor: Supervisor, ports: Ports, demo: Demo) -> None:
    say("starting the processes")
    chatbot = {
        "CHATBOT_API_KEY": demo.chatbot["api_key"],
        "CHATBOT_WEBHOOK_SECRET": demo.chatbot["webhook_secret"],
        "CHATBOT_RELEVE_URL": f"http://127.0.0.1:{ports.door}/api/v1",
    }
    supervisor.add(processes.list_platform(ports, chatbot))
    await_running(supervisor, [each.name for each in supervisor.processes], seconds=60)
    for name, path in (("web", "/healthz"), ("chatbot", "/chat/")):
        ask = partial(fetch_url, f"http://127.0.0.1:{ports.door}{path}")
        await_answer(supervisor, name, ask, OSError)


def fetch_url(url: str) -> None:
    """Fetch a URL. Raises OSError (urllib's errors included) unless the status is good."""
    urllib.request.urlopen(url, timeout=20).close()


def announce(ports: Ports, demo: Demo, *, load: bool = False) -> None:
    """Print the addresses and the logins; the last line begins with `ready`."""
    url = os.environ.get("PUBLIC_URL", f"http://localhost:{ports.door}").rstrip("/")
    pages = {url + path: what for path, what in PAGES.items()}
    pages[f"http://127.0.0.1:{ports.metrics}/metrics"] = "the figures for Prometheus, here only"
    say()
    for address, what in pages.items():
        say(f"  {address:<40} {what}")
    say(f"\n  Log in with the password {demo.password} as")
    for login in demo.logins:
        say(f"  {login['username']:<24} {login['role']:<12} {login['note']}")
    if load:
        say("\n  Agents and customers that do not exist come and go: log in to work among them")
    logs = shorten_path(embedded.data_dir() / "log")
    say(f"\nready: {url} (Ctrl-C stops everything, the logs are in {logs})")


def shorten_path(folder: Path) -> Path:
    """The path as typed from the checkout's folder."""
    root = embedded.BASE_DIR
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


def forget() -> None:
    """Stop this checkout's processes and remove the files that it keeps elsewhere."""
    folder = embedded.data_dir()
    if not folder.exists():
        return
    if running := checks.find_running(folder):
        os.kill(running, signal.SIGTERM)
    embedded.retry(partial(remove_folder, folder), Trouble, seconds=60)


def remove_folder(folder: Path) -> None:
    """Remove a folder. Raises Trouble while the platform runs."""
    with checks.hold_lock(folder):
        clear_leftovers()
        place = embedded.find_place()
        for outside in (place.sockets, place.folder):
            if not outside.is_relative_to(folder):
                shutil.rmtree(outside, ignore_errors=True)
