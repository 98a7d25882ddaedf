"""Scripts that do what they should, and scripts that must be stopped."""

import json
import unittest
from decimal import Decimal

from harness import E2ETest, make_items, rows_of, vmc, workflow

HONEST = """
function transform(row, ctx)
  row.total = vmc.decimal(row.price) * row.quantity
  row.name = string.upper(row.name)
  return row
end
"""
LOOPS = "function transform(row) while true do end end"
LOOPS_QUIETLY = "function transform(row) repeat local ok = pcall(function() while true do end end) until false end"
EATS = "function transform(row) local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end return row end"
EATS_ONE_STRING = "function transform(row) local s = 'x' while true do s = s .. s end end"
PATTERN = "function transform(row) string.find(('a'):rep(300000), ('.-'):rep(40) .. 'b') return row end"
LOADS_FOR_EVER = "while true do end function transform(row) return row end"


class LuaRun(E2ETest):
    def lua(self, source, *limits, rows=({"id": 1, "name": "bolt ½", "price": "12.50", "quantity": 3},)):
        (self.folder / "script.lua").write_text(source)
        (self.folder / "rows.ndjson").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
        return vmc("--json", "lua", "run", self.folder / "script.lua", "--input", self.folder / "rows.ndjson", *limits)

    def test_an_honest_script_transforms_every_row_and_counts(self):
        rows = [{"id": n, "name": f"thing {n}", "price": f"{n}.25", "quantity": 2} for n in range(500)]
        done = self.lua(HONEST, rows=rows)
        self.assertEqual(done.code, 0, done)
        out = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([(r["id"], r["name"]) for r in out], [(n, f"THING {n}") for n in range(500)])
        self.assertEqual(Decimal(out[3]["total"]), Decimal("6.50"))
        self.assertEqual(done.error, {"rowsIn": 500, "rowsOut": 500, "refused": 0})

    def test_an_error_names_the_row_and_the_exit_code_tells(self):
        done = self.lua("function transform(row) if row.id == 2 then error('two is too much') end return row end",
                        rows=[{"id": 1}, {"id": 2}, {"id": 3}])
        self.assertEqual(done.code, 1, done)
        self.assertEqual([json.loads(line)["id"] for line in done.out.splitlines()], [1, 3])
        self.assertIn("row 2", done.err)
        self.assertIn("two is too much", done.err)

    def test_scripts_that_never_end_or_never_have_enough_are_stopped_at_their_limit(self):
        limits = ["--cpu", "300ms", "--time", "5s", "--memory", "32MiB"]
        for name, source, words in (("loops", LOOPS, ("limit",)), ("loops behind pcall", LOOPS_QUIETLY, ("limit",)),
                                    ("memory", EATS, ("limit",)), ("one huge string", EATS_ONE_STRING, ("memory limit", "32 ")),
                                    ("pattern", PATTERN, ("limit",)), ("while loading", LOADS_FOR_EVER, ("limit",))):
            with self.subTest(name):
                done = self.lua(source, *limits)
                self.assertEqual(done.code, 1, done)
                self.assertEqual(done.error["code"], "SCRIPT_LIMIT", done)
                for word in words:
                    self.assertIn(word, done.error["message"])
                self.assertEqual(done.out, "")

    def test_the_wall_clock_stops_what_uses_no_instructions(self):
        done = self.lua(PATTERN, "--cpu", "1h", "--time", "300ms")
        self.assertEqual((done.code, done.error["code"]), (1, "SCRIPT_LIMIT"), done)
        self.assertIn("time limit of 300 ms", done.error["message"])

    def test_nothing_of_the_machine_is_within_reach(self):
        for source in ("os.execute('id')", "io.open('/etc/passwd')", "require('socket')", "debug.getinfo(1)", "load('return 1')()",
                       "dofile('/etc/passwd')", "package.loadlib('x', 'y')"):
            with self.subTest(source):
                done = self.lua(f"function transform(row) {source} return row end")
                self.assertEqual(done.code, 1, done)
                self.assertEqual(done.out, "")


class InWorkflows(E2ETest):
    def setUp(self):
        super().setUp()
        self.source, self.warehouse = self.folder / "source.db", self.folder / "warehouse.db"
        make_items(self.source, 300)
        make_items(self.warehouse, 0, table="copied", others=("wrong",))
        self.cloud = self.world(script_cpu="500ms").start()
        agent = self.cloud.agent("HQ", start=False)
        agent.add_sqlite("erp", self.source).add_sqlite("dwh", self.warehouse, writable=["copied", "wrong"])
        agent.publish("erp", "dwh").start()
        agent.connected().wait_published("erp", "dwh")

    def copy(self, name, table, script):
        return workflow(name, ("HQ", "erp", "items"), ("HQ", "dwh", table), script=script)

    def test_a_script_that_loops_fails_its_run_and_the_worker_goes_on_serving_others(self):
        looping = self.cloud.submit(self.copy("loops", "wrong", LOOPS))
        code, summary = self.cloud.run(self.copy("honest", "copied",
                                                 "function transform(row) row.name = (row.name ~= vmc.null) and row.name or vmc.null return row end"))
        self.assertSucceeded(code, summary, rowsRead=300, rowsWritten=300)
        self.assertEqual(rows_of(self.source, "items"), rows_of(self.warehouse, "copied"))
        code, summary = self.cloud.finish(looping)
        self.assertFailed(code, summary, "SCRIPT_LIMIT")
        self.assertIn("shape", str(self.cloud.events(looping, "command_failed")))
        self.assertEqual(rows_of(self.warehouse, "wrong"), [])
        self.assertTrue(self.cloud.worker.alive())

        code, summary = self.cloud.run(self.copy("honest again", "copied", "function transform(row) return row end"))
        self.assertSucceeded(code, summary, rowsWritten=300)

    def test_rows_that_a_script_refuses_are_counted_and_too_many_stop_the_run(self):
        refusing = "function transform(row) if row.id % 100 == 1 then error('not this one') end return row end"
        code, summary = self.cloud.run(self.copy("some", "copied", refusing))
        self.assertSucceeded(code, summary, rowsRead=300, rowsWritten=297, rowsRefused=3)
        self.assertEqual(len(rows_of(self.warehouse, "copied")), 297)

        strict = self.copy("none", "wrong", refusing)
        strict["activities"][1]["params"] = {"maxRefused": 0}
        code, summary = self.cloud.run(strict)
        self.assertFailed(code, summary, "SCRIPT_ERROR")


if __name__ == "__main__":
    unittest.main()
