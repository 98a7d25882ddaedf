"""Damage on purpose: chunks that change or vanish, rows that change behind the product's back. Never wrong data: what
can be read again is, and where it cannot be, the run fails, says so, and ends with exit code 8."""

import unittest

from harness import CEILING, FIRST_ID, E2ETest, flip_bit, make_items, rows_of, sqlite, wait_until, workflow

ROWS = 60
IN_FLIGHT = 3  # parts the worker has under way at once


class OneAgent(E2ETest):
    """One part, so that the worker's steps are few and known: split, extract, load."""

    SPLIT, EXTRACT, LOAD = 1, 2, 3  # which answer of the agent the worker takes in

    def setUp(self):
        super().setUp()
        self.source, self.copy = make_items(self.folder / "a.db", ROWS), make_items(self.folder / "b.db", 0)
        self.cloud = self.world().start(worker=False)
        self.agent = self.cloud.agent("HQ", start=False)
        self.agent.add_sqlite("a", self.source).add_sqlite("b", self.copy, writable=["items"]).publish("a", "b").start()
        self.agent.connected().wait_published("a", "b")

    def submit(self):
        return self.cloud.submit(workflow("Copy", ("HQ", "a", "items"), ("HQ", "b", "items"), rows_per_part=1000))

    def work_until(self, visit):
        """The worker dies when it has taken in its visit-th answer, and before it does anything with it."""
        self.cloud.start_worker(VMC_CRASH_AT=f"worker.results_taken:{visit}")
        self.cloud.worker.wait_end()

    def extracted_chunks(self, execution, count=1):
        extracted = self.cloud.events(execution, "part_extracted")
        self.assertEqual(len(extracted), count, self.cloud.events(execution))
        files = self.cloud.chunk_files(extracted[-1]["bufferKey"])
        self.assertTrue(files, extracted)
        return files

    def test_a_bit_that_flips_in_a_stored_chunk_makes_the_part_be_read_again(self):
        for offset, where in ((None, "in the rows"), (-1, "in the file's end"), (0, "in its first byte")):
            with self.subTest(where):
                execution = self.submit()
                self.work_until(self.EXTRACT)
                for file in self.extracted_chunks(execution):
                    flip_bit(file, offset)
                self.cloud.start_worker()
                self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)
                failed = self.cloud.events(execution, "command_failed")
                self.assertEqual([(e["purpose"], e["code"]) for e in failed], [("shape", "BUFFER_INTEGRITY")])
                self.assertEqual(rows_of(self.source, "items"), rows_of(self.copy, "items"))
                self.cloud.worker.stop()
                with sqlite(self.copy) as db:
                    db.execute("DELETE FROM items")

    def test_a_chunk_that_vanished_is_read_again(self):
        execution = self.submit()
        self.work_until(self.EXTRACT)
        for file in self.extracted_chunks(execution):
            file.unlink()
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)
        self.assertEqual(len(self.cloud.events(execution, "part_extracted")), 2)
        self.assertEqual(rows_of(self.source, "items"), rows_of(self.copy, "items"))

    def test_a_chunk_that_vanishes_every_time_fails_the_run(self):
        execution = self.submit()
        self.work_until(self.EXTRACT)
        for tries in (1, 2, 3):
            for file in self.extracted_chunks(execution, tries):
                file.unlink()
            if tries < 3:  # each later start takes in one answer: the repeated extract
                self.work_until(1)
        self.cloud.start_worker()
        code, summary = self.cloud.finish(execution)
        self.assertFailed(code, summary, "BUFFER_INTEGRITY")
        self.assertEqual(rows_of(self.copy, "items"), [])

    def alter_between_load_and_proof(self, file, statement):
        execution = self.submit()
        self.work_until(self.LOAD)
        self.assertEqual(len(self.cloud.events(execution, "part_loaded")), 1)
        with sqlite(file) as db:
            self.assertEqual(db.execute(statement).rowcount, 1)
        self.cloud.start_worker()
        code, summary = self.cloud.finish(execution)
        self.assertFailed(code, summary, "BUFFER_INTEGRITY")
        self.assertEqual(summary["failedParts"], [0])
        return summary["message"]

    def test_a_row_altered_after_the_load_fails_the_proof(self):
        for statement in (f"UPDATE items SET name = 'altered' WHERE id = {FIRST_ID + 1}",
                          f"UPDATE items SET price = '0.01' WHERE id = {FIRST_ID + 2}",
                          f"UPDATE items SET sold = NULL WHERE id = {FIRST_ID + 3}",
                          f"DELETE FROM items WHERE id = {FIRST_ID + 4}"):
            with self.subTest(statement):
                self.assertIn("destination", self.alter_between_load_and_proof(self.copy, statement))
                self.cloud.worker.stop()

    def test_a_row_of_the_source_altered_after_it_was_read_is_the_next_runs(self):
        execution = self.submit()
        self.work_until(self.EXTRACT)
        before = rows_of(self.source, "items")
        with sqlite(self.source) as db:
            db.execute(f"UPDATE items SET name = 'later' WHERE id = {FIRST_ID + 5}")
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.finish(execution), proof=True)
        self.assertEqual(rows_of(self.copy, "items"), before)
        self.assertSucceeded(*self.cloud.finish(self.submit()), proof=True)
        self.assertEqual(rows_of(self.copy, "items"), rows_of(self.source, "items"))

    def test_a_source_that_answers_otherwise_each_time_is_read_again_and_fails_the_proof(self):
        with sqlite(self.source) as db:
            db.execute("CREATE VIEW moods AS SELECT id, name || abs(random()) AS name, price, sold, changed_at FROM items")
        self.agent.publish("a")
        self.cloud.start_worker()
        wait_until("the view at the cloud", lambda: "moods" in [t["name"] for t in self.cloud.ok("schema", "show", "HQ", "a")["tables"]])
        execution = self.cloud.submit(workflow("Moods", ("HQ", "a", "moods"), ("HQ", "b", "items")))
        code, summary = self.cloud.finish(execution)
        self.assertFailed(code, summary, "BUFFER_INTEGRITY")
        self.assertEqual(summary["failedParts"], [0])
        self.assertIn("read again", summary["message"])
        self.assertEqual([e["epoch"] for e in self.cloud.events(execution, "part_differs")], [1, 2, 3])
        self.assertEqual(rows_of(self.copy, "items"), [])

    def test_the_same_run_untouched_succeeds(self):
        execution = self.submit()
        self.work_until(self.LOAD)
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)


