"""The wall with 100, 10,000 and 1,000,000 LoRAs: queries, processor, latency, plans and bytes.

    python benchmarks/wall.py [number ...]

In one process, through all of the site's middleware, with the settings of a deployment, on an
embedded Postgres of its own that holds a database for each number; about ten minutes with a
million. Each view of the wall is asked for in turn with two bare views: one that returns a word,
and a list that shows twenty rows with the plainest query and a small template in the site's frame.
The processor's time is that of the web process; the latency has the database's in it. Machines are
busy now and then: the numbers take turns, block by block, and a view's p95 is the median of what it
was in each block, in p95 of the block's bare list. It fails when a view asks more than two queries,
takes more than three times the processor of the bare list, or when its p95 has grown by more than
a fifth from the first number to the last. What fills a page at the last number and not at the
first, where seven LoRAs have a word that seventy thousand have later, may also be compared with a
full page of its kind there: the wall's first page, or the search for the commonest letter. Its
growth from the short page is printed beside it.
"""

# ruff: noqa: PLC0415 - Django is imported late: its settings come from the environment.

from __future__ import annotations

import gzip
import logging
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.wall_views import FULL_SEARCH, views  # noqa: E402

NUMBERS = (100, 10_000, 1_000_000)
BLOCKS, ROUNDS, WARM = 9, 25, 3
LISTS = 4
"""How often the bare list is asked for in a round: everything is measured in it."""
MOST_QUERIES, MOST_PROCESSOR, MOST_GROWTH = 2, 3.0, 1.2
PAGE_BYTES, STRIP_BYTES = 100_000, 60_000
ABOVE_THE_FOLD = 3
"""Rows on a screen of 1440 x 900."""
LIST = """{% extends "base.html" %}{% block main %}<ul>{% for lora in loras %}
<li>{{ lora.trigger_word }} {{ lora.name }} {{ lora.kind }} {{ lora.completed_at }}</li>
{% endfor %}</ul>{% endblock %}"""


def set_up(folder: Path) -> None:
    """Django as it is deployed: cached templates, hashed static files, no log of requests."""
    from loratrainer.embedded import database_url, start_postgres

    start_postgres(folder)
    os.environ |= {
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "loratrainer.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "of a benchmark, of a benchmark, of a benchmark, of a benchmark",
        "DATABASE_URL": database_url(folder),
    }
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.WARNING)
    settings.STATIC_ROOT = str(folder / "static")
    settings.MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")
    call_command("collectstatic", interactive=False, verbosity=0)
    add_bare_views()


def add_bare_views() -> None:
    """`/bare` and `/bare-list`, what the wall is measured against."""
    from django.contrib.auth.decorators import login_not_required
    from django.http import HttpRequest, HttpResponse
    from django.template import RequestContext, engines
    from django.urls import path

    from loratrainer import urls
    from trainings.models import Training

    template = engines["django"].from_string(LIST).template

    @login_not_required
    def bare(request: HttpRequest) -> HttpResponse:
        return HttpResponse("bare")

    @login_not_required
    def bare_list(request: HttpRequest) -> HttpResponse:
        loras = Training.objects.public().order_by("-completed_at", "-id")[:20]
        return HttpResponse(template.render(RequestContext(request, {"loras": loras})))

    urls.urlpatterns += [path("bare", bare), path("bare-list", bare_list)]


def open_databases(numbers: list[int]) -> dict[int, Any]:
    """A database for each number of LoRAs, by that number."""
    from django.core.management import call_command
    from django.db import connections

    databases = {}
    with connections["default"].cursor() as cursor:
        for number in numbers:
            cursor.execute(f"CREATE DATABASE wall_{number}")
    for number in numbers:
        database = connections.create_connection("default")
        database.settings_dict = database.settings_dict | {"NAME": f"wall_{number}"}
        databases[number] = database
        use(database)
        call_command("migrate", verbosity=0)
        seed(number)
    return databases


def use(database: Any) -> None:
    """Let everything that follows happen in this database."""
    from django.db import connections

    connections["default"] = database


def seed(number: int) -> None:
    """Hang so many LoRAs."""
    from django.db import connection

    from gallery.seeding import Seeding

    begun_at = time.monotonic()
    Seeding(number).run()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    print(f"{number:,} LoRAs, written in {time.monotonic() - begun_at:.0f} s", flush=True)


Times = dict[str, list[tuple[float, float]]]
"""Milliseconds of the processor and of waiting, of each request, by the name of the view."""


def measure(addresses: dict[str, str]) -> Times:
    """Ask for each view in turn, and for the bare ones between them; the first rounds only warm."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    turns = [("bare", "/bare"), *addresses.items()]
    for place in range(LISTS):
        turns.insert(place * (len(turns) + 1) // LISTS, ("bare list", "/bare-list"))
    times: Times = {name: [] for name, _address in turns}
    for round_ in range(WARM + ROUNDS):
        for name, address in turns:
            used, waited = time.process_time(), time.perf_counter()
            response = client.get(address)
            used, waited = time.process_time() - used, time.perf_counter() - waited
            if response.status_code != 200:
                sys.exit(f"{address} answers {response.status_code}.")
            if round_ >= WARM:
                times[name].append((used * 1000, waited * 1000))
    return times


def p95(requests: list[tuple[float, float]]) -> float:
    """How long nineteen of twenty waited at most."""
    return sorted(waited for _used, waited in requests)[len(requests) * 95 // 100]


def in_lists(blocks: list[Times], name: str) -> float:
    """The p95 of a view in that of the bare list: the median of the blocks."""
    return median(p95(times[name]) / p95(times["bare list"]) for times in blocks)


def questions(address: str) -> list[str]:
    """The queries of a page."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as context:
        Client(SERVER_NAME="localhost").get(address)
    return [query["sql"] for query in context.captured_queries]


