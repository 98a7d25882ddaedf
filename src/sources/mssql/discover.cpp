#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_map>

#include "core/log.hpp"
#include "sources/load_plan.hpp"
#include "sources/mssql/parts.hpp"
#include "sources/unchanged.hpp"
#include "sql/dialect.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr auto kDiscoverLimit = std::chrono::minutes{2};

// Without external tables: they are remote, and a transaction here is none over there.
constexpr const char* kRelations =
    "SELECT o.object_id, s.name AS schema_name, o.name AS object_name, o.type, p.row_estimate"
    " FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
    " LEFT JOIN (SELECT object_id, SUM(rows) AS row_estimate FROM sys.partitions WHERE index_id IN (0, 1)"
    " GROUP BY object_id) AS p ON p.object_id = o.object_id"
    " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0"
    " AND NOT EXISTS (SELECT 1 FROM sys.external_tables AS e WHERE e.object_id = o.object_id)";

// What the user may read. A type's base is the one whose own number is its system_type_id; CLR types have none.
constexpr const char* kColumns =
    "SELECT c.object_id, c.column_id, c.name, COALESCE(b.name, u.name) AS type_name, c.max_length, c.precision, "
    "c.scale,"
    " c.is_nullable, d.definition, c.is_computed, k.definition, c.is_column_set"
    " FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id"
    " JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
    " LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id"
    " LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id"
    " LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id"
    " LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id"
    " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND c.is_hidden = 0"
    " AND HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'SELECT', c.name, "
    "N'COLUMN') = 1"
    " ORDER BY c.object_id, c.column_id";

// A definition is there for a login with VIEW DEFINITION only, and not where it is encrypted; when a view was last altered,
// everyone may see.
constexpr const char* kViews =
    "SELECT o.object_id, m.definition, m.uses_quoted_identifier, CONVERT(nvarchar(40), o.modify_date, 126) AS modified"
    " FROM sys.objects AS o LEFT JOIN sys.sql_modules AS m ON m.object_id = o.object_id"
    " WHERE o.type = 'V' AND o.is_ms_shipped = 0";

constexpr const char* kHistory =
    "SELECT t.object_id, t.history_table_id FROM sys.tables AS t WHERE t.history_table_id IS NOT NULL";

constexpr const char* kKeys =
    "SELECT i.object_id, i.index_id, i.is_primary_key, ic.column_id"
    " FROM sys.indexes AS i JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id"
    " WHERE i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0 AND ic.is_included_column = 0"
    " ORDER BY i.object_id, i.index_id, ic.key_ordinal";

constexpr const char* kReferences =
    "SELECT constraint_object_id, parent_object_id, parent_column_id, referenced_object_id, referenced_column_id"
    " FROM sys.foreign_key_columns ORDER BY parent_object_id, constraint_object_id, constraint_column_id";

// A collation that ignores case may still tell "I" from "i" (Turkish) or "cS" from "Cs" (Hungarian, for which only the
// latter is one letter): each pair of letters is looked at. Names are compared by the catalogue's collation, which in a
// contained database is not that of the rest.
constexpr const char* kToldApart =
    "WITH letter AS (SELECT k.[small], k.[large] FROM (VALUES (N'a', N'A'), (N'b', N'B'), (N'c', N'C'), (N'd', N'D'), "
    "(N'e', N'E'), (N'f', N'F'), (N'g', N'G'), (N'h', N'H'), (N'i', N'I'), (N'j', N'J'), (N'k', N'K'), (N'l', N'L'), "
    "(N'm', N'M'), (N'n', N'N'), (N'o', N'O'), (N'p', N'P'), (N'q', N'Q'), (N'r', N'R'), (N's', N'S'), (N't', N'T'), "
    "(N'u', N'U'), (N'v', N'V'), (N'w', N'W'), (N'x', N'X'), (N'y', N'Y'), (N'z', N'Z')) AS k ([small], [large])), "
    "pair AS (SELECT CONCAT(x.[small], y.[small]) AS small, CONCAT(x.[small], y.[large]) AS rising, "
    "CONCAT(x.[large], y.[small]) AS falling, CONCAT(x.[large], y.[large]) AS large FROM letter AS x CROSS JOIN letter AS y) "
    "SELECT COUNT(*) AS told_apart FROM pair WHERE small COLLATE DATABASE_DEFAULT <> rising "
    "OR small COLLATE DATABASE_DEFAULT <> falling OR small COLLATE DATABASE_DEFAULT <> large "
    "OR small COLLATE CATALOG_DEFAULT <> rising OR small COLLATE CATALOG_DEFAULT <> falling "
    "OR small COLLATE CATALOG_DEFAULT <> large";

