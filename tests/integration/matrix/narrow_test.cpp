// Values that a column of the destination cannot hold: refused with a reason, in both modes, never cut, filled up,
// rounded or bent into shape. tests/golden/matrix/narrow.json keeps the reasons.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;
using Mode = sources::LoadRequest::Mode;
using sources::Access;

namespace {

const std::string kLong(256, 'x');

struct Narrow {
  const char* database;
  const char* column_type;
  data::Type travels_as;
  const char* value;
};

using data::Kind;
constexpr data::Type kUnsigned{Kind::decimal, 20, 0}, kMoney{Kind::decimal, 19, 4};

// clang-format off
const std::vector<Narrow>& narrow() {
  static const std::vector<Narrow> cases{
      {"postgres", "bigint", kUnsigned, "18446744073709551615"},
      {"postgres", "smallint", {Kind::int64}, "32768"},
      {"postgres", "integer", {Kind::int64}, "-2147483649"},
      {"postgres", "oid", {Kind::int64}, "4294967296"},
      {"postgres", "real", {Kind::float64}, "0.1234567891"},
      {"postgres", "real", {Kind::float64}, "1.5e300"},
      {"postgres", "numeric(5,2)", kMoney, "1234.5000"},
      {"postgres", "numeric(5,2)", kMoney, "1.2345"},
      {"postgres", "numeric(5,-2)", {Kind::number}, "12345"},
      {"postgres", "numeric(60,5)", {Kind::number}, "1.123456"},
      {"postgres", "numeric(5,2)", {Kind::number}, "NaN"},
      {"postgres", "money", {Kind::number}, "1234.567"},
      {"postgres", "varchar(3)", {Kind::text}, "abcdef"},
      {"postgres", "char(5)", {Kind::text}, "abcd"},
      {"postgres", "char(3)", {Kind::text}, "abcdef"},
      {"postgres", "word", {Kind::text}, "abcdef"},
      {"postgres", "\"char\"", {Kind::text}, "abcdef"},
      {"postgres", "name", {Kind::text}, "a_name_that_is_longer_than_sixty_three_characters_and_would_be_cut_off"},
      {"postgres", "bit(3)", {Kind::text}, "10111"},
      {"postgres", "bit varying(3)", {Kind::text}, "10111"},
      {"postgres", "varchar(3)[]", {Kind::text}, "{abcdef}"},
      {"postgres", "numeric(10,2)[]", {Kind::text}, "{1.2345}"},
      {"postgres", "timetz(0)", {Kind::text}, "12:00:00.1234+02"},
      {"postgres", "interval(0)", {Kind::text}, "PT1.2345S"},
      {"postgres", "interval day", {Kind::text}, "P1DT2H3M"},
      {"postgres", "interval", {Kind::text}, "PT1.1234567S"},
      {"postgres", "timetz", {Kind::text}, "12:00:00.1234567+02"},
      {"postgres", "timestamptz[]", {Kind::text}, "{\"2024-02-29 13:00:00.1234567+00\"}"},
      {"postgres", "timestamp[]", {Kind::text}, "{\"2024-02-29 13:00:00+02\"}"},
      {"postgres", "time[]", {Kind::text}, "{\"2024-02-29 13:00:00\"}"},
      {"postgres", "date[]", {Kind::text}, "{\"2024-02-29 13:00:00\"}"},
      {"postgres", "tsrange", {Kind::text}, "[\"2024-02-29 13:00:00.1234567\",infinity)"},
      {"postgres", "datemultirange", {Kind::text}, "{[\"2024-02-29 13:00:00\",infinity)}"},
      {"postgres", "real[]", {Kind::text}, "{0.1234567891}"},
      {"postgres", "double precision[]", {Kind::text}, "{0.1234567890123456789}"},
      {"postgres", "float_range", {Kind::text}, "[0.1234567890123456789,1)"},
      {"postgres", "point", {Kind::text}, "(0.1234567890123456789,1)"},
      {"postgres", "money[]", {Kind::text}, "{$1.2345}"},
      {"postgres", "name[]", {Kind::text}, "{a_name_that_is_longer_than_sixty_three_characters_and_would_be_cut_off}"},
      {"postgres", "price[]", {Kind::text}, "{1.2345}"},
      {"postgres", "prices", {Kind::text}, "{1.2345}"},
      {"postgres", "item", {Kind::text}, "(a,1.2345,calm,)"},
      {"postgres", "item[]", {Kind::text}, "{\"(a,1.2345,calm,)\"}"},
      {"postgres", "tsvector", {Kind::text}, "'cat':20000"},
      {"postgres", "xid", {Kind::text}, "4294967297"},
      {"postgres", "xid8", {Kind::text}, "18446744073709551616"},
      {"postgres", "cid", {Kind::text}, "12 monkeys"},
      {"postgres", "mood", {Kind::text}, "furious"},
      {"postgres", "integer[]", {Kind::text}, "{1,two}"},
      {"postgres", "inet", {Kind::text}, "10.0.0.999"},
      {"postgres", "time(3)", {Kind::time}, "12:00:00.123456"},
      {"postgres", "time", {Kind::time}, "-00:00:01.5"},
      {"postgres", "timestamp(0)", {Kind::timestamp}, "2024-02-29 13:00:00.123456"},
      {"postgres", "timestamptz(3)", {Kind::timestamptz}, "2024-02-29 13:00:00.123456+00"},
      {"postgres", "timestamp", {Kind::timestamptz}, "2024-02-29 13:00:00+00"},
      {"postgres", "date", {Kind::timestamp}, "2024-02-29 13:00:00"},
      {"postgres", "numeric(12,2)", {Kind::float64}, "0.1234"},
      {"mysql", "bigint", kUnsigned, "18446744073709551615"},
      {"mysql", "bigint unsigned", {Kind::int64}, "-1234"},
      {"mysql", "tinyint unsigned", {Kind::int64}, "1256"},
      {"mysql", "int", {Kind::int64}, "2147483648"},
      {"mysql", "boolean", {Kind::int64}, "1234"},
      {"mysql", "year", {Kind::int64}, "1870"},
      {"mysql", "bit(9)", {Kind::int64}, "1512"},
      {"mysql", "bit(9)", {Kind::int64}, "-1512"},
      {"mysql", "float", {Kind::float64}, "0.1234567891"},
      {"mysql", "double", {Kind::float64}, "NaN"},
      {"mysql", "float(7,2)", {Kind::float64}, "1234.125"},
      {"mysql", "double(7,2)", {Kind::float64}, "1234.125"},
      {"mysql", "float unsigned", {Kind::float64}, "-1234.5"},
      {"mysql", "decimal(5,2)", kMoney, "1234.5000"},
      {"mysql", "decimal(5,2)", kMoney, "1.2345"},
      {"mysql", "decimal(12,2) unsigned", kMoney, "-1234.5000"},
      {"mysql", "decimal(65,30)", {Kind::number}, "NaN"},
      {"mysql", "decimal(65,30)", {Kind::number}, "0.1234567890123456789012345678901"},
      {"mysql", "varchar(3)", {Kind::text}, "abcdef"},
      {"mysql", "char(5)", {Kind::text}, "abc  "},
      {"mysql", "tinytext", {Kind::text}, kLong.c_str()},
      {"mysql", "varchar(20) CHARACTER SET latin1", {Kind::text}, "za\u017c\u00f3\u0142\u0107"},
      {"mysql", "varchar(20) CHARACTER SET utf8mb3", {Kind::text}, "\U0001F600\U0001F600"},
      {"mysql", "enum('calm','wild')", {Kind::text}, "furious"},
      {"mysql", "enum('calm','wild') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", {Kind::text}, "CALM"},
      {"mysql", "enum('1st','2nd','0003')", {Kind::text}, "0002"},
      {"mysql", "set('a','b','c')", {Kind::text}, "c,b,a"},
      {"mysql", "set('a','b','c')", {Kind::text}, "b,b,a"},
      {"mysql", "set('a','b','c')", {Kind::text}, "a,furious"},
      {"mysql", "inet6", {Kind::text}, "no address"},
      {"mysql", "json", {Kind::json}, "{\"a\": 1.50, \"a\": 2.75}"},
      {"mysql", "binary(4)", {Kind::bytes}, "abc"},
      {"mysql", "varbinary(4)", {Kind::bytes}, "abcdef"},
      {"mysql", "point", {Kind::bytes}, "abcdef"},
      {"mysql", "date", {Kind::date}, "4713-01-01 BC"},
      {"mysql", "date", {Kind::date}, "infinity"},
      {"mysql", "date", {Kind::timestamp}, "2024-02-29 13:00:00"},
      {"mysql", "time", {Kind::time}, "12:00:00.123456"},
      {"mysql", "datetime", {Kind::timestamp}, "2024-02-29 13:00:00.123456"},
      {"mysql", "datetime(6)", {Kind::timestamp}, "infinity"},
      {"mysql", "timestamp NULL", {Kind::timestamptz}, "2024-02-29 13:00:00.123456+00"},
      {"mysql", "timestamp(6) NULL", {Kind::timestamptz}, "2038-01-19 03:14:08+00"},
      {"mysql", "timestamp(6) NULL", {Kind::timestamptz}, "1970-01-01 00:00:00+00"},
      {"mysql", "datetime(6)", {Kind::timestamptz}, "2024-02-29 13:00:00+00"},
      {"mssql", "bigint", kUnsigned, "18446744073709551615"},
      {"mssql", "tinyint", {Kind::int64}, "1256"},
      {"mssql", "int", {Kind::int64}, "2147483648"},
      {"mssql", "real", {Kind::float64}, "0.1234567891"},
      {"mssql", "float", {Kind::float64}, "5e-324"},
      {"mssql", "float", {Kind::float64}, "-Infinity"},
      {"mssql", "decimal(5,2)", kMoney, "1.2345"},
      {"mssql", "money", {Kind::decimal, 19, 4}, "922337203685477.5808"},
      {"mssql", "smallmoney", kMoney, "1214748.3648"},
      {"mssql", "varchar(20)", {Kind::text}, "za\u017c\u00f3\u0142\u0107"},
      {"mssql", "nvarchar(3)", {Kind::text}, "\U0001F600\U0001F600"},
      {"mssql", "varchar(3)", {Kind::text}, "abcdef"},
      {"mssql", "nchar(5)", {Kind::text}, "abcd"},
      {"mssql", "char(5)", {Kind::text}, "abcd"},
      {"mssql", "binary(4)", {Kind::bytes}, "abc"},
      {"mssql", "varbinary(4)", {Kind::bytes}, "abcdef"},
      {"mssql", "time(3)", {Kind::time}, "12:00:00.123456"},
      {"mssql", "time(6)", {Kind::time}, "24:00:00"},
      {"mssql", "datetime", {Kind::timestamp}, "2024-02-29 13:00:00.001"},
      {"mssql", "datetime", {Kind::timestamp}, "1752-12-31 00:00:00"},
      {"mssql", "smalldatetime", {Kind::timestamp}, "2024-02-29 13:00:01"},
      {"mssql", "smalldatetime", {Kind::timestamp}, "2079-06-07 00:00:00"},
      {"mssql", "datetime2(3)", {Kind::timestamp}, "2024-02-29 13:00:00.123456"},
      {"mssql", "datetimeoffset(0)", {Kind::timestamptz}, "2024-02-29 13:00:00.5+00"},
      {"mssql", "datetime2(7)", {Kind::text}, "29 February 2024"},
      {"mssql", "datetime2(7)", {Kind::text}, "2024-02-29 13:00:00.12345678"},
      {"mssql", "date", {Kind::date}, "4713-01-01 BC"},
      {"mssql", "timestamp", {Kind::bytes}, "abcdefgh"},
      {"mssql", "xml", {Kind::text}, "<a  b='1'/>"},
      {"sqlite", "INTEGER", kUnsigned, "18446744073709551615"},
      {"sqlite", "DECIMAL(12,2)", {Kind::decimal, 12, 2}, "1234.50"},
      {"sqlite", "DECIMAL_TEXT(5,2)", kMoney, "1.2345"},
      {"sqlite", "NUMERIC", {Kind::number}, "1234.5"},
      {"sqlite", "REAL", {Kind::float64}, "NaN"},
      {"sqlite", "REAL", {Kind::int64}, "9007199254740993"},
      {"sqlite", "DATE", {Kind::timestamp}, "2024-02-29 13:00:00"},
      {"sqlite", "TIMESTAMP", {Kind::timestamptz}, "2024-02-29 13:00:00+00"},
      {"sqlite", "JSON_TEXT", {Kind::text}, "{not json"},
  };
  return cases;
}
// clang-format on

data::Value value_of(const Narrow& one) {
  if (one.travels_as.kind == Kind::bytes) {
    const std::string text{one.value};
    return Bytes(text.begin(), text.end());
  }
  auto value = data::parse_value(one.value, one.travels_as);
  INFO(one.value);
  REQUIRE(value);
  return std::move(*value);
}

}  // namespace

