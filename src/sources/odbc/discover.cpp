#include <algorithm>
#include <cstdlib>

#include "core/text.hpp"
#include "sources/odbc/parts.hpp"
#include "sources/odbc/schema_builder.hpp"
#include "sources/odbc/vendors.hpp"

namespace vmc::sources::odbc {
namespace {

using Catalogue = Statement::Catalogue;

constexpr auto kDiscoverLimit = std::chrono::minutes{5};  // keys are asked for table by table

// Columns of the catalogue functions' results, counted from 0.
namespace tables {
constexpr std::size_t catalogue = 0, schema = 1, name = 2, kind = 3;
}
namespace columns {
constexpr std::size_t schema = 1, table = 2, name = 3, type = 4, type_name = 5, size = 6, digits = 8,
                      nullable = 10, definition = 12, count = 11;
}
namespace primary {
constexpr std::size_t column = 3, position = 4;
}
namespace foreign {
constexpr std::size_t to_schema = 1, to_table = 2, to_column = 3, column = 7, position = 8, constraint = 11;
}
namespace index {
constexpr std::size_t not_unique = 3, name = 5, type = 6, position = 7, column = 8, cardinality = 10, filter = 12;
}

Result<Table> look_up(Connection& db, Catalogue what, const About& about) {
  VMC_TRY(statement, Statement::make(db));
  VMC_CHECK(statement.look_up(what, about));
  return statement.rows();
}

// A default that says there is none.
std::optional<std::string> default_of(const Cells& row) {
  if (row.size() <= columns::definition || !row[columns::definition]) return std::nullopt;
  if (lowered(*row[columns::definition]) == "null") return std::nullopt;
  return row[columns::definition];
}

Result<void> read_tables(Connection& db, SchemaBuilder& schema) {
  VMC_TRY(rows, look_up(db, Catalogue::tables, tables_named(db, "%", "%")));
  for (const auto& row : rows) {
    if (is_elsewhere(db, text_of(row, tables::catalogue))) continue;
    const TableName name{text_of(row, tables::schema), text_of(row, tables::name)};
    if (!is_system_schema(name.schema)) schema.table(name, text_of(row, tables::kind) == "VIEW");
  }
  return {};
}

Result<void> read_columns(Connection& db, SchemaBuilder& schema) {
  VMC_TRY(rows, look_up(db, Catalogue::columns, tables_named(db, "%", "%")));
  const auto family = db.server().family;
  for (const auto& row : rows) {
    if (row.size() < columns::count)
      return fail(Code::database_error, "the ODBC driver does not describe columns");
    DriverType type{static_cast<int>(number_of(row, columns::type)), text_of(row, columns::type_name),
                    number_of(row, columns::size)};
    if (const auto digits = maybe_number(row, columns::digits)) type.digits = static_cast<int>(*digits);
    schema.column({text_of(row, columns::schema), text_of(row, columns::table)},
                  {text_of(row, columns::name), declared_name(family, type), type_of(family, type),
                   number_of(row, columns::nullable) != SQL_NO_NULLS, default_of(row)});
  }
  return {};
}

Result<void> read_keys_of(Connection& db, const TableName& name, SchemaBuilder& schema) {
  const auto about = tables_named(db, name.schema, name.table);
  VMC_TRY(primary_key, look_up(db, Catalogue::primary_keys, about));
  for (const auto& row : primary_key)
    schema.key(name, "primary key", number_of(row, primary::position), text_of(row, primary::column), true);
  VMC_TRY(indexes, look_up(db, Catalogue::unique_keys, about));
  for (const auto& row : indexes) {
    const bool of_table = number_of(row, index::type) == SQL_TABLE_STAT;
    if (const auto estimate = maybe_number(row, index::cardinality); of_table && estimate)
      schema.row_estimate(name, *estimate);
    const bool unique = !of_table && number_of(row, index::not_unique) == SQL_FALSE;
    const bool partial = row.size() > index::filter && !text_of(row, index::filter).empty();
    if (unique && !partial)
      schema.key(name, "index " + text_of(row, index::name), number_of(row, index::position),
                 text_of(row, index::column), false);
  }
  VMC_TRY(references, look_up(db, Catalogue::foreign_keys, about));
  for (const auto& row : references)
    schema.reference(text_of(row, foreign::constraint) + " " + text_of(row, foreign::to_table),
                     number_of(row, foreign::position), {name, text_of(row, foreign::column)},
                     {{text_of(row, foreign::to_schema), text_of(row, foreign::to_table)},
                      text_of(row, foreign::to_column)});
  return {};
}

// A driver that lacks one of the functions for keys still tells tables and columns.
bool is_lack(const Error& error) { return error.code == Code::database_error; }

}  // namespace

std::int64_t number_of(const Cells& cells, std::size_t column) {
  return maybe_number(cells, column).value_or(0);
}

std::optional<std::int64_t> maybe_number(const Cells& cells, std::size_t column) {
  if (column >= cells.size() || !cells[column]) return std::nullopt;
  return std::strtoll(cells[column]->c_str(), nullptr, 10);
}

Result<data::Schema> discover(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kDiscoverLimit));
  if (db.server().family == Family::oracle) return discover_oracle(db);
  if (db.server().family == Family::hana) return discover_hana(db);
  SchemaBuilder schema{db.server().default_schema};
  VMC_CHECK(read_tables(db, schema));
  VMC_CHECK(read_columns(db, schema));
  for (const auto& name : schema.base_tables()) {
    const auto outcome = read_keys_of(db, name, schema);
    if (outcome) continue;
    if (!is_lack(outcome.error())) return outcome.error();
    break;
  }
  return schema.finish();
}

}  // namespace vmc::sources::odbc
