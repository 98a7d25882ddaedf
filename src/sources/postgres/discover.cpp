#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/log.hpp"
#include "sources/load_plan.hpp"
#include "sources/postgres/parts.hpp"
#include "sources/unchanged.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr auto kDiscoverLimit = std::chrono::minutes{2};

// What the user may read, without the server's own schemas. Foreign tables are left out: they are remote, and
// a read-only transaction here is none over there.
constexpr const char* kRelations =
    "SELECT c.oid::pg_catalog.int8, n.nspname, c.relname, c.relkind IN ('v', 'm'), "
    "c.reltuples::pg_catalog.int8"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
    " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    " AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')";

constexpr const char* kColumns =
    "WITH RECURSIVE rel AS (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
    "= c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', "
    "'information_schema')"
    " AND n.nspname NOT LIKE 'pg\\_%'), base AS ("
    " SELECT t.oid, t.oid AS typ, -1 AS mod, t.typnotnull AS required FROM pg_catalog.pg_type t WHERE "
    "t.typtype = 'd'"
    " UNION ALL SELECT b.oid, t.typbasetype, t.typtypmod, b.required OR t.typnotnull"
    " FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype = 'd'),"
    " domains AS (SELECT b.* FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype <> 'd')"
    " SELECT a.attrelid::pg_catalog.int8, a.attnum, a.attname,"
    " coalesce(d.typ, a.atttypid)::pg_catalog.int8, coalesce(d.mod, a.atttypmod),"
    " pg_catalog.format_type(coalesce(d.typ, a.atttypid), coalesce(d.mod, a.atttypmod)),"
    " a.attnotnull OR coalesce(d.required, false), pg_catalog.pg_get_expr(def.adbin, def.adrelid)"
    " FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid"
    " LEFT JOIN domains d ON d.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef def ON def.adrelid = a.attrelid AND def.adnum = a.attnum"
    " WHERE a.attnum > 0 AND NOT a.attisdropped"
    " AND (pg_catalog.has_table_privilege(a.attrelid, 'SELECT') OR "
    "pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'))"
    " ORDER BY a.attrelid, a.attnum";

// Before version 12 there are none.
constexpr const char* kGenerated =
    "SELECT a.attrelid::pg_catalog.int8, a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid)"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attgenerated <> ''";
constexpr int kGeneratedSince = 120'000;

constexpr const char* kInheritance =
    "SELECT inhparent::pg_catalog.int8, inhrelid::pg_catalog.int8 FROM pg_catalog.pg_inherits";

constexpr const char* kEnums =
    "SELECT enumtypid::pg_catalog.int8, enumlabel FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder";

constexpr const char* kKeys =
    "SELECT i.indrelid::pg_catalog.int8, i.indisprimary,"
    " pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' ')"
    " FROM pg_catalog.pg_index i WHERE i.indisunique AND i.indisvalid AND i.indimmediate"
    " AND i.indpred IS NULL AND i.indexprs IS NULL";

constexpr const char* kReferences =
    "SELECT conrelid::pg_catalog.int8, confrelid::pg_catalog.int8, pg_catalog.array_to_string(conkey, ' '),"
    " pg_catalog.array_to_string(confkey, ' ') FROM pg_catalog.pg_constraint"
    " WHERE contype = 'f' AND conparentid = 0 ORDER BY conrelid, conname";

constexpr const char* kViews =
    "SELECT c.oid::pg_catalog.int8, pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'";

struct Found {
  data::TableInfo info;
  std::map<int, std::string> names;  // by attribute number, of the columns the user may read
};
using Tables = std::unordered_map<std::int64_t, Found>;

// Bare in the default schema; a dot in a name of its own would read as a schema.
std::optional<std::string> qualified(const std::string& schema, const std::string& table) {
  if (schema.find('.') != schema.npos) return std::nullopt;
  return schema == "public" && table.find('.') == table.npos ? table : schema + "." + table;
}

// "2 5" -> the names of these attributes; nothing when one of them is not to be read.
std::vector<std::string> named(const Found& table, const std::string& numbers) {
  std::vector<std::string> out;
  const char* at = numbers.c_str();
  while (*at) {
    char* end = nullptr;
    const auto number = std::strtol(at, &end, 10);
    if (end == at) return {};
    const auto name = table.names.find(static_cast<int>(number));
    if (name == table.names.end()) return {};
    out.push_back(name->second);
    at = end;
    while (*at == ' ') ++at;
  }
  return out;
}

Result<Tables> read_relations(Connection& db) {
  VMC_TRY(rows, db.run(kRelations));
  Tables tables;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto schema = cell(rows, row, 1), name = cell(rows, row, 2);
    if (is_own_table(name)) continue;
    const auto full = qualified(schema, name);
    if (!full) {
      log::warn("postgres", "a table was left out: its schema's name has a dot", {{"schema", schema}});
      continue;
    }
    auto& info = tables[cell_number(rows, row, 0)].info;
    info.name = *full;
    info.view = cell_true(rows, row, 3);
    if (const auto estimate = cell_number(rows, row, 4); estimate >= 0 && !info.view)
      info.row_estimate = estimate;
  }
  return tables;
}

