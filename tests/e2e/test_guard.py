"""The guard from the command line, as an IT person tries it before trusting it."""

import json
import unittest

from harness import ROOT, E2ETest, vmc

CORPORA = ROOT / "tests/corpora/guard"


class GuardCheck(E2ETest):
    def check(self, statements, *flags, dialect="postgres"):
        lines = "".join(json.dumps({"id": n, "sql": s}, ensure_ascii=False) + "\n" for n, s in enumerate(statements))
        done = vmc("guard", "check", "--dialect", dialect, *flags, stdin=lines)
        self.assertEqual(done.code, 0, done)
        verdicts = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([v["id"] for v in verdicts], list(range(len(statements))))
        return verdicts

    def test_a_refusal_names_layer_code_place_and_what_to_do(self):
        good, verb, second = self.check(["SELECT 1", "DROP TABLE orders", "SELECT 1; DELETE FROM orders"])
        self.assertEqual((good["verdict"], good["code"], good["reason"]), ("accept", "", ""))
        self.assertEqual((verb["verdict"], verb["code"]), ("reject", "WRITE_KEYWORD_DETECTED"))
        self.assertEqual(second["verdict"], "reject")
        for verdict in (verb, second):
            self.assertRegex(verdict["reason"], r"at line \d+, column \d+|at character \d+|line \d+")

    def test_a_schema_closes_what_it_does_not_name_and_private_parts_are_out_of_reach(self):
        flags = ["--schema", CORPORA / "postgres/schema.json", "--private", "customers.email,salaries.*"]
        verdicts = self.check(["SELECT name FROM customers", "SELECT email FROM customers", "SELECT * FROM customers",
                               "SELECT count(*) FROM salaries", "SELECT * FROM no_such_table"], *flags)
        self.assertEqual([v["verdict"] for v in verdicts], ["accept"] + ["reject"] * 4, verdicts)
        self.assertEqual(verdicts[1]["code"], "SCHEMA_ACCESS_DENIED")

    def test_every_line_of_the_corpora_is_answered_as_the_agent_would(self):
        for dialect in ("postgres", "mysql", "mssql", "sqlite"):
            schema = ["--schema", CORPORA / dialect / "schema.json"]
            for file, expected, flags in (("escaping", "reject", schema), ("honest", "accept", schema), ("honest", "accept", [])):
                with self.subTest(f"{dialect} {file} {'with' if flags else 'without'} schema"):
                    lines = (CORPORA / dialect / f"{file}.ndjson").read_text().rstrip("\n").split("\n")
                    done = vmc("guard", "check", "--dialect", dialect, *flags, stdin="\n".join(lines) + "\n")
                    self.assertEqual(done.code, 0, done)
                    verdicts = [json.loads(line) for line in done.out.rstrip("\n").split("\n")]
                    self.assertEqual(len(verdicts), len(lines))
                    self.assertEqual([v for v in verdicts if v["verdict"] != expected], [])
                    refused = [v for v in verdicts if v["verdict"] == "reject"]
                    self.assertEqual([v for v in refused if not v["code"] or "line " not in v["reason"]], [])

    def test_without_a_schema_nothing_is_guessed_about_what_is_private(self):
        verdicts = self.check(["SELECT id FROM customers", "SELECT email FROM customers", "SELECT total FROM customer_totals",
                               "SELECT * FROM customers"], "--private", "customers.email")
        self.assertEqual([v["verdict"] for v in verdicts], ["accept", "reject", "reject", "reject"], verdicts)
        self.assertIn("schema export", verdicts[2]["reason"])

    def test_functions_of_the_owners_are_allowed_by_name(self):
        for dialect, call in (("postgres", "shop.vat_of(1)"), ("mysql", "SHOP.Vat_Of(1)"), ("mssql", "Shop.vat_of(1)")):
            line = json.dumps({"id": 1, "sql": f"SELECT {call}"})
            for words, verdict in (((), "reject"), (("--functions", "x, shop.vat_of"), "accept")):
                done = vmc("guard", "check", "--dialect", dialect, *words, stdin=line)
                self.assertEqual(json.loads(done.out)["verdict"], verdict, (dialect, done))

    def test_what_is_no_statement_ends_it_with_the_line(self):
        done = vmc("--json", "guard", "check", "--dialect", "postgres", stdin='{"id": 1, "sql": "SELECT 1"}\n{"id": 2}\n')
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("line 2", done.error["message"])


if __name__ == "__main__":
    unittest.main()