TEST_CASE("a value that its column cannot hold is refused with the reason, never bent") {
  Json found = Json::object();
  std::map<std::string, int> tables;
  for (const auto& one : narrow()) {
    auto& database = database_named(one.database);
    const auto name = "narrow_" + std::to_string(++tables[one.database]);
    database.run("CREATE TABLE " + name + " (id bigint NOT NULL PRIMARY KEY, v " + one.column_type + ")");
    auto loader = database.open(Access::load), reader = database.open(Access::read);
    Destination to{*loader, *reader, table_named(*reader, name), "v"};
    const auto value = value_of(one);
    const auto given = one_row(one.travels_as, "v", 1, value), upserted = one_row(one.travels_as, "v", 2, value);
    const auto inserts = verdict(to, given, value, Way::cast, Mode::insert);
    const auto upserts = verdict(to, upserted, value, Way::script, Mode::upsert);
    INFO(one.database << " " << one.column_type << " <- " << data::to_string(one.travels_as) << " " << one.value << ": "
                      << inserts << "; by a script and upsert: " << upserts);
    for (const auto& each : {inserts, upserts}) {
      CHECK((each == "equal" || each.starts_with("refused: ")));
      const auto tells = each.find(shown(value)) != std::string::npos;
      CHECK_FALSE((each != "equal" && shown(value).size() > 3 && std::string_view{one.value} != "24:00:00" && tells));
    }
    CHECK((inserts == "equal") == (upserts == "equal"));
    const auto way = std::string{one.column_type} + " <- " + data::to_string(one.travels_as) + " ";
    found[one.database][way + shown(value).substr(0, 80)] = inserts;
  }
  check_found("narrow", found);
}