struct Found {
  data::TableInfo info;
  std::map<std::int64_t, std::string> names;  // by column_id, of the columns the user may read
};
using Tables = std::unordered_map<std::int64_t, Found>;

// Bare in the default schema; a dot in a name of its own would read as a schema.
std::optional<std::string> qualified(const std::string& schema, const std::string& table) {
  if (schema.find('.') != schema.npos) return std::nullopt;
  return schema == "dbo" && table.find('.') == table.npos ? table : schema + "." + table;
}

Result<Tables> read_relations(Connection& db) {
  VMC_TRY(rows, db.run(kRelations));
  Tables tables;
  for (const auto& row : rows) {
    const auto schema = text_of(row, 1), name = text_of(row, 2);
    if (is_own_table(name)) continue;
    const auto full = qualified(schema, name);
    if (!full) {
      log::warn("mssql", "a table was left out: its schema's name has a dot", {{"schema", schema}});
      continue;
    }
    auto& info = tables[number_of(row, 0)].info;
    info.name = *full;
    info.view = text_of(row, 3).starts_with('V');
    if (row[4] && !info.view) info.row_estimate = number_of(row, 4);
  }
  return tables;
}

// `computed`: their expressions, of which one that is not shown is empty.
Result<void> read_columns(Connection& db, Tables& tables, sql::Computed& computed) {
  VMC_TRY(rows, db.run(kColumns));
  for (const auto& row : rows) {
    const auto table = tables.find(number_of(row, 0));
    if (table == tables.end()) continue;
    const CatalogueType type{text_of(row, 3), static_cast<int>(number_of(row, 4)), static_cast<int>(number_of(row, 5)),
                             static_cast<int>(number_of(row, 6))};
    data::ColumnInfo column;
    column.name = text_of(row, 2);
    column.sql_type = declared_name(type);
    // What has no one form is shown as text; reading it is refused with the reason.
    column.type = type_of(type).value_or(data::Type{data::Kind::text});
    column.nullable = number_of(row, 7) != 0;
    if (row[8]) column.default_value = *row[8];
    auto& info = table->second.info;
    if (number_of(row, 9) != 0) computed[info.name][column.name] = text_of(row, 10);
    if (number_of(row, 11) != 0) column.reads[info.name] = {"*"};  // shows all sparse columns as one
    table->second.names[number_of(row, 1)] = column.name;
    info.columns.push_back(std::move(column));
  }
  return {};
}

// Their queries, by name.
Result<std::map<std::string, std::string>> read_views(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kViews));
  std::map<std::string, std::string> queries;
  for (const auto& row : rows) {
    const auto view = tables.find(number_of(row, 0));
    if (view == tables.end() || !view->second.info.view) continue;
    auto& info = view->second.info;
    info.definition = print_of_view(row[1], text_of(row, 3));
    if (!row[1]) continue;
    if (auto query = sql::mssql_view_query(*row[1], number_of(row, 2) != 0)) queries[info.name] = *query;
  }
  return queries;
}

// FOR SYSTEM_TIME reads both as one.
Result<void> read_history(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kHistory));
  for (const auto& row : rows) {
    const auto table = tables.find(number_of(row, 0)), history = tables.find(number_of(row, 1));
    if (table != tables.end() && history != tables.end())
      data::add_same_rows(table->second.info, history->second.info);
  }
  return {};
}

// Columns of one key, in order; `whole` ends when the user may not read one of them.
struct Key {
  std::vector<std::string> columns;
  bool whole = true;
  void add(const Found& table, std::int64_t number) {
    const auto name = table.names.find(number);
    whole = whole && name != table.names.end();
    if (whole) columns.push_back(name->second);
  }
};

