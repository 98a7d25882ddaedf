// The contract of Database, against a real file and through an idle FaultStore.
#include <catch2/catch.hpp>

#include <future>
#include <limits>

#include <boost/asio/bind_cancellation_slot.hpp>

#include "store/dialect.hpp"
#include "support.hpp"
#include "support/fault_store.hpp"

using namespace vmc;
using namespace vmc::test;
using store::Tx;

namespace {

struct Backend {
  TempFolder folder;
  std::unique_ptr<store::Database> real = open_notes(folder / "state.db");
  std::unique_ptr<store::FaultStore> wrapper;
  store::Database& db;

  explicit Backend(bool wrapped)
      : wrapper{wrapped ? std::make_unique<store::FaultStore>(*real) : nullptr}, db{pick()} {}
  store::Database& pick() {
    if (wrapper) return *wrapper;
    return *real;
  }
};

// Runs one closure as tenant t1 and returns the code it failed with.
template <class F>
std::optional<Code> failure_of(store::Database& db, F body, bool reads = false) {
  auto work = [&](Tx& tx) -> Result<void> {
    body(tx);
    return {};
  };
  const auto done = reads ? run(db.read("t1", work)) : run(db.transact("t1", work));
  if (done) return std::nullopt;
  return done.error().code;
}

}  // namespace

