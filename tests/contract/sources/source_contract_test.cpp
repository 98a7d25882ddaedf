// What every Source promises, asked of a real SQLite file, a real PostgreSQL, a real MariaDB and the TDS test server alike,
// and what reads of them through ODBC's drivers.
#include <thread>

#include "backends.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Filter;
using data::Kind;
using data::Value;

namespace {

const std::vector<std::string> kKinds{"boolean", "float64", "decimal", "wide", "number", "text", "bytes",
                                      "date", "time", "timestamp", "timestamptz", "uuid", "json"};

bool has(const Backend& db, const std::string& column) {
  const auto lacks = db.lacks();
  return std::find(lacks.begin(), lacks.end(), column.substr(2)) == lacks.end();
}

// "id" and a column "c_KIND" for each kind the database has.
std::vector<std::string> columns_of(const Backend& db) {
  std::vector<std::string> out{"id"};
  for (const auto& kind : kKinds)
    if (has(db, "c_" + kind)) out.push_back("c_" + kind);
  return out;
}

std::string everything(const Backend& db) {
  std::string out = "CREATE TABLE everything (id " + db.type("int64") + " NOT NULL PRIMARY KEY";
  for (const auto& column : columns_of(db))
    if (column != "id") out += ", " + column + " " + db.type(column.substr(2));
  return out + ")";
}

data::Int128 power_of_ten(int n) {
  data::Int128 out = 1;
  while (n-- > 0) out *= 10;
  return out;
}

data::Uuid uuid(std::uint8_t fill) {
  data::Uuid out;
  out.bytes.fill(fill);
  return out;
}

Rows all_extremes(const Backend& db) {
  const auto number = [&](std::size_t i) { return data::Number{db.numbers()[i]}; };
  const auto instant = [&](std::size_t i) { return data::TimestampTz{db.instants()[i]}; };
  const data::Int128 wide = power_of_ten(38) - 1;
  const std::int64_t day = 86'400'000'000;
  return {{INT64_MIN, true, -1.7976931348623157e308, data::Decimal{-999'999'999'999, 2},
           data::Decimal{-wide, 10}, number(0), std::string{}, Bytes{}, data::Date{-719'162}, data::Time{0},
           data::Timestamp{-62'135'596'800'000'000}, instant(0), uuid(0), data::JsonText{"null"}},
          {std::int64_t{0}, false, db.least(), data::Decimal{1, 2}, data::Decimal{wide, 10},
           number(1), std::string{"zażółć 日本 😀 \\ \" ' \t\n"}, Bytes{0, 1, 0xff, 0, '\\'}, data::Date{0},
           data::Time{day - 1}, data::Timestamp{1'709'208'000'123'456},
           instant(1), uuid(0xab), data::JsonText{R"({"a": [1, 2.50, "x"]})"}},
          {INT64_MAX, true, 0.1, data::Decimal{999'999'999'999, 2}, data::Decimal{1, 10}, number(2),
           std::string(70'000, 'x'), Bytes(70'000, 7), data::Date{2'932'896}, data::Time{1},
           data::Timestamp{253'402'300'799'999'999}, instant(2), uuid(0xff),
           data::JsonText{"[]"}},
          {std::int64_t{7}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}},
          {std::int64_t{8}, false, -0.0, data::Decimal{0, 2}, data::Decimal{power_of_ten(20), 10},
           number(3), std::string{"0012.50"}, Bytes{'1'}, data::Date{19'782},
           data::Time{43'200'000'000}, data::Timestamp{0}, instant(3), uuid(1),
           data::JsonText{"\"12\""}}};
}

// In the columns that the database has.
Rows extremes(const Backend& db) {
  Rows out;
  for (const auto& row : all_extremes(db)) {
    out.push_back({row[0]});
    for (std::size_t i = 0; i < kKinds.size(); ++i)
      if (has(db, "c_" + kKinds[i])) out.back().push_back(row[i + 1]);
  }
  return out;
}

Rows sorted(Rows rows) {
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return data::format(a[0]) < data::format(b[0]); });
  return rows;
}

Filter where(Filter::Op op, std::string column, std::vector<Value> values) {
  Filter out;
  out.op = op;
  out.column = std::move(column);
  out.values = std::move(values);
  return out;
}

}  // namespace

FOR_EACH_READER("every type survives load and read at its extremes and as null", "[contract]") {
  const bool replaces = GENERATE(false, true);
  TestType db;
  db.run(everything(db));
  auto writer = db.open(Access::load);
  auto reader = db.open(Access::read);
  const auto table = table_named(*writer, "everything");
  auto request = load_request(table, columns_of(db), "run");
  if (replaces) request.mode = sources::LoadRequest::Mode::replace;

  const auto outcome = must_load(*writer, request, table, extremes(db));
  if (replaces) REQUIRE(writer->swap(request, table, outcome.rows));

  CHECK(outcome.rows == 5);
  CHECK_FALSE(outcome.already_applied);
  const auto rows = sorted(read_all(*reader, intent_for(table, columns_of(db)), table));
  const auto expected = sorted(extremes(db));
  REQUIRE(rows.size() == expected.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (std::size_t i = 0; i < rows[row].size(); ++i) {
      INFO(columns_of(db)[i] << " of row " << row << ": " << data::format(rows[row][i]).substr(0, 80));
      CHECK(rows[row][i] == expected[row][i]);
    }
}

FOR_EACH_READER("a filter compares decimals and instants by value, not by text", "[contract]") {
  TestType db;
  db.run("CREATE TABLE sums (id " + db.type("int64") + " NOT NULL PRIMARY KEY, amount " + db.type("decimal") +
         ", at " + db.type("timestamp") + ")");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "sums");
  must_load(*writer, load_request(table, {"id", "amount", "at"}, "run"), table,
            {{std::int64_t{1}, data::Decimal{950, 2}, data::Timestamp{0}},
             {std::int64_t{2}, data::Decimal{1000, 2}, data::Timestamp{500'000}},
             {std::int64_t{3}, data::Decimal{-1, 2}, data::Timestamp{1'000'000}}});
  auto reader = db.open(Access::read);
  auto intent = intent_for(table, {"id"}, {{"amount", false}});
  CHECK(read_all(*reader, intent, table) == Rows{{std::int64_t{3}}, {std::int64_t{1}}, {std::int64_t{2}}});
  intent.filter = where(Filter::Op::lt, "amount", {data::Decimal{10, 0}});
  CHECK(read_all(*reader, intent, table) == Rows{{std::int64_t{3}}, {std::int64_t{1}}});
  intent.filter = where(Filter::Op::ge, "at", {data::Timestamp{500'000}});
  CHECK(read_all(*reader, intent, table) == Rows{{std::int64_t{3}}, {std::int64_t{2}}});
  intent.filter = where(Filter::Op::in, "amount", {std::string{"9.500"}, std::string{"10"}});
  intent.limit = 1;
  CHECK(read_all(*reader, intent, table) == Rows{{std::int64_t{1}}});
}

FOR_EVERY_READER("like tells upper from lower case and takes a backslash for itself", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'Red'), ('b', 1, 'red'), ('c', 1, '100%')");
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "items");
  auto intent = intent_for(table, {"code"});
  intent.filter = where(Filter::Op::like, "note", {std::string{"R%"}});
  CHECK(read_all(*reader, intent, table) == Rows{{std::string{"a"}}});
  intent.filter = where(Filter::Op::like, "note", {std::string{"%\\%"}});
  CHECK(read_all(*reader, intent, table) == Rows{{std::string{"c"}}});
}

FOR_EVERY_READER("parts cover every row exactly once, whatever the key", "[contract]") {
  TestType db;
  db.run(kItems);
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  Rows rows;
  for (const char* code : {"a", "B", "b", "Ä", "z z", "", "日"})
    for (std::int64_t part = 0; part < 11; ++part) rows.push_back({std::string{code}, part - 5, {}});
  must_load(*writer, load_request(table, {"code", "part", "note"}, "run"), table, rows);
  auto reader = db.open(Access::read);

  for (const auto& key : {std::vector<std::string>{"code", "part"}, {"part", "code"}, {"code"}, {"part"}}) {
    auto split = reader->split(intent_for(table, {"note"}), table, key, 10, {});
    REQUIRE(split);
    CHECK(split->parts.size() >= 7);
    CHECK(split->parts.front().after.empty());
    Rows seen;
    for (const auto& part : split->parts) {
      auto intent = intent_for(table, {"code", "part"});
      intent.ranges = {part};
      const auto rows_of_part = read_all(*reader, intent, table);
      CHECK_FALSE(rows_of_part.empty());
      seen.insert(seen.end(), rows_of_part.begin(), rows_of_part.end());
    }
    CHECK(seen.size() == rows.size());
    auto by_both = [](const Row& a, const Row& b) {
      return std::pair{std::get<std::string>(a[0]), std::get<std::int64_t>(a[1])} <
             std::pair{std::get<std::string>(b[0]), std::get<std::int64_t>(b[1])};
    };
    std::sort(seen.begin(), seen.end(), by_both);
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }
}

FOR_EVERY_READER("a split respects the intent's filter, and a table without rows is one open part",
                "[contract]") {
  TestType db;
  db.run(kItems);
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "items");
  auto empty = reader->split(intent_for(table, {"code"}), table, {"code", "part"}, 5, {});
  REQUIRE(empty);
  REQUIRE(empty->parts.size() == 1);
  CHECK(empty->parts[0].after.empty());
  CHECK(empty->parts[0].up_to.empty());

  db.run("INSERT INTO items VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('a', 3, 'x')");
  auto intent = intent_for(table, {"code"});
  intent.filter = where(Filter::Op::eq, "note", {std::string{"x"}});
  auto split = reader->split(intent, table, {"part"}, 1, {});
  REQUIRE(split);
  REQUIRE(split->parts.size() == 2);
  CHECK(split->parts[1].after == std::vector<Value>{std::int64_t{1}});
  CHECK(split->parts[1].up_to == std::vector<Value>{std::int64_t{3}});
}

FOR_EVERY_READER("a key with nulls is refused for splitting, because no range reaches them", "[contract]") {
  TestType db;
  db.run("CREATE TABLE loose (k text, v text); INSERT INTO loose VALUES ('a', '1'), (NULL, '2')");
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "loose");
  auto split = reader->split(intent_for(table, {"v"}), table, {"k"}, 1, {});
  REQUIRE_FALSE(split);
  CHECK(split.error().code == Code::invalid_request);
}

FOR_EACH_READER("rows are found by key, in the very types read() gives", "[contract]") {
  TestType db;
  db.run(everything(db));
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "everything");
  must_load(*writer, load_request(table, columns_of(db), "run"), table, extremes(db));
  auto reader = db.open(Access::read);

  Rows found;
  const auto key_type = type_of(table, {"id"});
  auto keys = batch_of(key_type, {{INT64_MIN}, {INT64_MAX}, {std::int64_t{12345}}, {std::int64_t{0}}});
  auto outcome = reader->read_keys(table, columns_of(db), {"id"}, once(std::move(keys)), {}, into(found));
  if (!outcome) FAIL(outcome.error().text());
  const auto all = extremes(db);
  CHECK(sorted(found) == sorted({all[0], all[1], all[2]}));

  // Every kind can be part of a key, alone or together with others.
  for (const auto& key : {std::vector<std::string>{"c_uuid"},
                          {"c_decimal", "c_date"},
                          {"c_timestamptz"},
                          {"c_text", "c_boolean"},
                          {"c_bytes"},
                          {"c_number"},
                          {"c_time", "c_float64", "c_timestamp"}}) {
    if (!has(db, key[0])) continue;
    const auto columns = columns_of(db);
    Rows key_rows{{}};
    for (const auto& name : key)
      key_rows[0].push_back(all[1][static_cast<std::size_t>(
          std::find(columns.begin(), columns.end(), name) - columns.begin())]);
    Rows rows;
    auto one =
        reader->read_keys(table, {"id"}, key, once(batch_of(type_of(table, key), key_rows)), {}, into(rows));
    INFO(key[0]);
    if (!one) FAIL(one.error().text());
    CHECK(rows == Rows{{std::int64_t{0}}});
  }
}

FOR_EVERY_READER("many keys are found in groups", "[contract]") {
  TestType db;
  db.run(kItems);
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  Rows rows, keys;
  for (std::int64_t i = 0; i < 12'000; ++i) {
    rows.push_back({"code \"" + std::to_string(i % 100) + "\\", i, {}});
    if (i % 2 == 0) keys.push_back({rows.back()[0], i});
  }
  must_load(*writer, load_request(table, {"code", "part", "note"}, "run"), table, rows);
  auto reader = db.open(Access::read);
  Rows found;
  auto outcome = reader->read_keys(table, {"code", "part"}, {"code", "part"},
                                   once(batch_of(type_of(table, {"code", "part"}), keys)), {}, into(found));
  if (!outcome) FAIL(outcome.error().text());
  CHECK(found.size() == 6'000);
}

FOR_EACH_SOURCE("what is read twice at once is read out of one snapshot, whoever writes meanwhile", "[contract]") {
  TestType db;
  if constexpr (std::is_same_v<TestType, Sqlite>) db.run("PRAGMA journal_mode = WAL");
  db.run("CREATE TABLE items (id integer NOT NULL PRIMARY KEY, name varchar(20))");
  db.run("INSERT INTO items VALUES (1, 'one'), (2, 'two')");
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "items");
  const sources::ReadLimits limits{std::chrono::seconds{30}, {&table}};
  const auto intent = intent_for(table, {"id", "name"}, {{"id", false}});
  Rows first, again;
  const auto then_written = [&](data::Batch batch) -> Result<void> {
    VMC_CHECK(into(first)(std::move(batch)));
    db.run("UPDATE items SET name = 'uno' WHERE id = 1");
    db.run("DELETE FROM items WHERE id = 2");
    db.run("INSERT INTO items VALUES (3, 'three')");
    return {};
  };
  const std::array<sources::Reading, 2> readings{{{intent, then_written}, {intent, into(again)}}};
  auto outcome = reader->read(readings, table, limits);
  if (!outcome) FAIL(outcome.error().text());
  CHECK(first == Rows{{std::int64_t{1}, std::string{"one"}}, {std::int64_t{2}, std::string{"two"}}});
  CHECK(again == first);
  CHECK(read_all(*reader, intent, table) ==
        Rows{{std::int64_t{1}, std::string{"uno"}}, {std::int64_t{3}, std::string{"three"}}});
}

FOR_EACH_LOADER("an upsert replaces what has the same key and the last of two rows wins", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'old'), ('z', 1, 'stays')");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  must_load(*writer, load_request(table, {"code", "part", "note"}, "run"), table,
            {{std::string{"a"}, std::int64_t{1}, std::string{"first"}},
             {std::string{"b"}, std::int64_t{1}, {}},
             {std::string{"a"}, std::int64_t{1}, std::string{"last"}}});
  CHECK(read_all(*writer, intent_for(table, {"code", "note"}, {{"code", false}}), table) ==
        Rows{{std::string{"a"}, std::string{"last"}},
             {std::string{"b"}, {}},
             {std::string{"z"}, std::string{"stays"}}});
  // Only the key: what is there stays as it is.
  must_load(*writer, load_request(table, {"code", "part"}, "run", 1), table,
            {{std::string{"z"}, std::int64_t{1}},
             {std::string{"c"}, std::int64_t{1}},
             {std::string{"c"}, std::int64_t{1}}});
  CHECK(read_all(*writer, intent_for(table, {"code"}), table).size() == 4);
}

FOR_EACH_LOADER("an insert refuses a key that is there and leaves nothing behind", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'old')");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  auto request = load_request(table, {"code", "part", "note"}, "run");
  request.mode = sources::LoadRequest::Mode::insert;
  const Rows rows{{std::string{"b"}, std::int64_t{1}, {}},
                  {std::string{"a"}, std::int64_t{1}, std::string{"canary"}}};
  auto refused = writer->load(request, table, once(batch_of(request.columns, rows)));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(refused.error().text().find("canary") == std::string::npos);
  REQUIRE(writer->reset());
  CHECK(read_all(*writer, intent_for(table, {"code"}), table).size() == 1);
  CHECK(must_load(*writer, request, table, {{std::string{"c"}, std::int64_t{1}, {}}}).rows == 1);
}

FOR_EACH_LOADER("a part is applied once, and an older attempt no more after a newer one", "[contract]") {
  TestType db;
  db.run(kItems);
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  const std::vector<std::string> columns{"code", "part"};
  must_load(*writer, load_request(table, columns, "run", 1, 2), table,
            {{std::string{"a"}, std::int64_t{1}}, {std::string{"b"}, std::int64_t{1}}});

  const auto again = must_load(*writer, load_request(table, columns, "run", 1, 2), table,
                               {{std::string{"x"}, std::int64_t{1}}});
  CHECK(again.already_applied);
  CHECK(again.rows == 2);
  CHECK(must_load(*writer, load_request(table, columns, "run", 1, 3), table,
                  {{std::string{"x"}, std::int64_t{1}}})
            .already_applied);

  const auto stale = load_request(table, columns, "run", 1, 1);
  auto refused =
      writer->load(stale, table, once(batch_of(stale.columns, {{std::string{"x"}, std::int64_t{1}}})));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);

  // Attempts are counted a part and a scope.
  CHECK_FALSE(must_load(*writer, load_request(table, columns, "run", 9, 1), table, {}).already_applied);
  CHECK_FALSE(must_load(*writer, load_request(table, columns, "other", 1, 1), table,
                        {{std::string{"c"}, std::int64_t{1}}})
                  .already_applied);
  CHECK(read_all(*writer, intent_for(table, {"code"}, {{"code", false}}), table) ==
        Rows{{std::string{"a"}}, {std::string{"b"}}, {std::string{"c"}}});
  const auto schema = writer->discover();
  REQUIRE(schema);
  CHECK(schema->table("vmc_applied") == nullptr);
}

FOR_EACH_LOADER("a stream that breaks leaves neither rows nor a record", "[contract]") {
  TestType db;
  db.run(kItems);
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  const auto request = load_request(table, {"code", "part"}, "run");
  int calls = 0;
  const auto breaks = [&]() -> Result<std::optional<data::Batch>> {
    if (++calls == 3) return fail(Code::buffer_integrity, "the chunk is damaged");
    return std::optional{batch_of(request.columns, {{"row " + std::to_string(calls), std::int64_t{calls}}})};
  };
  auto broken = writer->load(request, table, breaks);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Code::buffer_integrity);
  writer->reset();

  auto next = db.open(Access::load);
  CHECK(read_all(*next, intent_for(table, {"code"}), table).empty());
  CHECK_FALSE(must_load(*next, request, table, {{std::string{"a"}, std::int64_t{1}}}).already_applied);
}

FOR_EACH_LOADER("a load that does not fit its table is refused before anything is written", "[contract]") {
  TestType db;
  db.run(kItems + "; CREATE VIEW seen AS SELECT * FROM items");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  const auto refused = [&](sources::LoadRequest request, const data::TableInfo& target, Rows rows,
                           Code code) {
    auto outcome = writer->load(request, target, once(batch_of(request.columns, rows)));
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().text());
    CHECK(outcome.error().code == code);
  };
  const Rows row{{std::string{"a"}, std::int64_t{1}}};
  auto request = load_request(table, {"code", "part"}, "run");
  request.key = {"code"};
  refused(request, table, row, Code::invalid_request);
  request.key = {};
  refused(request, table, row, Code::invalid_request);
  request = load_request(table, {"code", "part"}, "run");
  request.columns = std::make_shared<data::RowType>(
      data::RowType{{"code", {Kind::text}, false}, {"part", {Kind::float64}, false}});
  refused(request, table, {{std::string{"a"}, 1.0}}, Code::invalid_request);
  request = load_request(table, {"code", "part"}, "run");
  refused(request, table, {{std::string{"a"}, {}}}, Code::invalid_request);
  request = load_request(table, {"code", "part"}, "run");
  request.table = "seen";
  refused(request, table, row, Code::schema_access_denied);
  request.key = {"code"};
  refused(request, table_named(*writer, "seen"), row, Code::invalid_request);
  CHECK(read_all(*writer, intent_for(table, {"code"}), table).empty());
}