Result<void> read_keys(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kKeys));
  for (std::size_t at = 0; at < rows.size();) {
    const auto table = tables.find(number_of(rows[at], 0));
    const auto index = std::pair{number_of(rows[at], 0), number_of(rows[at], 1)};
    const bool primary = number_of(rows[at], 2) != 0;
    Key key;
    for (; at < rows.size() && std::pair{number_of(rows[at], 0), number_of(rows[at], 1)} == index; ++at)
      if (table != tables.end()) key.add(table->second, number_of(rows[at], 3));
    if (table == tables.end() || !key.whole) continue;
    auto& info = table->second.info;
    if (primary)
      info.primary_key = std::move(key.columns);
    else
      info.unique_keys.push_back(std::move(key.columns));
  }
  for (auto& [id, table] : tables) {
    auto& keys = table.info.unique_keys;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::erase(keys, table.info.primary_key);
  }
  return {};
}

Result<void> read_references(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kReferences));
  for (std::size_t at = 0; at < rows.size();) {
    const auto constraint = number_of(rows[at], 0);
    const auto from = tables.find(number_of(rows[at], 1)), to = tables.find(number_of(rows[at], 3));
    const bool known = from != tables.end() && to != tables.end();
    Key key, other;
    for (; at < rows.size() && number_of(rows[at], 0) == constraint; ++at) {
      if (!known) continue;
      key.add(from->second, number_of(rows[at], 2));
      other.add(to->second, number_of(rows[at], 4));
    }
    if (known && key.whole && other.whole)
      from->second.info.foreign_keys.push_back(
          {std::move(key.columns), to->second.info.name, std::move(other.columns)});
  }
  return {};
}

}  // namespace

std::string text_of(const Cells& cells, std::size_t column) { return cells[column].value_or(""); }
std::int64_t number_of(const Cells& cells, std::size_t column) {
  return std::strtoll(cells[column].value_or("0").c_str(), nullptr, 10);
}

std::string print_of_view(const std::optional<std::string>& definition, const std::string& modified) {
  return print_of(definition ? *definition : "modified " + modified);
}

Result<void> check_unchanged(Connection& db, const data::TableInfo& table) {
  VMC_TRY(quoted, sql::quote_table(sql::Dialect::mssql, table.name));
  Params params;
  params.text(quoted);
  VMC_TRY(rows, db.run("SELECT o.type, m.definition, CONVERT(nvarchar(40), o.modify_date, 126) AS modified"
                       " FROM sys.objects AS o LEFT JOIN sys.sql_modules AS m ON m.object_id = o.object_id"
                       " WHERE o.object_id = OBJECT_ID(@p1)",
                       params));
  if (rows.empty()) return check_relation(table, std::nullopt);
  const auto& row = rows.front();
  if (text_of(row, 0).starts_with('U')) return check_relation(table, LiveRelation{});
  return check_relation(table, LiveRelation{false, print_of_view(row[1], text_of(row, 2))});
}

Result<bool> ignores_case(Connection& db) {
  VMC_TRY(rows, db.run(kToldApart));
  return rows.size() == 1 && rows[0][0] == "0";
}

Result<data::Schema> discover(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kDiscoverLimit, Transaction::Over::catalogue));
  VMC_TRY(tables, read_relations(db));
  sql::Computed computed;
  VMC_CHECK(read_columns(db, tables, computed));
  VMC_TRY(views, read_views(db, tables));
  VMC_CHECK(read_history(db, tables));
  VMC_CHECK(read_keys(db, tables));
  VMC_CHECK(read_references(db, tables));
  data::Schema schema;
  VMC_TRY(ignores, ignores_case(db));
  schema.ignores_case = ignores;
  for (auto& [id, table] : tables)
    if (!table.info.columns.empty()) schema.tables.push_back(std::move(table.info));
  std::sort(schema.tables.begin(), schema.tables.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  VMC_CHECK(sql::fill_reads(sql::Dialect::mssql, schema, views));
  VMC_CHECK(sql::fill_computed(sql::Dialect::mssql, schema, computed));
  return schema;
}

}  // namespace vmc::sources::mssql
