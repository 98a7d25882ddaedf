// Rows in and out: every type exactly, every shape of result, every refusal with its reason.
#include "harness.hpp"

namespace vmc::script::test {
namespace {

using data::Int128;
using data::Kind;
using data::Type;

const std::string kIdentity = "function transform(row) return row end";

Int128 digits38() {
  Int128 x = 0;
  for (int i = 0; i < 38; ++i) x = x * 10 + 9;
  return x;
}

TEST_CASE("every type goes through a script unchanged") {
  const auto type = row_type({{"b", {Kind::boolean}},
                              {"i", {Kind::int64}},
                              {"f", {Kind::float64}},
                              {"d", {Kind::decimal, 38, 10}},
                              {"n", {Kind::number}},
                              {"t", {Kind::text}},
                              {"y", {Kind::bytes}},
                              {"dt", {Kind::date}},
                              {"tm", {Kind::time}},
                              {"ts", {Kind::timestamp}},
                              {"tz", {Kind::timestamptz}},
                              {"u", {Kind::uuid}},
                              {"j", {Kind::json}}});
  data::Uuid uuid;
  for (std::size_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(i * 17);
  const std::vector<std::vector<data::Value>> rows = {
      {true, INT64_MAX, 0.1, data::Decimal{digits38(), 10},
       data::Number{"-123456789012345678901234567890123456789012.5"},
       std::string{"text with 'quotes', ü and 🙂"}, Bytes{0, 255, 128, 10}, data::Date{19782},
       data::Time{3'600'000'001}, data::Timestamp{1'709'211'600'250'000}, data::TimestampTz{-1}, uuid,
       data::JsonText{"{\"a\": [1, 2.50, null]}"}},
      {false, INT64_MIN, -0.0, data::Decimal{-digits38(), 10}, data::Number{"NaN"}, std::string{}, Bytes{},
       data::Date{-719529}, data::Time{-3'020'399'000'000}, data::Timestamp{data::kInfinity},
       data::TimestampTz{data::kMinusInfinity}, data::Uuid{}, data::JsonText{"null"}},
      {true, std::int64_t{0}, std::numeric_limits<double>::infinity(), data::Decimal{1, 10},
       data::Number{"0"}, std::string(5000, 'x'), Bytes(300, 7), data::Date{data::kDateInfinity},
       data::Time{0}, data::Timestamp{0}, data::TimestampTz{data::kInfinity - 1}, uuid, data::JsonText{"[]"}},
      std::vector<data::Value>(13),
  };
  Harness harness;
  const auto batch = make_batch(type, rows);
  for (const auto& source : {kIdentity, std::string{"function transform_batch(rows) return rows end"},
                             std::string{"function transform(row) local out = {} for k, v in pairs(row) do "
                                         "out[k] = v end return {out} end"},
                             std::string{"function filter(row) return true end"}}) {
    INFO(source);
    REQUIRE(harness.load(source, type));
    const auto output = harness.run(batch);
    REQUIRE(output);
    for (const auto& error : output->refused) FAIL(error.row << " " << error.column << ": " << error.reason);
    REQUIRE(output->batch.rows == rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (std::size_t i = 0; i < type->size(); ++i) {
        INFO((*type)[i].name << " of row " << row);
        CHECK(data::value_at(output->batch.columns[i], row) == data::value_at(batch.columns[i], row));
      }
    }
  }
}

TEST_CASE("values arrive as Lua's own types where Lua has them") {
  const auto type = row_type({{"b", {Kind::boolean}},
                              {"i", {Kind::int64}},
                              {"f", {Kind::float64}},
                              {"d", {Kind::decimal, 12, 2}},
                              {"t", {Kind::text}},
                              {"missing", {Kind::text}},
                              {"dt", {Kind::date}}});
  Harness harness;
  REQUIRE(harness.load(
      "function transform(row)\n"
      "  return {out = string.format('%s %s %s %s %s %s %s %s', row.b, math.type(row.i), math.type(row.f),\n"
      "    row.d + 1, #row.t, row.missing == vmc.null, row.nothing, row.dt.year)}\n"
      "end",
      text_output()));
  const auto output =
      harness.run(make_batch(type, {{true, std::int64_t{9007199254740993}, 2.0, data::Decimal{1250, 2},
                                     std::string{"abc"}, std::monostate{}, data::Date{19782}}}));
  REQUIRE(output);
  REQUIRE(output->refused.empty());
  CHECK(output->batch.columns[0].text(0) == "true integer float 13.50 3 true nil 2024");
}

TEST_CASE("a transform may drop a row, keep it, or make several of it") {
  Harness harness;
  REQUIRE(
      harness.load("function transform(row)\n"
                   "  if row.n == 1 then return nil end\n"
                   "  if row.n == 2 then return {} end\n"
                   "  if row.n == 3 then return {{out = 'a'}, {out = 'b'}} end\n"
                   "  if row.n == 4 then return {{out = 'c'}, {wrong = 1}} end\n"
                   "  return {out = row.n}\n"
                   "end",
                   text_output()));
  const auto output = harness.run(numbers(5));
  REQUIRE(output);
  REQUIRE(output->batch.rows == 3);
  CHECK(output->batch.columns[0].text(0) == "a");
  CHECK(output->batch.columns[0].text(1) == "b");
  CHECK(output->batch.columns[0].text(2) == "5");
  REQUIRE(output->refused.size() == 1);
  CHECK(output->refused[0].row == 3);
  CHECK(output->refused[0].column == "wrong");
}

TEST_CASE("NULL is vmc.null on the way in, and nil or vmc.null on the way out") {
  const auto type = row_type({{"a", {Kind::text}}, {"b", {Kind::int64}}, {"c", {Kind::date}, false}});
  Harness harness;
  REQUIRE(
      harness.load("function transform(row) row.a = nil row.b = vmc.null if row.c == vmc.null then row.c = "
                   "nil end return row end",
                   type));
  const auto output = harness.run(make_batch(
      row_type({{"a", {Kind::text}}, {"b", {Kind::int64}}, {"c", {Kind::date}}}),
      {{std::string{"x"}, std::int64_t{1}, data::Date{1}}, {std::string{"y"}, std::int64_t{1}, {}}}));
  REQUIRE(output);
  CHECK(output->batch.rows == 1);
  CHECK(output->batch.columns[0].is_null(0));
  CHECK(output->batch.columns[1].is_null(0));
  REQUIRE(output->refused.size() == 1);
  CHECK(output->refused[0].column == "c");
  CHECK(output->refused[0].reason == "NULL in a column that may not be NULL");
}

TEST_CASE("a filter keeps the rows for which it says true, in the input's own columns") {
  Harness harness;
  CHECK(*harness.load("function filter(row, ctx) if row.n == 4 then return 'yes' end if row.n == 5 then "
                      "error('no') end return row.n % 2 == 1 end") == Entry::filter);
  const auto output = harness.run(numbers(7));
  REQUIRE(output);
  CHECK(output->batch.rows == 3);
  CHECK(output->batch.columns[0].int64s()[2] == 7);
  REQUIRE(output->refused.size() == 2);
  CHECK(output->refused[0].row == 3);
  CHECK(output->refused[0].reason == "filter returned a string, not a boolean");
  CHECK(output->refused[1].reason == "shape:1: no");
}

TEST_CASE("transform_batch sees all rows at once") {
  Harness harness;
  CHECK(*harness.load("function transform_batch(rows, ctx)\n"
                      "  local sum = 0 for _, row in ipairs(rows) do sum = sum + row.n end\n"
                      "  return {{out = sum}}\n"
                      "end",
                      text_output()) == Entry::transform_batch);
  const auto output = harness.run(numbers(100));
  REQUIRE(output);
  REQUIRE(output->batch.rows == 1);
  CHECK(output->batch.columns[0].text(0) == "5050");
  CHECK(harness.run(numbers(0))->batch.columns[0].text(0) == "0");
}

TEST_CASE("transform_batch refuses an input row that went wrong, and fails whole for a row of its own") {
  const auto type = row_type({{"n", {Kind::int64}}});
  Harness harness;
  REQUIRE(harness.load("function transform_batch(rows) rows[2].n = 1.5 table.remove(rows, 1) return rows end",
                       type));
  const auto output = harness.run(numbers(3));
  REQUIRE(output);
  CHECK(output->batch.rows == 1);
  REQUIRE(output->refused.size() == 1);
  CHECK(output->refused[0].row == 1);
  CHECK_THAT(output->refused[0].reason, Catch::StartsWith("a float where int64 is expected"));

  REQUIRE(harness.load("function transform_batch(rows) return {{n = 1}, {n = 1.5}} end", type));
  const auto failed = harness.run(numbers(3));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Code::script_error);
  CHECK_THAT(failed.error().message, Catch::Contains("row 2 of the list"));
  // An ordinary error leaves the script loaded.
  CHECK_FALSE(harness.run(numbers(1)));
  CHECK(harness.run(numbers(1)).error().code == Code::script_error);
}

TEST_CASE("a row that fails is refused with its line, and the others go on") {
  Harness harness;
  REQUIRE(
      harness.load("function transform(row)\n"
                   "  if row.n % 2 == 0 then\n"
                   "    local x = row.missing.field\n"
                   "  end\n"
                   "  return {out = 'ok'}\n"
                   "end",
                   text_output()));
  const auto output = harness.run(numbers(10));
  REQUIRE(output);
  CHECK(output->batch.rows == 5);
  REQUIRE(output->refused.size() == 5);
  CHECK(output->refused[4].row == 9);
  CHECK_THAT(output->refused[0].reason, Catch::StartsWith("shape:3: attempt to index a nil value"));
}

struct Exactness {
  Type type;
  const char* expression;
  const char* result;  // the value's text, or "!" and the beginning of the reason
};

TEST_CASE("what goes into a column is exact or refused") {
  const std::vector<Exactness> cases = {
      {{Kind::int64}, "42", "42"},
      {{Kind::int64}, "42.0", "!a float where int64"},
      {{Kind::int64}, "'42'", "42"},
      {{Kind::int64}, "'4x'", "!a string that cannot be read"},
      {{Kind::int64}, "vmc.decimal('42.00')", "42"},
      {{Kind::int64}, "vmc.decimal('42.5')", "!a decimal that is no"},
      {{Kind::int64}, "vmc.decimal('9223372036854775808')", "!a decimal that is no"},
      {{Kind::int64}, "true", "!a boolean where int64"},
      {{Kind::int64}, "{}", "!a table where int64"},
      {{Kind::decimal, 5, 2}, "12", "12.00"},
      {{Kind::decimal, 5, 2}, "1000", "!a number that does not fit"},
      {{Kind::decimal, 5, 2}, "vmc.decimal('999.99')", "999.99"},
      {{Kind::decimal, 5, 2}, "vmc.decimal('1000.00')", "!a number that has too many digits"},
      {{Kind::decimal, 5, 2}, "vmc.decimal('1.505')", "!a number that does not fit"},
      {{Kind::decimal, 5, 2}, "vmc.decimal('1.500')", "1.50"},
      {{Kind::decimal, 5, 2}, "vmc.decimal('NaN')", "!NaN where"},
      {{Kind::decimal, 5, 2}, "'12.5'", "12.50"},
      {{Kind::decimal, 5, 2}, "'12.505'", "!a string that cannot"},
      {{Kind::decimal, 5, 2}, "12.5", "!a float where decimal(5,2)"},
      {{Kind::number}, "vmc.decimal('1.50')", "1.5"},
      {{Kind::number}, "vmc.decimal('1e500')", nullptr},
      {{Kind::number}, "7", "7"},
      {{Kind::number}, "0.5", "!a float where number"},
      {{Kind::number}, "'1e3'", "1000"},
      {{Kind::float64}, "0.25", "0.25"},
      {{Kind::float64}, "3", "3"},
      {{Kind::float64}, "9007199254740993", "!an integer that a float"},
      {{Kind::float64}, "math.maxinteger", "!an integer that a float"},
      {{Kind::float64}, "vmc.decimal('0.1')", "!a decimal where float64"},
      {{Kind::boolean}, "false", "false"},
      {{Kind::boolean}, "1", "!an integer where boolean"},
      {{Kind::boolean}, "'true'", "!a string where boolean"},
      {{Kind::text}, "'text'", "text"},
      {{Kind::text}, "12", "12"},
      {{Kind::text}, "vmc.decimal('1.50')", "1.50"},
      {{Kind::text}, "vmc.date('2024-02-29')", "2024-02-29"},
      {{Kind::text}, "0.1", "!a float where text"},
      {{Kind::text}, "'\\255'", "!a string that is not UTF-8"},
      {{Kind::text}, "print", "!a function where text"},
      {{Kind::date}, "'2024-02-29'", "2024-02-29"},
      {{Kind::date}, "'2023-02-29'", "!a string that cannot"},
      {{Kind::date}, "vmc.timestamp('2024-02-29 10:00:00')", "!a timestamp where date"},
      {{Kind::time}, "vmc.time('13:30:00.5')", "13:30:00.5"},
      {{Kind::timestamp}, "'2024-02-29T13:30:00.25'", "2024-02-29 13:30:00.25"},
      {{Kind::timestamp}, "vmc.timestamptz('2024-02-29T13:30:00Z')", "!a timestamptz where timestamp"},
      {{Kind::timestamptz}, "'2024-02-29T13:30:00+05:30'", "2024-02-29 08:00:00+00"},
      {{Kind::timestamptz}, "'2024-02-29T13:30:00'", "!a string that cannot"},
      {{Kind::uuid}, "'00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff"},
      {{Kind::uuid}, "'0011'", "!a string that cannot"},
      {{Kind::json}, "'{\"a\":1}'", "{\"a\":1}"},
      {{Kind::json}, "'{a:1}'", "!a string that is not JSON"},
      {{Kind::json},
       "{b = {1, 2}, a = vmc.decimal('1.50'), c = vmc.null}",
       "{\"a\":1.50,\"b\":[1,2],\"c\":null}"},
      {{Kind::json}, "{print}", "!a value that has no form in JSON"},
      {{Kind::json}, "12", "12"},
  };
  for (const auto& test : cases) {
    INFO(data::to_string(test.type) << " = " << test.expression);
    Harness harness;
    REQUIRE(harness.load(std::string{"function transform(row) return {out = "} + test.expression + "} end",
                         row_type({{"out", test.type}})));
    const auto output = harness.run(numbers(1));
    REQUIRE(output);
    if (test.result && test.result[0] == '!') {
      REQUIRE(output->refused.size() == 1);
      CHECK(output->refused[0].column == "out");
      CHECK_THAT(output->refused[0].reason, Catch::StartsWith(test.result + 1));
      continue;
    }
    for (const auto& error : output->refused) FAIL(error.reason);
    REQUIRE(output->batch.rows == 1);
    const auto text = data::format(data::value_at(output->batch.columns[0], 0));
    if (test.result)
      CHECK(text == test.result);
    else
      CHECK(text == "1" + std::string(500, '0'));
  }
}

TEST_CASE("an unknown column is refused with the nearest name, and never a value") {
  const auto type = row_type({{"amount", {Kind::int64}}, {"country", {Kind::text}}});
  Harness harness;
  REQUIRE(
      harness.load("function transform(row) if row.n == 1 then return {amuont = 'secret'} end return {[1.5] "
                   "= 'secret'} end",
                   type));
  const auto output = harness.run(numbers(2));
  REQUIRE(output);
  REQUIRE(output->refused.size() == 2);
  CHECK(output->refused[0].column == "amuont");
  CHECK(output->refused[0].reason == "there is no such column; did you mean 'amount'?");
  CHECK(output->refused[1].reason == "the row has a key that is no column name but a float");
}

TEST_CASE("long and strange column names work") {
  const std::string name(200, 'n');
  const auto type = row_type({{name, {Kind::int64}}, {"order date (ü)", {Kind::text}}, {"", {Kind::text}}});
  Harness harness;
  REQUIRE(harness.load(
      "local name = string.rep('n', 200)\nfunction transform(row) row[name] = row[name] + 1 return row end",
      type));
  const auto output = harness.run(make_batch(type, {{std::int64_t{1}, std::string{"x"}, std::string{"y"}}}));
  REQUIRE(output);
  REQUIRE(output->refused.empty());
  CHECK(output->batch.columns[0].int64s()[0] == 2);
  CHECK(output->batch.columns[2].text(0) == "y");
}

TEST_CASE("results of a wrong shape are refused") {
  for (const auto& [body, reason] : std::vector<std::pair<std::string, std::string>>{
           {"return 1", "transform returned an integer"},
           {"return 'x'", "transform returned a string"},
           {"return vmc.null", "transform returned vmc.null"},
           {"return {1}", "row 1 of the list that transform returned is an integer"},
           {"return {{out = 'x'}, false}", "row 2 of the list that transform returned is a boolean"}}) {
    Harness harness;
    INFO(body);
    REQUIRE(harness.load("function transform(row) " + body + " end", text_output()));
    const auto output = harness.run(numbers(1));
    REQUIRE(output);
    CHECK(output->batch.rows == 0);
    REQUIRE(output->refused.size() == 1);
    CHECK_THAT(output->refused[0].reason, Catch::StartsWith(reason));
  }
  for (const char* body : {"return {out = 'x'}", "return 7", "return {1}", "return nil"}) {
    Harness harness;
    INFO(body);
    REQUIRE(harness.load(std::string{"function transform_batch(rows) "} + body + " end", text_output()));
    CHECK(harness.run(numbers(1)).error().code == Code::script_error);
  }
}

TEST_CASE("a script must define one entry function, and say it in Lua") {
  Harness harness;
  for (const auto& [source, message] : std::vector<std::pair<std::string, std::string>>{
           {"local x = 1", "defines none of the functions"},
           {"function transform(r) end function filter(r) end", "more than one of"},
           {"function transform(row)\n  return row +\nend", "shape:3:"},
           {"error('at load')", "shape:1: at load"},
           {"transform = 7", "defines none of the functions"}}) {
    const auto loaded = harness.load(source, text_output());
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::script_error);
    CHECK_THAT(loaded.error().message, Catch::Contains(message));
  }
}

TEST_CASE("the context reaches the script") {
  Harness harness;
  Script script;
  script.name = "shape";
  script.source =
      "function transform(row, ctx) return {out = ctx.region .. ctx.factor + row.n .. #ctx.list} end";
  script.output = text_output();
  script.context_json = R"({"region": "EU", "factor": 41, "list": [1, 2]})";
  REQUIRE(harness.wait(harness.sandbox->load(script)));
  CHECK(harness.run(numbers(1))->batch.columns[0].text(0) == "EU422");
  script.context_json = "{broken";
  CHECK_THAT(harness.wait(harness.sandbox->load(script)).error().message, Catch::Contains("context"));
}

TEST_CASE("limits that make no sense are refused before anything starts") {
  Harness harness;
  for (const auto change :
       {+[](ScriptLimits& l) { l.memory_bytes = 1000; }, +[](ScriptLimits& l) { l.cpu = Duration{0}; },
        +[](ScriptLimits& l) { l.wall = Duration{-1}; }, +[](ScriptLimits& l) { l.output_bytes = 0; }}) {
    ScriptLimits limits;
    change(limits);
    CHECK(harness.load("function transform(row) end", text_output(), limits).error().code ==
          Code::invalid_request);
  }
}

TEST_CASE("a transform loaded without output columns takes lines, not batches") {
  Harness harness;
  REQUIRE(harness.load(kIdentity));
  CHECK(harness.run(numbers(1)).error().code == Code::invalid_request);
  CHECK(harness.lines("{\"a\":1}\n")->text == "{\"a\":1}\n");
}

}  // namespace
}  // namespace vmc::script::test