FOR_EVERY_READER("a session opened for reading loads nothing", "[contract]") {
  TestType db;
  db.run(kItems);
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "items");
  const auto request = load_request(table, {"code", "part"}, "run");
  auto refused =
      reader->load(request, table, once(batch_of(request.columns, {{std::string{"a"}, std::int64_t{1}}})));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::write_not_permitted);
  CHECK(reader->swap(request, table, 0).error().code == Code::write_not_permitted);
  CHECK(reader->drop_aside(request).error().code == Code::write_not_permitted);
}

FOR_EVERY_READER("a read ends at its time limit", "[contract]") {
  TestType db;
  db.run(db.endless());
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "endless");
  Rows rows;
  auto outcome = reader->read(intent_for(table, {"v"}), table, {std::chrono::milliseconds{200}}, into(rows));
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().text());
  CHECK(outcome.error().code == Code::query_timeout);
}

FOR_EVERY_READER("an interrupt from another thread ends a read as cancelled", "[contract]") {
  TestType db;
  db.run(db.endless());
  auto reader = db.open(Access::read);
  const auto table = table_named(*reader, "endless");
  std::thread other{[&] { reader->interrupt(); }};
  Rows rows;
  auto outcome = reader->read(intent_for(table, {"v"}), table, {std::chrono::minutes{5}}, into(rows));
  other.join();
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().text());
  CHECK(outcome.error().code == Code::cancelled);
}

