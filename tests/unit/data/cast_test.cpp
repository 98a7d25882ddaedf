#include "data/cast.hpp"
#include "support/show_result.hpp"
#include "unit/data/random_batch.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

Type type(const char* name) { return type_named(name).value(); }

RowTypePtr row(RowType fields) { return std::make_shared<RowType>(std::move(fields)); }

// One value through one cast: its text, or "refused: reason".
std::string through(const char* from, const Value& value, const char* to) {
  const Batch batch = batch_of({{"c", type(from), true}}, {{value}});
  const auto outcome = cast(batch, row({{"c", type(to), true}})).value();
  if (!outcome.errors.empty()) {
    CHECK(outcome.batch.rows == 0);
    CHECK(outcome.errors[0].column == "c");
    return "refused: " + outcome.errors[0].reason;
  }
  return format(value_at(outcome.batch.columns[0], 0));
}

bool refused(const char* from, const Value& value, const char* to) {
  return through(from, value, to).starts_with("refused");
}

}  // namespace

TEST_CASE("whole numbers become what can hold them") {
  CHECK(through("int64", std::int64_t{12}, "decimal(4,2)") == "12.00");
  CHECK(refused("int64", std::int64_t{100}, "decimal(4,2)"));
  CHECK(through("int64", INT64_MIN, "number") == "-9223372036854775808");
  CHECK(through("int64", INT64_MIN, "text") == "-9223372036854775808");
  CHECK(through("int64", std::int64_t{1} << 53, "float64") == "9007199254740992");
  CHECK(refused("int64", (std::int64_t{1} << 53) + 1, "float64"));
  CHECK(refused("int64", INT64_MAX, "float64"));
  CHECK(through("int64", INT64_MIN, "float64") == "-9223372036854775808");
  CHECK(through("int64", std::int64_t{1}, "boolean") == "true");
  CHECK(refused("int64", std::int64_t{2}, "boolean"));
  CHECK(through("boolean", true, "int64") == "1");
}

