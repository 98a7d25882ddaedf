// Replacing a table's rows: laid aside part by part, shown all at once, and nothing half done whatever goes wrong.
#include "backends.hpp"
#include "sources/load_plan.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

const std::vector<std::string> kColumns{"code", "part", "note"};

Row item(const std::string& code, std::int64_t part = 1) { return {code, part, std::string{"new"}}; }

sources::LoadRequest replacing(const data::TableInfo& table, const std::vector<std::string>& columns,
                               const std::string& scope, std::int64_t part = 0, std::int64_t epoch = 1) {
  auto request = load_request(table, columns, scope, part, epoch);
  request.mode = sources::LoadRequest::Mode::replace;
  return request;
}

sources::LoadOutcome must_swap(sources::Session& session, const sources::LoadRequest& request,
                               const data::TableInfo& table, std::int64_t rows) {
  auto outcome = session.swap(request, table, rows);
  if (!outcome) FAIL(outcome.error().text());
  return *outcome;
}

Error refusal(Result<sources::LoadOutcome> outcome) {
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().text());
  CHECK(outcome.error().text().find("secret") == std::string::npos);
  return outcome.error();
}

// A table with two old rows, and sessions that load into it and look at it.
template <class Database>
struct Items {
  Database db;
  std::unique_ptr<sources::Session> writer, reader;
  data::TableInfo table;

  Items() {
    db.run(kItems + "; INSERT INTO items VALUES ('old', 1, 'x'), ('old', 2, 'y')");
    writer = db.open(Access::load);
    reader = db.looking();
    table = table_named(*reader, "items");
  }
  std::vector<std::string> codes() {
    std::vector<std::string> out;
    for (const auto& row : read_all(*reader, intent_for(table, {"code"}, {{"code", false}, {"part", false}}), table))
      out.push_back(std::get<std::string>(row[0]));
    REQUIRE(reader->reset());
    return out;
  }
  bool laid_aside(const std::string& scope, const std::string& of = "items") {
    Rows rows;
    sources::SqlQuery query;
    query.text = "SELECT count(*) AS n FROM " + sources::aside_name(of, scope).text();
    const auto found = reader->query(query, {}, into(rows)).has_value();
    REQUIRE(reader->reset());
    return found;
  }
};

const std::vector<std::string> kOld{"old", "old"};

}  // namespace

FOR_EACH_LOADER("a table is replaced by all parts of a run at once, whatever their order and however often they come",
                "[contract]") {
  Items<TestType> items;
  const auto part = [&](std::int64_t number) { return replacing(items.table, kColumns, "run", number); };
  for (const std::int64_t number : {2, 0, 1}) {
    CHECK(must_load(*items.writer, part(number), items.table, {item("p" + std::to_string(number)), item("q", number)})
              .rows == 2);
    CHECK(items.codes() == kOld);
  }
  CHECK(must_load(*items.writer, part(0), items.table, {item("once more")}).already_applied);

  const auto swapped = must_swap(*items.writer, part(0), items.table, 6);
  CHECK(swapped.rows == 6);
  CHECK_FALSE(swapped.already_applied);
  const std::vector<std::string> fresh{"p0", "p1", "p2", "q", "q", "q"};
  CHECK(items.codes() == fresh);

  const auto again = must_swap(*items.writer, replacing(items.table, kColumns, "run", 0, 2), items.table, 6);
  CHECK(again.rows == 6);
  CHECK(again.already_applied);
  CHECK(must_load(*items.writer, part(1), items.table, {item("late")}).already_applied);
  CHECK(refusal(items.writer->load(part(3), items.table, once(batch_of(part(3).columns, {item("late")})))).code ==
        Code::conflict);
  CHECK(items.codes() == fresh);
  CHECK_FALSE(items.laid_aside("run"));
}