FOR_EVERY_READER("an interrupt while rows flow ends the read as cancelled, wherever it finds the driver", "[contract]") {
  TestType db;
  db.run("CREATE TABLE items (code varchar(20) NOT NULL, part integer NOT NULL, note varchar(1000), PRIMARY KEY (code, "
         "part))");
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  Rows rows;  // six batches
  for (std::int64_t i = 0; i < 6'000; ++i) rows.push_back({std::string{"a"}, i, std::string(1'000, 'x')});
  must_load(*writer, load_request(table, {"code", "part", "note"}, "run"), table, rows);
  for (int round = 0; round < 5; ++round) {
    auto reader = db.open(Access::read);
    int batches = 0;
    std::thread other;
    const auto sink = [&](data::Batch) -> Result<void> {
      if (++batches == 1) other = std::thread{[&] { reader->interrupt(); }};
      if (batches == 2) other.join();
      return {};
    };
    auto outcome = reader->read(intent_for(table, {"code", "part", "note"}), table, {}, sink);
    if (other.joinable()) other.join();
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().text());
    CHECK(outcome.error().code == Code::cancelled);
  }
}

FOR_EVERY_READER("a sink's error stops the read and is what the caller gets", "[contract]") {
  TestType db;
  db.run(kItems);
  auto writer = db.open(Access::load);
  const auto table = table_named(*writer, "items");
  Rows rows;
  for (std::int64_t i = 0; i < 20'000; ++i) rows.push_back({std::string{"a"}, i});
  must_load(*writer, load_request(table, {"code", "part"}, "run"), table, rows);
  auto reader = db.open(Access::read);
  int batches = 0;
  const auto full = [&](data::Batch) -> Result<void> {
    ++batches;
    return fail(Code::quota_exceeded, "no room");
  };
  auto outcome = reader->read(intent_for(table, {"code", "part"}), table, {}, full);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::quota_exceeded);
  CHECK(batches == 1);
}