TEST_CASE("what a transaction wrote is read by the next one and by snapshots") {
  Backend backend{GENERATE(false, true)};
  REQUIRE(run(add_note(backend.db, "a")));
  REQUIRE(run(add_note(backend.db, "b")));
  CHECK(run(note_ids(backend.db)).value() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a value of the closure is handed to its caller") {
  Backend backend{GENERATE(false, true)};
  auto work = [](Tx& tx) -> Result<std::int64_t> {
    return tx.one("SELECT 40 + :two", {{"two", 2}})->integer(0);
  };
  CHECK(run(backend.db.transact("t1", work)).value() == 42);
  CHECK(run(backend.db.read("t1", work)).value() == 42);
}

TEST_CASE("every kind of cell comes back as it was") {
  Backend backend{GENERATE(false, true)};
  const std::string text{"a\0b \xf0\x9f\x92\xbe", 8};
  auto work = [&](Tx& tx) -> Result<void> {
    const auto row = tx.one("SELECT :least, :most, :text, :no_text, :bytes, :no_bytes, :null, :tenant",
                            {{"least", std::numeric_limits<std::int64_t>::min()},
                             {"most", std::numeric_limits<std::int64_t>::max()},
                             {"text", text},
                             {"no_text", ""},
                             {"bytes", Bytes{0, 255, 7}},
                             {"no_bytes", Bytes{}},
                             {"null", nullptr}});
    CHECK(row->integer(0) == std::numeric_limits<std::int64_t>::min());
    CHECK(row->integer(1) == std::numeric_limits<std::int64_t>::max());
    CHECK(row->text(2) == text);
    CHECK(row->text(3).empty());
    CHECK(row->bytes(4) == Bytes{0, 255, 7});
    CHECK(row->bytes(5).empty());
    CHECK(row->null(6));
    CHECK_FALSE(row->text_or_null(6));
    CHECK(row->text(7) == "t1");
    CHECK_THROWS_AS(row->integer(2), std::bad_variant_access);
    return {};
  };
  REQUIRE(run(backend.db.transact("t1", work)));
  REQUIRE(run(backend.db.read("t1", work)));
}

TEST_CASE("exec counts the rows it changed, and the fragments of other databases are read over") {
  Backend backend{GENERATE(false, true)};
  auto work = [](Tx& tx) -> Result<void> {
    CHECK(tx.exec("INSERT INTO notes (tenant, id) VALUES (:tenant, 'a'), (:tenant, 'b'), (:tenant, 'c')") ==
          3);
    CHECK(tx.exec("UPDATE notes SET body = 'x' WHERE id < 'c'") == 2);
    CHECK(tx.exec("DELETE FROM notes WHERE id = 'nobody'") == 0);
    CHECK(tx.exec("SELECT count(*) FROM notes") == 0);
    const auto gone = tx.query("DELETE FROM notes WHERE id > :id RETURNING id, body", {{"id", "a"}});
    CHECK(gone.size() == 2);
    const auto picked = tx.query("SELECT id FROM notes LIMIT 5 " + std::string{store::kSkipLocked});
    CHECK(picked.size() == 1);
    return {};
  };
  REQUIRE(run(backend.db.transact("t1", work)));
}

TEST_CASE("an error that the closure returns undoes it") {
  Backend backend{GENERATE(false, true)};
  auto work = [](Tx& tx) -> Result<int> {
    tx.exec(kInsert, {{"id", "a"}, {"body", "x"}});
    return fail(Code::quota_exceeded, "too much");
  };
  CHECK(run(backend.db.transact("t1", work)).error().code == Code::quota_exceeded);
  CHECK(run(note_ids(backend.db)).value().empty());
}

TEST_CASE("a statement that fails undoes the closure, even one that swallows the failure") {
  Backend backend{GENERATE(false, true)};
  REQUIRE(run(add_note(backend.db, "a")));
  const auto code = failure_of(backend.db, [](Tx& tx) {
    tx.exec(kInsert, {{"id", "b"}, {"body", "x"}});
    CHECK_THROWS_AS(tx.exec(kInsert, {{"id", "a"}, {"body", "x"}}), store::StoreFailure);
    CHECK_THROWS_AS(tx.exec(kInsert, {{"id", "c"}, {"body", "x"}}), store::StoreFailure);
  });
  CHECK(code == Code::conflict);
  CHECK(run(note_ids(backend.db)).value() == std::vector<std::string>{"a"});
}

TEST_CASE("an exception of the closure undoes it and reaches the caller") {
  Backend backend{GENERATE(false, true)};
  auto work = [](Tx& tx) -> Result<void> {
    tx.exec(kInsert, {{"id", "a"}, {"body", "x"}});
    throw std::out_of_range{"a bug"};
  };
  CHECK_THROWS_AS(run(backend.db.transact("t1", work)), std::out_of_range);
  auto reading = [](Tx&) -> Result<void> { throw std::out_of_range{"a bug"}; };
  CHECK_THROWS_AS(run(backend.db.read("t1", reading)), std::out_of_range);
  CHECK(run(note_ids(backend.db)).value().empty());
}

TEST_CASE("failures of statements have the code that says what to do") {
  Backend backend{GENERATE(false, true)};
  auto& db = backend.db;
  REQUIRE(run(add_note(db, "a")));
  CHECK(failure_of(db, [](Tx& tx) { tx.exec(kInsert, {{"id", "a"}, {"body", "x"}}); }) == Code::conflict);
  CHECK(failure_of(db, [](Tx& tx) { tx.exec("INSERT INTO marks VALUES ('nobody', :tenant, 1)"); }) ==
        Code::conflict);
  CHECK(failure_of(db, [](Tx& tx) { tx.exec(kInsert, {{"id", nullptr}, {"body", "x"}}); }) == Code::internal);
  CHECK(failure_of(db, [](Tx& tx) { tx.exec("SELEC 1"); }) == Code::internal);
  CHECK(failure_of(db, [](Tx& tx) { tx.query("SELECT no FROM notes"); }) == Code::internal);
  CHECK(failure_of(
            db, [](Tx& tx) { tx.exec("DELETE FROM notes"); }, true) == Code::internal);
  CHECK(run(note_ids(db)).value() == std::vector<std::string>{"a"});
}

TEST_CASE("messages of failures carry names but no values") {
  Backend backend{GENERATE(false, true)};
  REQUIRE(run(add_note(backend.db, "s3cret")));
  const auto again = run(add_note(backend.db, "s3cret", "s3cret"));
  CHECK(again.error().message.find("notes.id") != std::string::npos);
  CHECK(again.error().text().find("s3cret") == std::string::npos);
  auto work = [](Tx& tx) -> Result<void> {
    tx.query("SELECT json_extract(:json, '$.a')", {{"json", "s3cret"}});
    return {};
  };
  CHECK(run(backend.db.read("t1", work)).error().text().find("s3cret") == std::string::npos);
}

TEST_CASE("a parameter that is missing, superfluous or given twice is a bug and throws") {
  Backend backend{GENERATE(false, true)};
  auto& db = backend.db;
  const auto text = "SELECT id FROM notes WHERE id = :id";
  CHECK_THROWS_AS(failure_of(db, [&](Tx& tx) { tx.query(text); }), std::logic_error);
  CHECK_THROWS_AS(failure_of(db,
                             [&](Tx& tx) {
                               tx.query(text, {{"id", "a"}, {"more", 1}});
                             }),
                  std::logic_error);
  CHECK_THROWS_AS(failure_of(db,
                             [&](Tx& tx) {
                               tx.query(text, {{"id", "a"}, {"id", "b"}});
                             }),
                  std::logic_error);
  CHECK_THROWS_AS(failure_of(db,
                             [&](Tx& tx) {
                               tx.query("SELECT :tenant", {{"tenant", "t2"}});
                             }),
                  std::logic_error);
  CHECK_THROWS_AS(failure_of(db, [&](Tx& tx) { tx.query("SELECT ?"); }), std::logic_error);
  CHECK_THROWS_AS(failure_of(db, [&](Tx& tx) { tx.query("SELECT 1; SELECT 2"); }), std::logic_error);
  CHECK_FALSE(failure_of(db, [&](Tx& tx) { tx.query("SELECT :id, :id || :tenant", {{"id", "a"}}); }));
}

TEST_CASE("a transaction is bound to one tenant") {
  Backend backend{GENERATE(false, true)};
  REQUIRE(run(add_note(backend.db, "a")));
  CHECK(run(note_ids(backend.db, "t2")).value().empty());
  CHECK(run(note_ids(backend.db, "t1")).value().size() == 1);
}

TEST_CASE("a snapshot does not change while writers go on") {
  asio::io_context reading;
  Backend backend{GENERATE(false, true)};
  auto& db = backend.db;
  REQUIRE(run(add_note(db, "a")));
  std::promise<void> looked, written;
  auto count = [](Tx& tx) { return tx.one("SELECT count(*) FROM notes")->integer(0); };
  auto work = [&](Tx& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
    const auto before = count(tx);
    looked.set_value();
    written.get_future().wait();
    return std::pair{before, count(tx)};
  };
  auto seen = std::async(std::launch::async, [&] { return run(db.read("t1", work), reading); });
  looked.get_future().wait();
  REQUIRE(run(add_note(db, "b")));
  written.set_value();
  CHECK(seen.get().value() == std::pair{std::int64_t{1}, std::int64_t{1}});
  CHECK(run(note_ids(db)).value().size() == 2);
}

TEST_CASE("a cancelled caller still waits for its transaction and hears how it ended") {
  Backend backend{GENERATE(false, true)};
  auto& db = backend.db;
  auto& loop = this_loop();
  asio::cancellation_signal stop;
  std::promise<void> cancelled;
  auto goes_on = cancelled.get_future();
  std::optional<Result<int>> outcome;
  auto task = [&]() -> awaitable<void> {
    auto work = [&](Tx& tx) -> Result<int> {
      asio::post(loop, [&] {
        stop.emit(asio::cancellation_type::terminal);
        cancelled.set_value();
      });
      goes_on.wait();
      tx.exec(kInsert, {{"id", "a"}, {"body", "x"}});
      return 7;
    };
    outcome = co_await db.transact("t1", work);
  };
  asio::co_spawn(loop, task(), asio::bind_cancellation_slot(stop.slot(), rethrow));
  loop.run();
  REQUIRE(outcome.has_value());
  CHECK(outcome->value() == 7);
  CHECK(run(note_ids(db)).value().size() == 1);
}

TEST_CASE("a cancelled read is interrupted, however long it would take") {
  Backend backend{GENERATE(false, true)};
  auto& db = backend.db;
  auto& loop = this_loop();
  asio::cancellation_signal stop;
  std::optional<Result<void>> outcome;
  auto task = [&]() -> awaitable<void> {
    auto work = [&](Tx& tx) -> Result<void> {
      asio::post(loop, [&] { stop.emit(asio::cancellation_type::terminal); });
      tx.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
      return {};
    };
    outcome = co_await db.read("t1", work);
  };
  asio::co_spawn(loop, task(), asio::bind_cancellation_slot(stop.slot(), rethrow));
  loop.run();
  CHECK(outcome.value().error().code == Code::cancelled);
  CHECK(run(note_ids(db)).value().empty());
}
