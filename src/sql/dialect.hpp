// Per dialect: quoting and the rendering of intents. Pure: model in, text and parameters out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/intent.hpp"
#include "data/schema.hpp"

namespace vmc::sql {

enum class Dialect { sqlite, postgres, mysql, mssql };

// A server behind an ODBC driver, as far as its statements differ. It takes intents only: no guard reads its SQL.
struct OdbcServer {
  enum class Family { generic, sqlite, postgres, mysql, mssql, oracle, hana };
  Family family = Family::generic;
  std::string quote = "\"";         // SQL_IDENTIFIER_QUOTE_CHAR; empty: only plain names can be written
  std::string default_schema = {};  // where a bare table stands; empty: bare names stay bare
};

// Whom a statement is written for: a dialect, or a server behind ODBC, which must outlive this.
class Target {
 public:
  Target(Dialect dialect) : dialect_{dialect} {}
  Target(const OdbcServer& server) : odbc_{&server} {}
  const OdbcServer* odbc() const { return odbc_; }
  bool operator==(Dialect dialect) const { return !odbc_ && dialect_ == dialect; }

 private:
  Dialect dialect_ = Dialect::sqlite;
  const OdbcServer* odbc_ = nullptr;
};

struct Statement {
  std::string text;  // parameters as ?1… (SQLite), $1… (PostgreSQL), @p1… (SQL Server) or ? (MySQL, ODBC)
  std::vector<data::Value> params;
};

// SQLite keeps decimals and times as text. Statements compare them under these collations, which a session
// registers, so that 9.5 < 10 and one instant is one instant however it is spelled.
inline constexpr const char* kDecimalCollation = "vmc_decimal";
inline constexpr const char* kTimeCollation = "vmc_time";
inline constexpr const char* kInstantCollation = "vmc_instant";

inline constexpr std::size_t kParamsMax = 32'000;

// Identifiers are quoted whole; a NUL or an over-long name is refused (COMMAND_MALFORMED).
Result<std::string> quote(Target dialect, std::string_view identifier);
// "schema.table" or "table" -> quoted and always with its schema (main, public, dbo; only in MySQL a bare name stays bare:
// it is in the connection's own database). The split is at the first dot: discovery names a table that has a dot in
// its own name with its schema. Over ODBC the server says where a bare name is.
Result<std::string> quote_table(Target dialect, std::string_view table);

// The projection render() writes: what the session reads as the column's own kind stands bare, the rest is
// cast.
Result<std::string> select_list(Target dialect, const std::vector<std::string>& columns,
                                const data::TableInfo& table);

// SELECT for an intent over a known table. SCHEMA_ACCESS_DENIED for a column the table info lacks: what was
// not approved does not exist. Every value is a parameter, cast to its column's type; a value that is not
// exactly one of its column's type is COMMAND_MALFORMED.
Result<Statement> render(Target dialect, const data::Intent& intent, const data::TableInfo& table);
// The last key of every `rows_per_part` rows in key order, and the last key of all. An intent with a limit
// has no parts: COMMAND_MALFORMED. For MySQL, whose older versions have no window functions, and over ODBC: every key in
// order, of which the session takes these.
Result<Statement> render_split(Target dialect, const data::Intent& intent, const data::TableInfo& table,
                               const std::vector<std::string>& key, std::int64_t rows_per_part);
// One row when some row of the intent has NULL in its key (no range would ever reach it); no statement when
// the key's columns cannot be null.
Result<std::optional<Statement>> render_null_keys(Target dialect, const data::Intent& intent,
                                                  const data::TableInfo& table,
                                                  const std::vector<std::string>& key);

// SQL Server: the rows whose `key` equals one of `keys`, each with one value for each key column.
Result<Statement> render_lookup(const data::TableInfo& table, const std::vector<std::string>& columns,
                                const std::vector<std::string>& key, const std::vector<std::vector<data::Value>>& keys);
// The same over ODBC.
Result<Statement> render_lookup(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, const std::vector<std::string>& key,
                                const std::vector<std::vector<data::Value>>& keys);
// Over ODBC: an INSERT of rows, each with a value for each of `columns`; and an UPDATE of the row that has the values of
// the key's columns, of which one at least is no key.
Result<Statement> render_insert(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, std::span<const std::vector<data::Value>> rows);
Result<Statement> render_update(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, const std::vector<bool>& is_key,
                                const std::vector<data::Value>& row);

}  // namespace vmc::sql