FOR_EACH_READER("discovery tells tables, views, types, defaults and keys, and nothing of its own",
                "[contract]") {
  TestType db;
  db.run("CREATE TABLE parents (a integer NOT NULL, b varchar(40) NOT NULL, PRIMARY KEY (b, a))");
  db.run("CREATE TABLE children (id " + db.type("int64") +
         " NOT NULL PRIMARY KEY, pa integer, pb varchar(40), sku varchar(40) NOT NULL UNIQUE, "
         "price " +
         db.type("decimal") + " DEFAULT '1.50', FOREIGN KEY (pb, pa) REFERENCES parents (b, a))");
  db.run("CREATE VIEW shown AS SELECT id, sku FROM children");
  db.run("CREATE TABLE vmc_staging_1 (a integer)");
  db.run("CREATE TABLE vmc_applied (a integer)");
  db.run("CREATE TABLE \"odd.name\" (\"we\"\"ird\" integer)");
  auto reader = db.open(Access::read);
  auto schema = reader->discover();
  REQUIRE(schema);
  CHECK_FALSE(schema->table("vmc_staging_1"));
  CHECK_FALSE(schema->table("vmc_applied"));
  const auto* children = schema->table("children");
  REQUIRE(children);
  CHECK(children->primary_key == std::vector<std::string>{"id"});
  CHECK(children->unique_keys == std::vector<std::vector<std::string>>{{"sku"}});
  REQUIRE(children->foreign_keys.size() == 1);
  CHECK(children->foreign_keys[0] == data::ForeignKey{{"pb", "pa"}, "parents", {"b", "a"}});
  CHECK(children->column("price")->type == data::Type{Kind::decimal, 12, 2});
  CHECK(children->column("price")->default_value.value_or("").find("1.50") != std::string::npos);
  CHECK(children->column("pa")->nullable);
  CHECK_FALSE(children->column("sku")->nullable);
  REQUIRE(schema->table("parents"));
  CHECK(schema->table("parents")->primary_key == std::vector<std::string>{"b", "a"});
  REQUIRE(schema->table("shown"));
  CHECK(schema->table("shown")->view);
  CHECK(std::is_sorted(schema->tables.begin(), schema->tables.end(),
                       [](auto& a, auto& b) { return a.name < b.name; }));
  // A dot in a table's name does not read as a schema.
  const auto odd = std::find_if(schema->tables.begin(), schema->tables.end(),
                                [](auto& t) { return t.name.ends_with(".odd.name"); });
  REQUIRE(odd != schema->tables.end());
  CHECK(read_all(*reader, intent_for(*odd, {"we\"ird"}), *odd).empty());
}

