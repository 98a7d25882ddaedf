#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "sources/postgres/parts.hpp"
#include "sources/unchanged.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::postgres {

std::string cell(const PgResult& result, int row, int column) {
  return {PQgetvalue(result.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result.get(), row, column))};
}
std::int64_t cell_number(const PgResult& result, int row, int column) {
  return std::strtoll(PQgetvalue(result.get(), row, column), nullptr, 10);
}
bool cell_true(const PgResult& result, int row, int column) {
  return *PQgetvalue(result.get(), row, column) == 't';
}

Result<std::vector<TargetColumn>> catalogue_columns(Connection& db, const std::string& table,
                                                    const std::vector<std::string>& names) {
  VMC_TRY(quoted, sql::quote_table(sql::Dialect::postgres, table));
  Params params;
  params.text(quoted, oid::text);
  VMC_TRY(rows, db.run("WITH RECURSIVE c AS ("
                       " SELECT a.attname, a.atttypid AS shown, a.atttypmod AS shown_mod, a.atttypid AS typ, "
                       "a.atttypmod AS mod"
                       " FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND "
                       "a.attnum > 0 AND NOT a.attisdropped"
                       " UNION ALL"
                       " SELECT c.attname, c.shown, c.shown_mod, t.typbasetype, t.typtypmod"
                       " FROM c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype = 'd')"
                       " SELECT c.attname, c.typ::pg_catalog.int8, c.mod, pg_catalog.format_type(c.shown, "
                       "c.shown_mod), t.typarray::pg_catalog.int8, pg_catalog.format_type(c.typ, -1), "
                       "pg_catalog.bool_and(t.typreceive <> 0) OVER ()"
                       " FROM c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype <> 'd'",
                       params));
  std::vector<TargetColumn> out;
  for (const auto& name : names) {
    int row = 0;
    while (row < PQntuples(rows.get()) && name != PQgetvalue(rows.get(), row, 0)) ++row;
    if (row == PQntuples(rows.get()))
      return fail(Code::not_found, "table '" + table + "' or its column '" + name + "' is no longer there",
                  "Discover the schema again.");
    TargetColumn column;
    column.name = name;
    column.type = static_cast<Oid>(cell_number(rows, row, 1));
    column.modifier = static_cast<int>(cell_number(rows, row, 2));
    column.type_name = cell(rows, row, 3);
    column.array_type = static_cast<Oid>(cell_number(rows, row, 4));
    column.boundless_name = cell(rows, row, 5);
    column.table_takes_binary = cell_true(rows, row, 6);
    out.push_back(std::move(column));
  }
  return out;
}

// A definition is written out for the search path of discovery: with only the catalogue's own names unqualified.
Result<void> check_unchanged(Connection& db, const std::vector<const data::TableInfo*>& reached) {
  if (reached.empty()) return {};
  std::string names = "{";
  for (const auto* table : reached) {
    VMC_TRY(quoted, sql::quote_table(sql::Dialect::postgres, table->name));
    names += names.size() == 1 ? "\"" : ",\"";
    for (char c : quoted) {
      if (c == '"' || c == '\\') names += '\\';
      names += c;
    }
    names += '"';
  }
  Params params;
  params.text(names + "}");
  VMC_TRY(rows, db.run("SELECT t.place, c.relkind IN ('r', 'p'), CASE WHEN c.relkind IN ('v', 'm') AND "
                       "pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true) IS NOT NULL"
                       " THEN pg_catalog.pg_get_viewdef(c.oid) END"
                       " FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS t (name, place)"
                       " JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(t.name)",
                       params));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto place = static_cast<std::size_t>(cell_number(rows, row, 0)) - 1;
    VMC_CHECK(check_relation(*reached.at(place), LiveRelation{cell_true(rows, row, 1), print_of(cell(rows, row, 2))}));
  }
  return {};
}

// They are looked for in "public". What an extension brings there is what people mean by its types.
Result<void> check_calls(Connection& db, const data::Calls& calls, const std::vector<std::string>& functions) {
  if (calls.empty()) return {};
  std::string names, counts;
  for (const auto& [name, arguments] : calls) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", name);
    counts += fmt::format("{}{}", counts.empty() ? "" : " ", arguments);
  }
  Params params;
  params.text(names, oid::text).text(counts, oid::text).text(fmt::format("{}", fmt::join(functions, "\n")), oid::text);
  VMC_TRY(rows, db.run("WITH called AS (SELECT c.name, c.arguments, n.oid AS public FROM unnest(string_to_array($1, ' ')::name[], "
                       "string_to_array($2, ' ')::int[]) AS c (name, arguments), pg_namespace n WHERE n.nspname = 'public'), "
                       "theirs AS (SELECT c.name, true AS is_function, p.oid AS function, 'pg_proc'::regclass AS kind, p.oid "
                       "FROM called c JOIN pg_proc p ON p.proname = c.name AND p.pronamespace = c.public WHERE c.arguments < 0 "
                       "OR p.provariadic <> 0 OR c.arguments BETWEEN p.pronargs - p.pronargdefaults AND p.pronargs "
                       "UNION ALL SELECT c.name, false, o.oprcode, 'pg_operator'::regclass, o.oid "
                       "FROM called c JOIN pg_operator o ON o.oprname = c.name AND o.oprnamespace = c.public) "
                       "SELECT t.name, f.oid::regprocedure, t.is_function AND EXISTS (SELECT FROM pg_proc b WHERE b.proname = t.name "
                       "AND b.pronamespace = 'pg_catalog'::regnamespace) FROM theirs t JOIN pg_proc f ON f.oid = t.function "
                       "WHERE f.pronamespace <> 'pg_catalog'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d "
                       "WHERE d.classid = t.kind AND d.objid = t.oid AND d.deptype = 'e') "
                       "AND f.proname::text <> ALL (string_to_array($3, chr(10))) "
                       "AND f.pronamespace::regnamespace::text || '.' || f.proname <> ALL (string_to_array($3, chr(10))) "
                       "ORDER BY 1, 2 LIMIT 1",
                       params));
  if (PQntuples(rows.get()) == 0) return {};
  const auto name = cell(rows, 0, 0);
  std::string hint = "Have its owner allow it: functions = [...] of the connection, on the agent.";
  if (cell_true(rows, 0, 2)) hint = fmt::format("Write pg_catalog.{} for the server's own, or have the owner allow theirs: "
                                                "functions = [...] of the connection, on the agent.",
                                                name);
  return fail(Code::write_operation_rejected,
              fmt::format("'{}' may mean a function of the customer's own here, {}, which is not known to be harmless", name,
                          cell(rows, 0, 1)),
              std::move(hint));
}

}  // namespace vmc::sources::postgres