class TwoAgents(E2ETest):
    """Source and destination have an agent each: the second one comes after the damage."""

    def setUp(self):
        super().setUp()
        self.source, self.copy = make_items(self.folder / "a.db", ROWS), make_items(self.folder / "b.db", 0)
        self.cloud = self.world().start()
        hq = self.cloud.agent("HQ", start=False).add_sqlite("a", self.source).publish("a").start()
        self.branch = self.cloud.agent("Branch", start=False).add_sqlite("b", self.copy, writable=["items"]).publish("b").start()
        hq.connected().wait_published("a")
        self.branch.connected().wait_published("b")
        self.branch.stop()

    def shaped(self, parts):
        execution = self.cloud.submit(workflow("Copy", ("HQ", "a", "items"), ("Branch", "b", "items"), rows_per_part=ROWS // parts))
        shaped = self.cloud.wait_event(execution, "part_shaped", min(parts, IN_FLIGHT))
        return execution, {e["part"]: self.cloud.chunk_files(e["bufferKey"]) for e in shaped}

    def test_a_damaged_chunk_on_its_way_to_the_destination_is_shaped_again(self):
        execution, chunks = self.shaped(parts=3)
        self.assertTrue(all(chunks.values()), chunks)
        flip_bit(chunks[0][0])
        self.branch.start()
        self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)
        failed = self.cloud.events(execution, "command_failed")
        self.assertEqual([(e["purpose"], e["code"], e["part"]) for e in failed], [("load", "BUFFER_INTEGRITY", 0)])
        self.assertEqual(rows_of(self.source, "items"), rows_of(self.copy, "items"))

    def test_parts_that_needed_a_second_attempt_do_not_keep_later_parts_out(self):
        execution, chunks = self.shaped(parts=6)  # three of them are on their way, the others have not begun
        for files in chunks.values():
            flip_bit(files[0])
        self.branch.start()
        self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)
        self.assertEqual(sorted(e["epoch"] for e in self.cloud.events(execution, "part_loaded")), [1, 1, 1, 2, 2, 2])
        self.assertEqual(rows_of(self.source, "items"), rows_of(self.copy, "items"))

    def test_an_execution_leaves_no_chunk_behind(self):
        execution, chunks = self.shaped(parts=2)
        self.branch.start()
        self.assertSucceeded(*self.cloud.finish(execution))
        wait_until("the buffer to be cleaned", lambda: not self.cloud.chunk_files(), CEILING)
        self.assertFalse(any(file.exists() for files in chunks.values() for file in files))


if __name__ == "__main__":
    unittest.main()