FOR_EVERY_READER("discovery tells which views show a private column, however they reach it", "[contract]") {
  TestType db;
  db.run("CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, name varchar(20), email varchar(20), country varchar(2))");
  db.run("CREATE TABLE contacts (email varchar(20), phone varchar(20))");
  db.run("CREATE VIEW honest AS SELECT id, upper(name) AS n FROM customers WHERE country = 'DE'");
  db.run("CREATE VIEW counted AS SELECT count(*) AS n FROM customers");
  db.run("CREATE VIEW named AS SELECT c.email AS harmless FROM customers c");
  db.run("CREATE VIEW stacked AS SELECT count(n.harmless) AS n FROM named n");
  db.run("CREATE VIEW everything AS SELECT * FROM customers");
  db.run("CREATE VIEW sifted AS SELECT id FROM customers WHERE email LIKE 'a%'");
  db.run("CREATE VIEW joined AS SELECT phone FROM customers JOIN contacts USING (email)");
  db.run("CREATE VIEW nested AS SELECT id, (SELECT max(x.email) FROM customers x) AS m FROM customers");
  auto reader = db.open(Access::read);
  auto schema = reader->discover();
  REQUIRE(schema);
  data::Parts parts{{"customers", {"email"}}};
  data::add_derived(*schema, parts);
  std::vector<std::string> showing{"everything", "joined", "named", "nested", "sifted", "stacked"};
  // Without a definition each counts as reaching anything.
  if (!db.reads_views())
    showing = {"counted", "everything", "honest", "joined", "named", "nested", "sifted", "stacked"};
  std::vector<std::string> found;
  for (const auto& table : schema->tables)
    if (table.view && data::has_part(parts, table.name, "*")) found.push_back(table.name);
  CHECK(found == showing);
}

