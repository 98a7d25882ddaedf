// What the ODBC source decides without a driver: connection strings, types, and the forms in which values
// come.
#include <catch2/catch.hpp>

#include <cstring>

#include "support/show_result.hpp"
#include "data/value.hpp"
#include "sources/odbc/connection_string.hpp"
#include "sources/odbc/decode.hpp"
#include "sources/odbc/server.hpp"
#include "sources/odbc/vendors.hpp"
#include "sources/odbc/wide.hpp"

using namespace vmc;
using namespace vmc::sources;
using data::Kind;
using data::Type;
using odbc::Family;

namespace {

std::string written(const OdbcSettings& settings, std::string_view password, const odbc::DriverNeeds& needs = {}) {
  const auto secret = odbc::connection_string(settings, password, needs);
  if (!secret) return secret.error().text();
  odbc::Wide units(secret->size() / sizeof(SQLWCHAR));
  std::memcpy(units.data(), secret->view().data(), units.size() * sizeof(SQLWCHAR));
  units.resize(static_cast<std::size_t>(std::find(units.begin(), units.end(), 0) - units.begin()));
  return odbc::narrowed(units);
}

using Form = odbc::Fetch::Form;

// The text as a column of the kind holds it, or why it cannot.
std::string decoded(Type type, std::string_view text, Form form = Form::plain) {
  data::ColumnBuilder column{type};
  if (const char* why = odbc::decode(form, text, column)) return why;
  return data::format(data::value_at(column.finish(), 0));
}

}  // namespace

TEST_CASE("a connection string says what its settings say, in the words of the database") {
  OdbcSettings settings;
  settings.driver = "Some Driver";
  settings.host = "10.0.0.5";
  settings.port = 1234;
  settings.database = "stock";
  settings.user = "reader";
  settings.options = "A=1";
  CHECK(written(settings, "pw", {"B=2;a=3"}) ==
        "Driver={Some Driver};Server=10.0.0.5;Port=1234;Database=stock;UID=reader;PWD=pw;A=1;B=2;");
  settings.kind = "oracle";
  CHECK(written(settings, "") == "Driver={Some Driver};DBQ=//10.0.0.5:1234/stock;UID=reader;A=1;");
  settings.kind = "hana";
  CHECK(written(settings, "") ==
        "Driver={Some Driver};ServerNode=10.0.0.5:1234;DatabaseName=stock;UID=reader;A=1;");
  OdbcSettings named;
  named.dsn = "mine";
  CHECK(written(named, "p;w}d=ü😀") == "DSN=mine;PWD={p;w}}d=ü😀};");
}

TEST_CASE("a driver that takes braces as they are gets them so, and no value that would end in the middle") {
  OdbcSettings settings;
  settings.driver = "libtdsodbc.so";
  const auto needs = odbc::driver_needs(settings.driver);
  CHECK(written(settings, "p;w}d}", needs) == "Driver=libtdsodbc.so;PWD={p;w}d}};TDS_Version=7.4;");
  CHECK(written(settings, "a};Server=b", needs).find("takes no name and no password with '};'") != std::string::npos);
  settings.options = "tds_version=7.2";  // the owner's word
  CHECK(written(settings, "", needs) == "Driver=libtdsodbc.so;tds_version=7.2;");
}

TEST_CASE("options are read to their end, and what is secret or a setting of its own is refused") {
  for (const char* fine : {"", " ", "a=1", "a=1;", "a={x;PWD=y};b=2", "a={x}};y};", " Trusted = no ; b="}) {
    INFO(fine);
    CHECK(odbc::check_options(fine));
  }
  for (const char* bad :
       {"a", "a;b=1", "PWD=x", "a={x};pwd=y", "a={x}};PWD=y", "a=1; Pass Word=x;password=y", "FILEDSN=x",
        "uid=x", "DRIVER=x", "AccessToken=x", "ClientSecret=x", "a=1\nb=2", "a=\xff"}) {
    INFO(bad);
    const auto outcome = odbc::check_options(bad);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::invalid_request);
  }
}

TEST_CASE("a server is known by its name, and so is what its driver needs to stream") {
  CHECK(odbc::family_named("PostgreSQL") == Family::postgres);
  CHECK(odbc::family_named("MariaDB") == Family::mysql);
  CHECK(odbc::family_named("Microsoft SQL Server") == Family::mssql);
  CHECK(odbc::family_named("Oracle") == Family::oracle);
  CHECK(odbc::family_named("HDB") == Family::hana);
  CHECK(odbc::family_named("DB2/LINUXX8664") == Family::generic);
  CHECK(odbc::driver_needs("/usr/lib/psqlodbcw.so").options.find("UseDeclareFetch=1") != std::string_view::npos);
  CHECK(odbc::driver_needs("MariaDB Unicode").options == odbc::driver_needs("libmaodbc.so").options);
  CHECK(odbc::driver_needs("FreeTDS").options == odbc::driver_needs("libtdsodbc.so").options);
  CHECK(odbc::driver_needs("Some Driver").options.empty());
  CHECK(odbc::driver_needs("Some Driver").doubles_braces);
  CHECK(odbc::customs_of(Family::generic).read_only == nullptr);
  CHECK(odbc::customs_of(Family::oracle).read_only != nullptr);
}

