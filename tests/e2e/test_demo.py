"""all-in-one --demo: it moves its rows, proves it, and the proof is checked here by a program that shares no code."""

import re
import unittest
from decimal import Decimal

from harness import E2ETest, free_port, sqlite, vmc

SOURCE = "SELECT id, order_id, product_id, quantity, unit_price, discount_percent, note, shipped_on, updated_at FROM order_lines"
DESTINATION = ("SELECT id, order_id, product_id, quantity, unit_price, discount_percent, remark, shipped_on, updated_at, line_total "
               "FROM sales_lines")


def seconds(moment):
    return moment.replace("T", " ").removesuffix(".000000")


class Demo(E2ETest):
    def demo(self, *words, as_json=True):
        return vmc("--state", self.folder / "demo", *(["--json"] if as_json else []), "all-in-one", "--demo", "--once", *words)

    def rows(self, file, query):
        with sqlite(self.folder / "demo" / file) as db:
            return {row[0]: row[1:] for row in db.execute(query)}

    def assertMoved(self):
        """Every row of the ERP stands in the warehouse, exactly, and no other row does."""
        source, destination = self.rows("erp.db", SOURCE), self.rows("warehouse.db", DESTINATION)
        self.assertEqual(source.keys(), destination.keys())
        for key, row in source.items():
            moved = destination[key]
            self.assertIsInstance(row[3], str, "a decimal that is no text has been rounded already")
            self.assertEqual((*row[:7], seconds(row[7])), (*moved[:7], seconds(moved[7])), key)
            quantity, price, discount = row[2], Decimal(row[3]), Decimal(row[4] or 0)
            self.assertIsInstance(moved[8], str)
            self.assertEqual(Decimal(moved[8]), price * quantity * (100 - discount).scaleb(-2), key)
        return source

    def test_small_demo_then_a_second_start_that_moves_exactly_what_has_changed(self):
        first = self.demo("--order-lines", 5000)
        self.assertEqual(first.code, 0, first)
        summary = first.json
        self.assertEqual((summary["status"], summary["proof"], summary["rowsRead"], summary["rowsWritten"], summary["rowsRefused"]),
                         ("succeeded", True, 5000, 5000, 0), summary)
        before = self.assertMoved()
        self.assertEqual(len(before), 5000)

        second = self.demo("--order-lines", 5000)
        self.assertEqual(second.code, 0, second)
        summary = second.json
        self.assertEqual((summary["status"], summary["proof"], summary["rowsWritten"], summary["rowsShaped"], summary["rowsRefused"]),
                         ("succeeded", True, 1000, 1000, 0), summary)
        after = self.assertMoved()
        added = after.keys() - before.keys()
        changed = [key for key in before if before[key] != after[key]]
        self.assertEqual((len(added), len(changed)), (500, 500))

    def test_default_size_as_people_see_it(self):
        done = self.demo("--listen", f"127.0.0.1:{free_port()}", as_json=False)
        self.assertEqual(done.code, 0, done)
        for words, number in (("rows read", 120_000), ("rows written", 120_000), ("rows refused", 0)):
            self.assertRegex(done.out, rf"(?m)^ *{words} +{number}$")
        self.assertRegex(done.out, r"proof +holds")
        self.assertEqual(len(self.assertMoved()), 120_000)

    def test_too_few_rows_are_a_usage_error(self):
        done = self.demo("--order-lines", 10)
        self.assertEqual(done.code, 2, done)
        self.assertTrue(re.search("order-lines", done.err + done.out), done)


if __name__ == "__main__":
    unittest.main()