FOR_EACH_SOURCE("a column computed from a private one is private, and so is a view over it", "[contract]") {
  TestType db;
  db.run("CREATE TABLE people (id integer NOT NULL PRIMARY KEY, name varchar(20), email varchar(40) NOT NULL,"
         " shown varchar(40) GENERATED ALWAYS AS (lower(email)) STORED,"
         " plain varchar(40) GENERATED ALWAYS AS (upper(name)) STORED)");
  db.run("CREATE VIEW over_shown AS SELECT id, shown FROM people");
  db.run("CREATE VIEW over_plain AS SELECT id, plain FROM people");
  auto reader = db.open(Access::read);
  auto schema = reader->discover();
  REQUIRE(schema);
  CHECK_FALSE(schema->table("people")->column("shown")->default_value);
  data::Parts parts{{"people", {"email"}}};
  data::add_derived(*schema, parts);
  CHECK(parts == data::Parts{{"over_shown", {"*"}}, {"people", {"email", "shown"}}});
}

FOR_EACH_SOURCE("a statement's rows come with the names and types it turned out to have", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'one'), ('b', 2, NULL), ('ü', 3, 'x''y')");
  auto reader = db.open(Access::read);
  Rows rows;
  sources::SqlQuery query;
  query.text = "SELECT part, note AS n, code, part FROM items ORDER BY part DESC -- the last line";
  auto type = reader->query(query, {}, into(rows));
  if (!type) FAIL(type.error().text());
  REQUIRE((*type)->size() == 4);
  CHECK((*type)->at(0).name == "part");
  CHECK((*type)->at(1).name == "n");
  CHECK((*type)->at(3).name == "part");
  CHECK((*type)->at(0).type == data::Type{Kind::int64});
  CHECK(rows == Rows{{std::int64_t{3}, std::string{"x'y"}, std::string{"ü"}, std::int64_t{3}},
                     {std::int64_t{2}, {}, std::string{"b"}, std::int64_t{2}},
                     {std::int64_t{1}, std::string{"one"}, std::string{"a"}, std::int64_t{1}}});

  rows.clear();
  query.text = "SELECT code FROM items WHERE 1 = 0";
  type = reader->query(query, {}, into(rows));
  REQUIRE(type);
  CHECK((*type)->size() == 1);
  CHECK(rows.empty());
}