TEST_CASE("UTF-16 and UTF-8 are one text, and half a pair is noticed") {
  const std::string text = "aüł日😀";
  const auto wide = odbc::widened(text);
  CHECK(wide.size() == 6);
  std::string back;
  CHECK(odbc::append_narrow(wide, back));
  CHECK(back == text);
  back.clear();
  CHECK_FALSE(odbc::append_narrow({wide.data(), wide.size() - 1}, back));
}

TEST_CASE("what comes as text is taken exactly, or refused") {
  CHECK(decoded({Kind::boolean}, "1") == "true");
  CHECK(decoded({Kind::boolean}, "2") == "the value is neither true nor false");
  CHECK(decoded({Kind::int64}, "-9223372036854775808") == "-9223372036854775808");
  CHECK(decoded({Kind::int64}, "9223372036854775808") == "the number is no 64-bit integer");
  CHECK(decoded({Kind::decimal, 12, 2}, "-.5") == "-0.50");
  CHECK(decoded({Kind::decimal, 12, 2}, "9.5000") == "9.50");
  CHECK(decoded({Kind::decimal, 12, 2}, "9.505") ==
        "the number has more digits than the column declared when it was discovered");
  CHECK(decoded({Kind::number}, ".000000000000000000000000000001") == "0.000000000000000000000000000001");
  CHECK(decoded({Kind::number}, "1,5") == "the number has a form that cannot be carried");
  CHECK(decoded({Kind::timestamp}, " 2024-02-29 13:00:00.1234560") == "2024-02-29 13:00:00.123456");
  CHECK(decoded({Kind::timestamp}, "2024-02-29 13:00:00.1234567") ==
        "the time is none that the calendar has, or finer than a microsecond");
  CHECK(decoded({Kind::timestamp}, "0000-00-00 00:00:00") ==
        "the time is none that the calendar has, or finer than a microsecond");
  CHECK(decoded({Kind::timestamptz}, "2024-02-29 13:00:00+02") ==
        decoded({Kind::timestamptz}, "2024-02-29 11:00:00"));
  CHECK(decoded({Kind::date}, "2023-02-29") == "the date is none that the calendar has");
  CHECK(decoded({Kind::uuid}, "x") == "the value is no UUID");
  CHECK(decoded({Kind::json}, "{") == "the document is no JSON");
  CHECK(decoded({Kind::boolean}, std::string_view{"\1", 1}) == "true");
  CHECK(decoded({Kind::float64}, "0.30000000000000004441") == "0.30000000000000004");
  CHECK(decoded({Kind::float64}, "-Inf") == "-Infinity");
  CHECK(decoded({Kind::float64}, "?") == "the value is no number that a double holds");
  CHECK(decoded({Kind::text}, "61C3BC", Form::hex) == "aü");
  CHECK(decoded({Kind::text}, "?", Form::hex) == "the value is no text");
  CHECK(decoded({Kind::text}, "FF", Form::hex) == "the text is not valid UTF-8");
  CHECK(decoded({Kind::bytes}, "?", Form::hex) == "the value is no blob");
  CHECK(decoded({Kind::text}, "\xc3", Form::utf8) == "the text is not valid UTF-8");
}

TEST_CASE("a driver's types are ours, or none") {
  const auto type = [](Family family, int code, const char* name, std::int64_t size = 0,
                       std::optional<int> digits = {}) {
    const auto found = odbc::type_of(family, {code, name, size, digits});
    return found ? data::to_string(*found) : "none";
  };
  CHECK(type(Family::generic, SQL_DECIMAL, "DECIMAL", 12, 2) == "decimal(12,2)");
  CHECK(type(Family::generic, SQL_DECIMAL, "DECIMAL", 40, 2) == "number");
  CHECK(type(Family::generic, SQL_TYPE_TIMESTAMP, "TIMESTAMP", 26, 6) == "timestamp");
  CHECK(type(Family::generic, SQL_TYPE_TIMESTAMP, "TIMESTAMP", 29, 9) == "text");
  CHECK(type(Family::generic, SQL_INTERVAL_DAY, "INTERVAL") == "text");
  CHECK(type(Family::generic, -400, "DATALINK") == "none");
  CHECK(type(Family::postgres, SQL_NUMERIC, "numeric", 28, 6) == "number");
  CHECK(type(Family::mysql, SQL_BIGINT, "BIGINT UNSIGNED", 20, 0) == "decimal(20,0)");
  CHECK(type(Family::mssql, -155, "datetimeoffset", 34, 7) == "text");
  CHECK(odbc::declared_name(Family::generic, {SQL_VARCHAR, "VARCHAR", 20}) == "VARCHAR(20)");
  CHECK(odbc::declared_name(Family::generic, {SQL_DECIMAL, "DECIMAL", 12, 2}) == "DECIMAL(12,2)");
}