def rows_of(address: str) -> int:
    """How many LoRAs a page shows."""
    from django.test import Client

    return Client(SERVER_NAME="localhost").get(address).content.count(b'<h2><a href="/loras/')


def plan(sql: str) -> list[str]:
    """How Postgres finds the rows, without what it costs."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF) " + sql.replace("%", "%%"))
        lines = [line for (line,) in cursor.fetchall()]
    return [re.sub(r"\(cost=\S+ rows=\d+ width=\d+\) ", "", line) for line in lines]


def report(number: int, blocks: list[Times], asked: dict[str, list[str]]) -> bool:
    """Print a table for so many LoRAs; say whether its limits are kept."""
    processor = {
        name: median(used for times in blocks for used, _waited in times[name])
        for name in blocks[0]
    }
    well = True
    print(
        f"\n{number:<26,} {'queries':>7} {'processor':>10} {'of list':>8} {'p95':>9} {'of list':>8}"
    )
    for name, used in processor.items():
        queries, part = len(asked.get(name, [])), used / processor["bare list"]
        well &= queries <= MOST_QUERIES and part <= MOST_PROCESSOR
        waited = median(p95(times[name]) for times in blocks)
        print(
            f"{name:26} {queries:7} {used:7.2f} ms {part:8.2f} {waited:6.1f} ms "
            f"{in_lists(blocks, name):8.2f}"
        )
    return well


def print_plans(asked: dict[str, list[str]]) -> None:
    """Print how each view's queries find their rows."""
    for name, queries in asked.items():
        for place, sql in enumerate(queries, 1):
            print(f"\n{name}: query {place}")
            print("\n".join(plan(sql)))


def weigh(folder: Path) -> bool:
    """Print what a first visit loads, packed as it is served; say whether it is little enough."""
    from django.test import Client

    response = Client(SERVER_NAME="localhost").get("/loras", headers={"Accept-Encoding": "gzip"})
    page = gzip.decompress(response.content).decode()
    files = set(re.findall(r'/static/([^"#]+\.(?:css|js|svg))', page))
    fonts = {f"sheet-{name}" for name in ("text", "display", "mono")}
    sizes = {"the page": len(response.content)}
    for name in sorted(files):
        file = folder / "static" / name
        packed = file.with_name(file.name + ".br")
        sizes[re.sub(r"\.[0-9a-f]{12}\.", ".", name)] = (
            (packed if packed.exists() else file).stat().st_size
        )
    sizes |= {
        f"fonts/{font}.woff2": (ROOT / f"static/fonts/{font}.woff2").stat().st_size
        for font in sorted(fonts)
    }
    for name, size in sizes.items():
        print(f"{name:36} {size:7,} B")
    total = sum(sizes.values())
    strips = [file.stat().st_size for file in (ROOT / "static/img/style").glob("strip-*.avif")]
    shown = round(sum(strips) / len(strips) * ABOVE_THE_FOLD)
    print(f"{'a first visit without pictures':36} {total:7,} B, at most {PAGE_BYTES:,}")
    print(f"{'strips above the fold':36} {shown:7,} B, at most {STRIP_BYTES:,}")
    return total < PAGE_BYTES and shown < STRIP_BYTES


def main(numbers: list[int]) -> None:
    """Measure at each number, and compare the last with the first."""
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        databases = open_databases(numbers)
        addresses, asked, rows = {}, {}, {}
        for number, database in databases.items():
            use(database)
            addresses[number] = views()
            asked[number] = {name: questions(url) for name, url in addresses[number].items()}
            rows[number] = {name: rows_of(url) for name, url in addresses[number].items()}
        blocks: dict[int, list[Times]] = {number: [] for number in numbers}
        for _block in range(BLOCKS):
            for number, database in databases.items():
                use(database)
                blocks[number].append(measure(addresses[number]))
        well = [report(number, blocks[number], asked[number]) for number in numbers]
        print_plans(asked[numbers[-1]])
        print()
        light = weigh(Path(folder))
    first, last = numbers[0], numbers[-1]
    print(f"\np95 with {last:,} LoRAs to that with {first:,}, each in bare lists")
    steady = True
    for name in addresses[first]:
        before, after = in_lists(blocks[first], name), in_lists(blocks[last], name)
        growth, shown = after / before, (rows[first][name], rows[last][name])
        note = f"  ({shown[0]} rows, then {shown[1]}: {growth:.2f})" if shown[0] < shown[1] else ""
        if note:
            full = FULL_SEARCH if name.startswith("search") else "first page"
            growth = min(growth, after / in_lists(blocks[first], full))
        steady &= growth <= MOST_GROWTH
        print(f"{name:26} {growth:5.2f}{'' if growth <= MOST_GROWTH else '  too much'}{note}")
    if not (light and steady and all(well)):
        sys.exit("A limit is not kept.")


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or list(NUMBERS))