FOR_EACH_SOURCE("a statement's values are bound, and their number must fit", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'one'), ('b', 2, 'two')");
  auto reader = db.open(Access::read);
  const auto ask = [&](const std::string& condition, std::vector<Value> params) -> Result<Rows> {
    Rows rows;
    sources::SqlQuery query;
    query.text = "SELECT code FROM items WHERE " + condition;
    query.params = std::move(params);
    VMC_CHECK(reader->query(query, {}, into(rows)));
    return rows;
  };
  auto found = ask("note = " + db.parameter(1) + " AND part = " + db.parameter(2), {std::string{"two"}, std::int64_t{2}});
  if (!found) FAIL(found.error().text());
  CHECK(*found == Rows{{std::string{"b"}}});
  found = ask("note = " + db.parameter(1), {std::string{"x' OR '1'='1"}});
  REQUIRE(found);
  CHECK(found->empty());
  found = ask("note = " + db.parameter(1), {Value{}});
  REQUIRE(found);
  CHECK(found->empty());
  for (auto params : {std::vector<Value>{}, {std::string{"a"}, std::string{"b"}}}) {
    const auto refused = ask("note = " + db.parameter(1), params);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid_request);
  }
}

FOR_EACH_SOURCE("a statement that reaches columns by their places runs only over the approved ones", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'one')");
  auto reader = db.open(Access::read);
  const auto approved = table_named(*reader, "items");
  sources::SqlQuery query;
  query.text = "SELECT * FROM items";
  query.whole = {&approved};
  Rows rows;
  REQUIRE(reader->query(query, {}, into(rows)));
  CHECK(rows.size() == 1);
  db.run("ALTER TABLE items ADD COLUMN secret varchar(20)");
  const auto refused = reader->query(query, {}, into(rows));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::schema_access_denied);
  CHECK(rows.size() == 1);
}

