// Values written into a statement are the ones that a parameter would have been; SQLite itself says so.
#include <catch2/catch.hpp>

#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "sql/sqlite_literals.hpp"

using namespace vmc;
using data::Value;

namespace {

struct Sqlite {
  sqlite3* db = nullptr;
  Sqlite() { REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK); }
  ~Sqlite() { sqlite3_close(db); }
  // The literal of `value` as SQLite keeps it: its type, and its bytes.
  std::pair<std::string, std::string> kept(const Value& value, const std::string& of = "?") {
    const auto text = sql::with_sqlite_literals({"SELECT typeof(v), v FROM (SELECT " + of + " AS v)", {value}});
    sqlite3_stmt* statement = nullptr;
    INFO(text);
    REQUIRE(sqlite3_prepare_v2(db, text.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const std::string type = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    std::string bytes;
    if (type == "real") {
      const double real = sqlite3_column_double(statement, 1);
      bytes.assign(reinterpret_cast<const char*>(&real), sizeof real);
    } else if (const auto* blob = sqlite3_column_blob(statement, 1)) {
      bytes.assign(static_cast<const char*>(blob), static_cast<std::size_t>(sqlite3_column_bytes(statement, 1)));
    }
    sqlite3_finalize(statement);
    return {type, bytes};
  }
};

}  // namespace

TEST_CASE("literals of SQLite: every double is the same double, at its ends and among its smallest") {
  Sqlite sqlite;
  using Limits = std::numeric_limits<double>;
  std::vector<double> reals{0.1,           1e23,          5e-324,          Limits::min(), Limits::max(), Limits::epsilon(), 1.0 / 3,
                            2.2250738585072011e-308, Limits::infinity(), 9007199254740993.0, 123456.789};
  std::uint64_t bits = 88172645463325252u;  // xorshift
  for (int i = 0; i < 2'000; ++i) {
    bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
    double real = 0;
    std::memcpy(&real, &bits, sizeof real);
    if (std::isfinite(real)) reals.push_back(real);
  }
  for (const double positive : reals)
    for (const double real : {positive, -positive}) {
      const auto [type, bytes] = sqlite.kept(real);
      REQUIRE(type == "real");
      REQUIRE(bytes == std::string{reinterpret_cast<const char*>(&real), sizeof real});
    }
  CHECK(sqlite.kept(Limits::quiet_NaN()).first == "null");
}

TEST_CASE("literals of SQLite: texts, bytes and integers come whole, whatever they hold") {
  Sqlite sqlite;
  for (const auto& text : {std::string{}, std::string{"it's"}, std::string{"a\0b\0", 4}, std::string{"? {fn x} -- ; /* \" ` \n ü 😀"},
                                 std::string{"'"}, std::string{"''"}, std::string{"\0", 1}})
    CHECK(sqlite.kept(text) == std::pair{std::string{"text"}, text});
  CHECK(sqlite.kept(Bytes{}) == std::pair{std::string{"blob"}, std::string{}});
  CHECK(sqlite.kept(Bytes{0, 0xff, 0x27}) == std::pair{std::string{"blob"}, std::string{"\0\xff'", 3}});
  const auto least = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t integer : {least, std::int64_t{-1}, std::int64_t{0}, std::numeric_limits<std::int64_t>::max()})
    CHECK(sqlite.kept(integer) == std::pair{std::string{"integer"}, std::to_string(integer)});
  CHECK(sqlite.kept(Value{}).first == "null");
  CHECK(sqlite.kept(true) == std::pair{std::string{"integer"}, std::string{"1"}});
}

TEST_CASE("literals of SQLite: a marker within a name or a text is none") {
  CHECK(sql::with_sqlite_literals({R"(SELECT "a?""?" FROM t WHERE b = '?''?' AND c = ? AND d = ?)",
                                   {std::int64_t{1}, std::string{"?"}}}) ==
        R"(SELECT "a?""?" FROM t WHERE b = '?''?' AND c = (1) AND d = ('?'))");
}
