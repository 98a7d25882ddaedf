#include "sources/odbc/statement.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sources/odbc/wide.hpp"
#include "sql/odbc_sql.hpp"
#include "sql/sqlite_literals.hpp"

namespace vmc::sources::odbc {
namespace {

constexpr std::size_t kPieceBytes = 32 * 1024;
constexpr std::size_t kCellMax = 64u << 20;

// An argument of a catalogue function: absent, or with its length.
struct Argument {
  explicit Argument(const std::optional<std::string>& value)
      : given{value.has_value()}, text{widened(value.value_or(""))} {
    text.push_back(0);
  }
  SQLWCHAR* data() { return given ? text.data() : nullptr; }
  SQLSMALLINT size() const { return given ? static_cast<SQLSMALLINT>(text.size() - 1) : 0; }
  bool given;
  Wide text;
};

}  // namespace

Result<Statement> Statement::make(Connection& db) {
  VMC_TRY(handle, db.make_statement());
  return Statement{db, handle};
}

Result<void> Statement::execute(std::string_view text) { return execute(text, Params{}); }

Result<void> Statement::execute(std::string_view text, const Params& params) {
  auto wide = widened(text);
  for (std::size_t i = 0; i < params.size(); ++i)
    VMC_CHECK(db_->call(handle_, [&](const auto& odbc) { return params.bind(odbc, handle_, i); }));
  VMC_CHECK(db_->call(handle_, [&](const auto& odbc) {
    return odbc.SQLExecDirectW(handle_, wide.data(), static_cast<SQLINTEGER>(wide.size()));
  }));
  return {};
}

Result<void> Statement::execute(const sql::Statement& statement) {
  if (db_->ends_by_statement()) return execute(sql::with_sqlite_literals(statement));
  return execute(statement.text, params_of(*db_, statement.params));
}

Result<void> Statement::look_up(Catalogue what, const About& about) {
  Argument catalogue{about.catalogue}, schema{about.schema}, table{about.table};
  Argument all{"%"}, kinds{"TABLE,VIEW"}, none{std::nullopt};
  VMC_CHECK(db_->call(handle_, [&](const auto& odbc) -> SQLRETURN {
    switch (what) {
      case Catalogue::tables:
        return odbc.SQLTablesW(handle_, catalogue.data(), catalogue.size(), schema.data(), schema.size(),
                               table.data(), table.size(), kinds.data(), kinds.size());
      case Catalogue::columns:
        return odbc.SQLColumnsW(handle_, catalogue.data(), catalogue.size(), schema.data(), schema.size(),
                                table.data(), table.size(), all.data(), all.size());
      case Catalogue::primary_keys:
        return odbc.SQLPrimaryKeysW(handle_, catalogue.data(), catalogue.size(), schema.data(), schema.size(),
                                    table.data(), table.size());
      case Catalogue::foreign_keys:
        return odbc.SQLForeignKeysW(handle_, none.data(), 0, none.data(), 0, none.data(), 0, catalogue.data(),
                                    catalogue.size(), schema.data(), schema.size(), table.data(),
                                    table.size());
      case Catalogue::referring_keys:
        return odbc.SQLForeignKeysW(handle_, catalogue.data(), catalogue.size(), schema.data(), schema.size(),
                                    table.data(), table.size(), none.data(), 0, none.data(), 0, none.data(), 0);
      case Catalogue::unique_keys:
        return odbc.SQLStatisticsW(handle_, catalogue.data(), catalogue.size(), schema.data(), schema.size(),
                                   table.data(), table.size(), SQL_INDEX_UNIQUE, SQL_QUICK);
      case Catalogue::privileges:
        return odbc.SQLTablePrivilegesW(handle_, catalogue.data(), catalogue.size(), schema.data(),
                                        schema.size(), table.data(), table.size());
    }
    return SQL_ERROR;
  }));
  return {};
}

Result<std::size_t> Statement::columns() {
  SQLSMALLINT count = 0;
  VMC_CHECK(db_->call(handle_, [&](const auto& odbc) { return odbc.SQLNumResultCols(handle_, &count); }));
  return static_cast<std::size_t>(count);
}

Result<ResultColumn> Statement::describe(std::size_t column) {
  ResultColumn out;
  std::array<SQLWCHAR, 256> name{};
  SQLSMALLINT length = 0, digits = 0, nullable = 0;
  SQLULEN size = 0;
  VMC_CHECK(db_->call(handle_, [&](const auto& odbc) {
    return odbc.SQLDescribeColW(handle_, static_cast<SQLUSMALLINT>(column + 1), name.data(),
                                static_cast<SQLSMALLINT>(name.size()), &length, &out.type, &size, &digits,
                                &nullable);
  }));
  out.size = size > INT32_MAX ? 0 : static_cast<std::int64_t>(size);
  return out;
}

Result<bool> Statement::fetch() {
  VMC_TRY(outcome, db_->call(handle_, [&](const auto& odbc) { return odbc.SQLFetch(handle_); }));
  return outcome != SQL_NO_DATA;
}

// SQLGetData again and again; each piece but the last fills the buffer, up to its terminator.
template <class Piece>
Result<bool> Statement::pieces(std::size_t column, SQLSMALLINT as, std::size_t terminator, Piece piece) {
  alignas(SQLWCHAR) std::array<char, kPieceBytes> buffer;
  std::size_t total = 0;
  std::optional<SQLLEN> expected;  // what is left, after the pieces before
  for (;;) {
    SQLLEN left = 0;
    VMC_TRY(outcome, db_->call(handle_, [&](const auto& odbc) {
      return odbc.SQLGetData(handle_, static_cast<SQLUSMALLINT>(column + 1), as, buffer.data(), buffer.size(),
                             &left);
    }));
    if (outcome == SQL_NO_DATA) return true;
    if (left == SQL_NULL_DATA) return false;
    const auto room = buffer.size() - terminator;
    const bool more =
        outcome == SQL_SUCCESS_WITH_INFO && (left == SQL_NO_TOTAL || left > static_cast<SQLLEN>(room));
    const auto size = more ? room : static_cast<std::size_t>(std::max<SQLLEN>(left, 0));
    const bool follows = left == SQL_NO_TOTAL || !expected || left == *expected;
    if (size > room || !follows)
      return fail(Code::database_error, "the ODBC driver gave a value in pieces that do not fit together");
    expected = left == SQL_NO_TOTAL ? std::nullopt : std::optional{left - static_cast<SQLLEN>(size)};
    total += size;
    if (total > kCellMax) return fail(Code::database_error, "a value is larger than 64 MiB");
    piece(buffer.data(), size);
    if (!more) return true;
  }
}

Result<bool> Statement::text(std::size_t column, std::string& out) {
  out.clear();
  Wide units;
  VMC_TRY(there, pieces(column, SQL_C_WCHAR, sizeof(SQLWCHAR), [&](const char* data, std::size_t size) {
            const auto* from = reinterpret_cast<const SQLWCHAR*>(data);
            units.insert(units.end(), from, from + size / sizeof(SQLWCHAR));
          }));
  if (there && !append_narrow(units, out)) return fail(Code::database_error, "a text is not valid Unicode");
  return there;
}

Result<bool> Statement::bytes(std::size_t column, std::string& out) {
  out.clear();
  return pieces(column, SQL_C_BINARY, 0, [&](const char* data, std::size_t size) { out.append(data, size); });
}

Result<bool> Statement::plain(std::size_t column, std::string& out) {
  out.clear();
  return pieces(column, SQL_C_CHAR, 1, [&](const char* data, std::size_t size) { out.append(data, size); });
}

Result<Table> Statement::rows() {
  VMC_TRY(count, columns());
  Table out;
  if (count == 0) return out;
  for (;;) {
    VMC_TRY(row, fetch());
    if (!row) return out;
    Cells cells(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::string cell;
      VMC_TRY(there, text(i, cell));
      if (there) cells[i] = std::move(cell);
    }
    out.push_back(std::move(cells));
  }
}

Params params_of(const Connection& db, const std::vector<data::Value>& values) {
  Params params{{sql::odbc::converts(db.server()), db.customs().integers_as_text}};
  for (const auto& value : values) params.value(value);
  return params;
}

Result<Table> ask(Connection& db, std::string_view text, const Params& params) {
  VMC_TRY(statement, Statement::make(db));
  VMC_CHECK(statement.execute(text, params));
  return statement.rows();
}

}  // namespace vmc::sources::odbc