FOR_EACH_SOURCE("a view that was redefined after its approval is read no more, nor what stands on it", "[contract]") {
  TestType db;
  db.run("CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, name varchar(20), email varchar(20))");
  db.run("INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com')");
  db.run("CREATE VIEW shown AS SELECT id, name FROM customers");
  db.run("CREATE VIEW topmost AS SELECT id, name FROM shown");
  auto reader = db.open(Access::read);
  auto approved = reader->discover();
  REQUIRE(approved);
  const auto limits = [&](const std::string& name) {
    return sources::ReadLimits{std::chrono::seconds{30}, data::with_what_they_read(*approved, {name})};
  };
  const auto outcomes = [&](const std::string& name) {
    const auto& table = *approved->table(name);
    const auto intent = intent_for(table, {"id", "name"});
    Rows rows;
    sources::SqlQuery query;
    query.text = "SELECT name FROM " + name;
    std::vector<std::optional<Code>> codes;
    const auto note = [&](const auto& outcome) {
      codes.push_back(outcome ? std::optional<Code>{} : outcome.error().code);
      if (!outcome && name != "customers") CHECK(outcome.error().text().find("schema publish") != std::string::npos);
    };
    note(reader->query(query, limits(name), into(rows)));
    note(reader->read(intent, table, limits(name), into(rows)));
    note(reader->split(intent, table, {"id"}, 10, limits(name)));
    data::RowType key{{"id", table.column("id")->type, table.column("id")->nullable}};
    note(reader->read_keys(table, {"name"}, {"id"},
                           once(batch_of(std::make_shared<const data::RowType>(key), {{std::int64_t{1}}})),
                           limits(name), into(rows)));
    if (codes.front()) CHECK(rows.empty());
    return codes;
  };
  const std::vector<std::optional<Code>> fine(4), denied(4, Code::schema_access_denied);
  CHECK(outcomes("shown") == fine);
  CHECK(outcomes("topmost") == fine);

  db.redefine("shown", "SELECT id, email AS name FROM customers");
  CHECK(outcomes("shown") == denied);
  CHECK(outcomes("topmost") == denied);
  CHECK(outcomes("customers") == fine);

  approved = reader->discover();
  REQUIRE(approved);
  CHECK(outcomes("topmost") == fine);
}

FOR_EACH_SOURCE("a table that has become a view since its approval is read no more", "[contract]") {
  TestType db;
  db.run("CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, email varchar(20))");
  db.run("CREATE TABLE plain (id integer NOT NULL PRIMARY KEY)");
  auto reader = db.open(Access::read);
  const auto approved = table_named(*reader, "plain");
  const sources::ReadLimits limits{std::chrono::seconds{30}, {&approved}};
  Rows rows;
  REQUIRE(reader->read(intent_for(approved, {"id"}), approved, limits, into(rows)));
  db.run("DROP TABLE plain");
  db.run("CREATE VIEW plain AS SELECT id FROM customers");
  const auto refused = reader->read(intent_for(approved, {"id"}), approved, limits, into(rows));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::schema_access_denied);
}

FOR_EACH_SOURCE("a statement that writes is refused by the session even when nobody judged it", "[contract]") {
  TestType db;
  db.run(kItems + "; INSERT INTO items VALUES ('a', 1, 'one')");
  auto reader = db.open(Access::read);
  for (const char* text : {"DELETE FROM items", "INSERT INTO items VALUES ('b', 1, 'x')", "DROP TABLE items", "COMMIT",
                           "CREATE TABLE other (a integer)", "SELECT 1; DELETE FROM items"})
    for (bool is_query : {true, false}) {
      sources::SqlQuery query;
      query.text = text;
      query.is_query = is_query;
      Rows rows;
      INFO(text);
      CHECK_FALSE(reader->query(query, {}, into(rows)));
      REQUIRE(reader->reset());
    }
  const auto table = table_named(*reader, "items");
  CHECK(read_all(*reader, intent_for(table, {"code"}), table).size() == 1);
}

FOR_EACH_SOURCE("a statement ends at its time limit", "[contract]") {
  TestType db;
  db.run(db.endless());
  auto reader = db.open(Access::read);
  sources::SqlQuery query;
  query.text = "SELECT v FROM endless";
  Rows rows;
  const auto outcome = reader->query(query, {std::chrono::milliseconds{200}}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::query_timeout);
}

TEMPLATE_TEST_CASE("what is loaded over ODBC is what the database's own source reads, or it is refused", "[contract]",
                   OdbcPostgres, OdbcMariadb, OdbcMssql) {
  TestType db;
  db.run(everything(db));
  auto writer = db.source()->open(Access::load, std::chrono::seconds{10});
  if (!writer) FAIL(writer.error().text());
  auto reader = db.native.open(Access::read);
  const auto table = table_named(*reader, "everything");
  const auto rows = extremes(db);
  const auto columns = columns_of(db);
  std::vector<std::string> refused;
  std::int64_t part = 0;
  for (const auto& row : rows)
    for (std::size_t i = 1; i < columns.size(); ++i) {
      auto request = load_request(table, {"id", columns[i]}, "run", part++);
      auto outcome = (*writer)->load(request, table, once(batch_of(request.columns, {{part, row[i]}})));
      INFO(columns[i] << ": " << data::format(row[i]).substr(0, 80));
      if (!outcome) {
        refused.push_back(columns[i] + " " + data::format(row[i]).substr(0, 40) + ": " + outcome.error().text());
        if (!(*writer)->reset()) {
          writer = db.source()->open(Access::load, std::chrono::seconds{10});
          REQUIRE(writer);
        }
        continue;
      }
      auto intent = intent_for(table, {columns[i]});
      intent.filter = where(Filter::Op::eq, "id", {part});
      CHECK(read_all(*reader, intent, table) == Rows{{row[i]}});
    }
  CHECK(refused == std::vector<std::string>{});
}
