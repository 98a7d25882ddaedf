"""The smallest place to measure at: a gateway, and an agent with one SQLite table of 100 rows, as users start them."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

QUERY = {"connection": "items", "intent": {"table": "items", "columns": ["id"], "limit": 1}}


@contextlib.contextmanager
def small_site():
    """(world, agent, folder); the folder lies beside the binary, on the disk that is meant."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path(harness.BINARY).parent) as name:
        folder = Path(name)
        (folder / "world").mkdir()
        items = harness.make_items(folder / "items.db", 100)
        world = harness.World(folder / "world", watched=False)
        world.start(worker=False)
        try:
            agent = world.agent("HQ", start=False)
            agent.add_sqlite("items", items).publish("items").start()
            agent.connected().wait_published("items")
            yield world, agent, folder
        finally:
            world.close()


def options(doc, **numbers):
    """The words every bench takes, and its own numbers with their defaults."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is broken, with 2 when the run is void")
    return parser.parse_args()