Result<std::unordered_map<std::int64_t, std::vector<std::string>>> read_enums(Connection& db) {
  VMC_TRY(rows, db.run(kEnums));
  std::unordered_map<std::int64_t, std::vector<std::string>> enums;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    enums[cell_number(rows, row, 0)].push_back(cell(rows, row, 1));
  return enums;
}

Result<void> read_columns(Connection& db, Tables& tables) {
  VMC_TRY(enums, read_enums(db));
  VMC_TRY(rows, db.run(kColumns));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto table = tables.find(cell_number(rows, row, 0));
    if (table == tables.end()) continue;
    data::ColumnInfo column;
    column.name = cell(rows, row, 2);
    column.type =
        type_of(static_cast<Oid>(cell_number(rows, row, 3)), static_cast<int>(cell_number(rows, row, 4)));
    column.sql_type = cell(rows, row, 5);
    column.nullable = !cell_true(rows, row, 6);
    if (!PQgetisnull(rows.get(), row, 7)) column.default_value = cell(rows, row, 7);
    if (const auto values = enums.find(cell_number(rows, row, 3)); values != enums.end())
      column.enum_values = values->second;
    table->second.names[static_cast<int>(cell_number(rows, row, 1))] = column.name;
    table->second.info.columns.push_back(std::move(column));
  }
  return {};
}

// A generated column's expression is no default.
Result<sql::Computed> read_generated(Connection& db, Tables& tables) {
  sql::Computed computed;
  if (db.version() < kGeneratedSince) return computed;
  VMC_TRY(rows, db.run(kGenerated));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto table = tables.find(cell_number(rows, row, 0));
    if (table == tables.end()) continue;
    auto& info = table->second.info;
    computed[info.name][cell(rows, row, 1)] = cell(rows, row, 2);
    for (auto& column : info.columns)
      if (column.name == cell(rows, row, 1)) column.default_value.reset();
  }
  return computed;
}

// A parent shows its children's rows.
Result<void> read_inheritance(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kInheritance));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto parent = tables.find(cell_number(rows, row, 0)), child = tables.find(cell_number(rows, row, 1));
    if (parent != tables.end() && child != tables.end()) data::add_same_rows(parent->second.info, child->second.info);
  }
  return {};
}

Result<void> read_keys(Connection& db, Tables& tables) {
  VMC_TRY(rows, db.run(kKeys));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto table = tables.find(cell_number(rows, row, 0));
    if (table == tables.end()) continue;
    auto columns = named(table->second, cell(rows, row, 2));
    if (columns.empty()) continue;
    auto& info = table->second.info;
    if (cell_true(rows, row, 1))
      info.primary_key = std::move(columns);
    else
      info.unique_keys.push_back(std::move(columns));
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
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto from = tables.find(cell_number(rows, row, 0)), to = tables.find(cell_number(rows, row, 1));
    if (from == tables.end() || to == tables.end()) continue;
    data::ForeignKey key{named(from->second, cell(rows, row, 2)), to->second.info.name,
                         named(to->second, cell(rows, row, 3))};
    if (!key.columns.empty() && key.columns.size() == key.referenced.size())
      from->second.info.foreign_keys.push_back(std::move(key));
  }
  return {};
}

// Names in a definition are qualified unless they are the system's, as the session's search path has nothing else.
Result<void> read_views(Connection& db, const std::map<std::int64_t, std::string>& names, data::Schema& schema) {
  VMC_TRY(rows, db.run(kViews));
  std::map<std::string, std::string> definitions;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    if (const auto name = names.find(cell_number(rows, row, 0)); name != names.end())
      definitions[name->second] = cell(rows, row, 1);
  set_prints(schema, definitions);
  return sql::fill_reads(sql::Dialect::postgres, schema, definitions);
}

}  // namespace

Result<data::Schema> discover(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kDiscoverLimit));
  VMC_TRY(tables, read_relations(db));
  VMC_CHECK(read_columns(db, tables));
  VMC_TRY(computed, read_generated(db, tables));
  VMC_CHECK(read_inheritance(db, tables));
  VMC_CHECK(read_keys(db, tables));
  VMC_CHECK(read_references(db, tables));
  VMC_TRY(database, db.run("SELECT pg_catalog.current_database()"));
  data::Schema schema;
  schema.database = cell(database, 0, 0);
  std::map<std::int64_t, std::string> views;
  for (auto& [id, table] : tables) {
    if (table.info.columns.empty()) continue;
    if (table.info.view) views[id] = table.info.name;
    schema.tables.push_back(std::move(table.info));
  }
  std::sort(schema.tables.begin(), schema.tables.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!views.empty()) VMC_CHECK(read_views(db, views, schema));
  VMC_CHECK(sql::fill_computed(sql::Dialect::postgres, schema, computed));
  return schema;
}

}  // namespace vmc::sources::postgres