FOR_EACH_LOADER("who reads while the table is replaced sees the old rows to the end, and then the new ones",
                "[contract]") {
  TestType db;
  if constexpr (std::is_same_v<TestType, Sqlite> || std::is_same_v<TestType, Writing<OdbcSqlite>>)
    db.run("PRAGMA journal_mode = WAL");
  db.run("CREATE TABLE items (code varchar(20) NOT NULL, part integer NOT NULL, note varchar(1000), PRIMARY KEY (code, "
         "part))");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  const std::string note(1'000, 'x');
  Rows old;  // three batches
  for (std::int64_t i = 0; i < 3'000; ++i) old.push_back({std::string{"old"}, i, note});
  must_load(*writer, load_request(table, kColumns, "before"), table, old);
  const auto request = replacing(table, kColumns, "run");
  must_load(*writer, request, table, {item("new")});

  auto reader = db.open(Access::read);
  Rows seen;
  bool swapped = false;
  const auto keep = into(seen);
  const auto sink = [&](data::Batch batch) -> Result<void> {
    if (!std::exchange(swapped, true)) must_swap(*writer, request, table, 1);
    return keep(std::move(batch));
  };
  auto outcome = reader->read(intent_for(table, {"code", "note"}), table, {}, sink);
  if (!outcome) FAIL(outcome.error().text());
  CHECK(seen == Rows(old.size(), Row{std::string{"old"}, note}));
  REQUIRE(reader->reset());
  CHECK(read_all(*reader, intent_for(table, {"code"}), table) == Rows{{std::string{"new"}}});
}

FOR_EACH_LOADER("a run that moved no rows empties the table", "[contract]") {
  Items<TestType> items;
  const auto request = replacing(items.table, kColumns, "run");
  CHECK(must_swap(*items.writer, request, items.table, 0).rows == 0);
  CHECK(items.codes().empty());
}

FOR_EACH_LOADER("a swap that would not bring exactly the run's rows changes nothing and can be made good",
                "[contract]") {
  Items<TestType> items;
  const auto first = replacing(items.table, kColumns, "run", 0), second = replacing(items.table, kColumns, "run", 1);
  CHECK(refusal(items.writer->swap(first, items.table, 2)).code == Code::conflict);
  REQUIRE(items.writer->reset());
  must_load(*items.writer, first, items.table, {item("a")});
  CHECK(refusal(items.writer->swap(first, items.table, 2)).code == Code::conflict);
  REQUIRE(items.writer->reset());
  CHECK(items.codes() == kOld);
  must_load(*items.writer, second, items.table, {item("b")});
  must_swap(*items.writer, first, items.table, 2);
  CHECK(items.codes() == std::vector<std::string>{"a", "b"});
}

FOR_EACH_LOADER("rows that somebody has removed from beside the table are missed", "[contract]") {
  Items<TestType> items;
  const auto first = replacing(items.table, kColumns, "run", 0), second = replacing(items.table, kColumns, "run", 1);
  must_load(*items.writer, first, items.table, {item("a")});
  items.db.run("DROP TABLE " + sources::aside_name("items", "run").text());
  must_load(*items.writer, second, items.table, {item("b")});
  CHECK(refusal(items.writer->swap(first, items.table, 2)).code == Code::conflict);
  CHECK(items.codes() == kOld);
}

FOR_EACH_LOADER("what a failed run has laid aside is dropped, and nothing of that run comes back", "[contract]") {
  Items<TestType> items;
  const auto request = replacing(items.table, kColumns, "run");
  must_load(*items.writer, request, items.table, {item("a")});
  CHECK(items.laid_aside("run"));
  for (int time = 0; time < 2; ++time) {
    auto dropped = items.writer->drop_aside(request);
    if (!dropped) FAIL(dropped.error().text());
    CHECK_FALSE(items.laid_aside("run"));
  }
  const auto late = replacing(items.table, kColumns, "run", 1);
  const auto refused = refusal(items.writer->load(late, items.table, once(batch_of(late.columns, {item("b")}))));
  CHECK(refused.code == Code::conflict);
  REQUIRE(items.writer->reset());
  CHECK(refusal(items.writer->swap(request, items.table, 1)).code == Code::conflict);
  REQUIRE(items.writer->reset());
  CHECK(items.codes() == kOld);
  CHECK_FALSE(items.laid_aside("run"));
}

FOR_EACH_LOADER("the table's own constraints hold for what replaces it", "[contract]") {
  TestType db;
  db.run("CREATE TABLE kinds (id integer NOT NULL PRIMARY KEY)");
  db.run("CREATE TABLE things (id integer NOT NULL PRIMARY KEY, kind integer NOT NULL, FOREIGN KEY (kind) REFERENCES "
         "kinds (id))");
  db.run("INSERT INTO kinds VALUES (1)");
  db.run("INSERT INTO things VALUES (7, 1)");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "things");
  const auto number = [](std::int64_t n) { return data::Value{n}; };
  const auto content = [&] {
    auto reader = db.open(Access::read);
    return read_all(*reader, intent_for(table, {"id", "kind"}), table);
  };
  const Rows old{{number(7), number(1)}};

  const auto nothing = replacing(table, {"id", "kind"}, "null");
  CHECK(refusal(writer->load(nothing, table, once(batch_of(nothing.columns, {{number(1), {}}})))).code ==
        Code::invalid_request);
  REQUIRE(writer->reset());
  const auto dangling = replacing(table, {"id", "kind"}, "dangling");
  must_load(*writer, dangling, table, {{number(1), number(2)}});
  CHECK(refusal(writer->swap(dangling, table, 1)).code == Code::database_error);
  REQUIRE(writer->reset());
  CHECK(content() == old);

  // Two parts with one key: one of the parts or the swap is refused.
  const auto one = replacing(table, {"id", "kind"}, "twice", 0), two = replacing(table, {"id", "kind"}, "twice", 1);
  must_load(*writer, one, table, {{number(1), number(1)}});
  auto twice = writer->load(two, table, once(batch_of(two.columns, {{number(1), number(1)}})));
  if (twice) twice = writer->swap(one, table, 2);
  CHECK(refusal(twice).code == Code::conflict);
  REQUIRE(writer->reset());
  CHECK(content() == old);

  // What other rows refer to stays while they do.
  const auto kinds = table_named(*writer, "kinds");
  const auto gone = replacing(kinds, {"id"}, "gone");
  CHECK(refusal(writer->swap(gone, kinds, 0)).code == Code::database_error);
  CHECK(content() == old);
}

FOR_EACH_LOADER("a table is not replaced where that would delete rows of another one", "[contract]") {
  TestType db;
  db.run("CREATE TABLE kinds (id integer NOT NULL PRIMARY KEY)");
  db.run("CREATE TABLE things (id integer NOT NULL PRIMARY KEY, kind integer, FOREIGN KEY (kind) REFERENCES kinds (id) "
         "ON DELETE CASCADE)");
  db.run("INSERT INTO kinds VALUES (1)");
  db.run("INSERT INTO things VALUES (7, 1)");
  auto writer = db.open(Access::load);
  const auto kinds = table_named(*writer, "kinds");
  const auto error = refusal(writer->swap(replacing(kinds, {"id"}, "run"), kinds, 0));
  CHECK(error.code == Code::invalid_request);
  CHECK(error.message.find("things") != std::string::npos);
  REQUIRE(writer->reset());
  const auto things = table_named(*writer, "things");
  CHECK(read_all(*writer, intent_for(things, {"id"}), things).size() == 1);

  // What they refer to need not be the primary key.
  db.run("CREATE TABLE colours (id integer NOT NULL PRIMARY KEY, code integer NOT NULL UNIQUE)");
  db.run("CREATE TABLE cars (id integer NOT NULL PRIMARY KEY, colour integer, FOREIGN KEY (colour) REFERENCES colours "
         "(code) ON DELETE SET NULL)");
  const auto colours = table_named(*writer, "colours");
  const auto another = refusal(writer->swap(replacing(colours, {"id", "code"}, "run"), colours, 0));
  CHECK(another.code == Code::invalid_request);
  CHECK(another.message.find("cars") != std::string::npos);
}

FOR_EACH_LOADER("a swap clears away what dead runs have laid aside, and leaves alone what is being laid aside",
                "[contract]") {
  Items<TestType> items;
  items.db.run("CREATE TABLE others (code varchar(20) NOT NULL PRIMARY KEY)");
  const auto others = table_named(*items.reader, "others");
  must_load(*items.writer, replacing(items.table, kColumns, "dead"), items.table, {item("dead")});
  must_load(*items.writer, replacing(others, {"code"}, "dead too"), others, {{std::string{"o"}}});
  items.db.run("UPDATE vmc_applied SET applied_at = '2001-01-01 00:00:00'");
  const auto alive = replacing(items.table, kColumns, "alive");
  must_load(*items.writer, alive, items.table, {item("alive")});

  const auto request = replacing(items.table, kColumns, "run");
  must_load(*items.writer, request, items.table, {item("run")});
  must_swap(*items.writer, request, items.table, 1);

  CHECK_FALSE(items.laid_aside("dead"));
  CHECK(items.laid_aside("alive"));
  CHECK(items.laid_aside("dead too", "others"));
  must_swap(*items.writer, alive, items.table, 1);
  CHECK(items.codes() == std::vector<std::string>{"alive"});
}