TEST_CASE("decimals are rescaled only without loss") {
  CHECK(through("decimal(5,2)", Decimal{12'345, 2}, "decimal(7,4)") == "123.4500");
  CHECK(refused("decimal(5,2)", Decimal{12'345, 2}, "decimal(6,4)"));
  CHECK(through("decimal(5,2)", Decimal{12'340, 2}, "decimal(5,1)") == "123.4");
  CHECK(refused("decimal(5,2)", Decimal{12'345, 2}, "decimal(5,1)"));
  CHECK(through("decimal(5,2)", Decimal{12'300, 2}, "int64") == "123");
  CHECK(refused("decimal(5,2)", Decimal{12'345, 2}, "int64"));
  CHECK(refused("decimal(38,0)", Decimal{power_of_ten(37), 0}, "int64"));
  CHECK(through("decimal(5,2)", Decimal{12'340, 2}, "number") == "123.4");
  CHECK(through("decimal(5,2)", Decimal{12'340, 2}, "text") == "123.40");
  CHECK(through("number", Number{"123.4"}, "decimal(5,2)") == "123.40");
  CHECK(refused("number", Number{"123.456"}, "decimal(8,2)"));
  CHECK(refused("number", Number{"NaN"}, "decimal(8,2)"));
  CHECK(through("number", Number{"123"}, "int64") == "123");
  CHECK(refused("number", Number{"1.5"}, "int64"));
}

TEST_CASE("a float never becomes a decimal") {
  CHECK(through("float64", 1.0, "decimal(5,2)") ==
        "refused: float64 does not become decimal(5,2) without loss");
  CHECK(refused("float64", 1.0, "number"));
  CHECK(refused("float64", 1.0, "int64"));
  CHECK(refused("float64", 1.0, "text"));
  CHECK(refused("decimal(5,2)", Decimal{100, 2}, "float64"));
}

TEST_CASE("text becomes anything it exactly says") {
  CHECK(through("text", std::string{"12.5"}, "decimal(5,2)") == "12.50");
  CHECK(refused("text", std::string{"12.505"}, "decimal(5,2)"));
  CHECK(through("text", std::string{"-7"}, "int64") == "-7");
  CHECK(refused("text", std::string{"7 "}, "int64"));
  CHECK(through("text", std::string{"0.10"}, "number") == "0.1");
  CHECK(through("text", std::string{"0.1"}, "float64") == "0.1");
  CHECK(through("text", std::string{"true"}, "boolean") == "true");
  CHECK(through("text", std::string{"\\x00ff"}, "bytes") == "\\x00ff");
  CHECK(through("text", std::string{"2024-02-29"}, "date") == "2024-02-29");
  CHECK(through("text", std::string{"23:59:59.5"}, "time") == "23:59:59.5");
  CHECK(through("text", std::string{"2024-02-29 12:00"}, "timestamp") == "2024-02-29 12:00:00");
  CHECK(refused("text", std::string{"2024-02-29 12:00"}, "timestamptz"));
  CHECK(through("text", std::string{"00010203-0405-0607-0809-0A0B0C0D0E0F"}, "uuid") ==
        "00010203-0405-0607-0809-0a0b0c0d0e0f");
  CHECK(through("text", std::string{"[1, 2]"}, "json") == "[1, 2]");
  CHECK(refused("text", std::string{"[1, 2"}, "json"));
  CHECK(through("json", JsonText{"[1, 2]"}, "text") == "[1, 2]");
  CHECK(through("uuid", Uuid{}, "text") == "00000000-0000-0000-0000-000000000000");
}

TEST_CASE("a reason never holds the value") {
  for (const char* to : {"int64", "decimal(5,2)", "number", "float64", "boolean", "bytes", "date", "time",
                         "timestamp", "timestamptz", "uuid", "json"})
    CHECK(through("text", std::string{"s3cret"}, to).find("s3cret") == std::string::npos);
}

TEST_CASE("dates and midnights are the same, other times are not") {
  const Timestamp midnight{parse_timestamp("2024-02-29", false).value()};
  CHECK(through("date", Date{19'782}, "timestamp") == "2024-02-29 00:00:00");
  CHECK(through("timestamp", midnight, "date") == "2024-02-29");
  CHECK(refused("timestamp", Timestamp{midnight.micros + 1}, "date"));
  CHECK(through("date", Date{kDateInfinity}, "timestamp") == "infinity");
  CHECK(through("timestamp", Timestamp{kMinusInfinity}, "date") == "-infinity");
  CHECK(refused("date", Date{kDateInfinity - 1}, "timestamp"));
  CHECK(refused("timestamp", midnight, "timestamptz"));
  CHECK(refused("timestamptz", TimestampTz{0}, "timestamp"));
  CHECK(refused("date", Date{0}, "timestamptz"));
}

TEST_CASE("refused rows are told apart from good ones, each with its first problem") {
  const Batch batch =
      batch_of({{"a", type("text"), true}, {"b", type("int64"), true}}, {{std::string{"1"}, std::int64_t{1}},
                                                                         {std::string{"x"}, std::int64_t{7}},
                                                                         {std::string{"3"}, Value{}},
                                                                         {Value{}, std::int64_t{0}}});
  const auto outcome = cast(batch, row({{"b", type("boolean"), false}, {"a", type("int64"), true}})).value();
  REQUIRE(outcome.batch.rows == 2);
  CHECK(format(value_at(outcome.batch.columns[1], 0)) == "1");
  CHECK(outcome.batch.columns[1].is_null(1));
  REQUIRE(outcome.errors.size() == 2);
  CHECK(outcome.errors[0].row == 1);
  CHECK(outcome.errors[0].column == "b");
  CHECK(outcome.errors[1].row == 2);
  CHECK(outcome.errors[1].reason.find("null") != std::string::npos);
}

TEST_CASE("columns go by name, and a missing one is null where it may be") {
  const Batch batch = batch_of({{"a", type("int64"), true}}, {{std::int64_t{1}}, {std::int64_t{2}}});
  const auto outcome =
      cast(batch,
           row({{"note", type("text"), true}, {"n", type("decimal(5,2)"), true}, {"a", type("int64"), true}}))
          .value();
  CHECK(outcome.batch.columns[0].is_null(1));
  CHECK(outcome.batch.columns[1].is_null(0));
  CHECK(outcome.batch.columns[2].int64s()[1] == 2);
  CHECK(cast(batch, row({{"a", type("int64"), true}, {"b", type("int64"), false}})).error().code ==
        Code::invalid_request);
  CHECK(cast(batch, row({{"b", type("int64"), true}})).error().code == Code::invalid_request);
  CHECK(cast(batch, row({{"a", type("int64"), true}, {"a", type("int64"), true}})).error().code ==
        Code::invalid_request);
}

TEST_CASE("a batch that already fits passes unchanged, its buffers moved") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  Batch batch = random.batch(random.row_type(13), 500);
  const Batch original = batch;
  const auto* buffer = batch.columns[0].values().data();
  const auto copied = cast(batch, batch.type).value();
  CHECK(same(copied.batch, original));
  const auto target = batch.type;
  const auto moved = cast(std::move(batch), target).value();
  CHECK(same(moved.batch, original));
  CHECK(moved.batch.columns[0].values().data() == buffer);
}

TEST_CASE("what becomes text becomes itself again") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  for (int round = 0; round < 200; ++round) {
    const Batch batch = random.batch();
    RowType texts = *batch.type;
    for (auto& field : texts)
      if (field.type.kind != Kind::float64 && field.type.kind != Kind::bytes) field.type = type("text");
    const auto there = cast(batch, row(texts)).value();
    REQUIRE(there.errors.empty());
    const auto back = cast(there.batch, batch.type).value();
    REQUIRE(back.errors.empty());
    REQUIRE(same(back.batch, batch));
  }
}
