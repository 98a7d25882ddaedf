// One statement: its text, its parameters, or a catalogue function; then its rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sources/odbc/connection.hpp"
#include "sources/odbc/params.hpp"

namespace vmc::sources::odbc {

// A small result, as text.
using Cells = std::vector<std::optional<std::string>>;
using Table = std::vector<Cells>;

struct ResultColumn {
  SQLSMALLINT type = SQL_UNKNOWN_TYPE;
  std::int64_t size = 0;  // characters or bytes; 0: not known
};

// Which tables a catalogue function is asked about. Names are patterns, or of one table.
struct About {
  std::optional<std::string> catalogue, schema, table;
};

class Statement {
 public:
  static Result<Statement> make(Connection& db);
  Statement(Statement&& other) noexcept : db_{other.db_}, handle_{std::exchange(other.handle_, nullptr)} {}
  ~Statement() {
    if (handle_) db_->free_statement(handle_);
  }

  Result<void> execute(std::string_view text);
  Result<void> execute(std::string_view text, const Params& params);
  Result<void> execute(const sql::Statement& statement);
  enum class Catalogue { tables, columns, primary_keys, foreign_keys, referring_keys, unique_keys, privileges };
  Result<void> look_up(Catalogue what, const About& about);

  Result<std::size_t> columns();  // 0: no rows
  Result<ResultColumn> describe(std::size_t column);
  Result<bool> fetch();
  SQLHSTMT handle() { return handle_; }
  Connection& db() { return *db_; }

  // One cell of the current row, whole; columns in their order. False: null.
  Result<bool> text(std::size_t column, std::string& out);
  Result<bool> bytes(std::size_t column, std::string& out);
  Result<bool> plain(std::size_t column, std::string& out);  // of ASCII only: digits, times
  template <class Number>
  Result<bool> number(std::size_t column, SQLSMALLINT as, Number& out) {
    SQLLEN there = 0;
    VMC_CHECK(db_->call(handle_, [&](const auto& odbc) {
      return odbc.SQLGetData(handle_, static_cast<SQLUSMALLINT>(column + 1), as, &out, sizeof out, &there);
    }));
    return there != SQL_NULL_DATA;
  }
  Result<Table> rows();

 private:
  Statement(Connection& db, SQLHSTMT handle) : db_{&db}, handle_{handle} {}
  template <class Piece>
  Result<bool> pieces(std::size_t column, SQLSMALLINT as, std::size_t terminator, Piece piece);
  Connection* db_;
  SQLHSTMT handle_;
};

Result<Table> ask(Connection& db, std::string_view text, const Params& params = {});
// As this server takes them.
Params params_of(const Connection& db, const std::vector<data::Value>& values);

}  // namespace vmc::sources::odbc