TEST_CASE("SQL Server's times are times, though it tells them to older drivers as texts of their length") {
  struct Told {
    int code;
    const char* name;
    std::int64_t size;
    std::optional<int> digits;
    const char* type;
    const char* declared;
  };
  for (const auto& told : {Told{SQL_WVARCHAR, "date", 10, {}, "date", "date"},
                           Told{SQL_WVARCHAR, "time", 15, {}, "time", "time(6)"},
                           Told{SQL_WVARCHAR, "time", 8, {}, "time", "time(0)"},
                           Told{SQL_WVARCHAR, "datetime2", 26, {}, "timestamp", "datetime2(6)"},
                           Told{SQL_WVARCHAR, "datetime2", 19, {}, "timestamp", "datetime2(0)"},
                           Told{SQL_WVARCHAR, "datetime2", 27, {}, "text", "datetime2(7)"},
                           Told{SQL_WVARCHAR, "datetimeoffset", 33, {}, "timestamptz", "datetimeoffset(6)"},
                           Told{SQL_TYPE_TIMESTAMP, "datetime2", 26, 6, "timestamp", "datetime2(6)"},
                           Told{SQL_TYPE_TIMESTAMP, "datetime", 23, 3, "timestamp", "datetime"},
                           Told{SQL_DECIMAL, "money", 19, 4, "decimal(19,4)", "money"},
                           Told{SQL_WVARCHAR, "nvarchar", 20, {}, "text", "nvarchar(20)"}}) {
    INFO(told.name << " of " << told.size);
    const odbc::DriverType type{told.code, told.name, told.size, told.digits};
    const auto found = odbc::type_of(Family::mssql, type);
    REQUIRE(found);
    CHECK(data::to_string(*found) == told.type);
    CHECK(odbc::declared_name(Family::mssql, type) == told.declared);
  }
}

TEST_CASE("Oracle's types are ours, or none") {
  const auto type = [](const char* name, std::optional<std::int64_t> precision = {},
                       std::optional<std::int64_t> scale = {}) {
    const auto found = odbc::oracle_type({name, 22, precision, scale});
    return found ? data::to_string(*found) : "none";
  };
  CHECK(type("NUMBER") == "number");
  CHECK(type("NUMBER", {}, 0) == "decimal(38,0)");
  CHECK(type("NUMBER", 18, 0) == "int64");
  CHECK(type("NUMBER", 19, 0) == "decimal(19,0)");
  CHECK(type("NUMBER", 12, 2) == "decimal(12,2)");
  CHECK(type("NUMBER", 5, -3) == "decimal(8,0)");
  CHECK(type("NUMBER", 3, 5) == "decimal(5,5)");
  CHECK(type("NUMBER", 38, 127) == "number");
  CHECK(type("FLOAT", 126) == "number");
  CHECK(type("BINARY_DOUBLE") == "float64");
  CHECK(type("DATE") == "timestamp");
  CHECK(type("TIMESTAMP(6)", {}, 6) == "timestamp");
  CHECK(type("TIMESTAMP(9)", {}, 9) == "text");
  CHECK(type("TIMESTAMP(3) WITH TIME ZONE", {}, 3) == "timestamptz");
  CHECK(type("TIMESTAMP(6) WITH LOCAL TIME ZONE", {}, 6) == "timestamptz");
  CHECK(type("INTERVAL DAY(2) TO SECOND(6)") == "text");
  CHECK(type("RAW") == "bytes");
  CHECK(type("LONG RAW") == "bytes");
  CHECK(type("CLOB") == "text");
  CHECK(type("JSON") == "json");
  CHECK(type("BFILE") == "none");
  CHECK(type("SDO_GEOMETRY") == "none");
}

TEST_CASE("SAP HANA's types are ours, or none") {
  const auto type = [](const char* name, std::int64_t length = 0, std::optional<std::int64_t> scale = {}) {
    const auto found = odbc::hana_type({name, length, {}, scale});
    return found ? data::to_string(*found) : "none";
  };
  CHECK(type("BIGINT", 19, 0) == "int64");
  CHECK(type("DECIMAL", 12, 2) == "decimal(12,2)");
  CHECK(type("DECIMAL", 34) == "number");
  CHECK(type("SMALLDECIMAL", 16) == "number");
  CHECK(type("DOUBLE", 15) == "float64");
  CHECK(type("DATE", 10) == "date");
  CHECK(type("TIME", 8) == "time");
  CHECK(type("SECONDDATE", 19) == "timestamp");
  CHECK(type("TIMESTAMP", 27, 7) == "timestamp");
  CHECK(type("NVARCHAR", 20) == "text");
  CHECK(type("VARBINARY", 20) == "bytes");
  CHECK(type("BOOLEAN", 5) == "boolean");
  CHECK(type("ST_GEOMETRY") == "none");
}
