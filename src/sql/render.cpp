#include <algorithm>
#include <set>

#include "sql/column_sql.hpp"
#include "sql/dialect.hpp"
#include "sql/mssql_sql.hpp"
#include "sql/odbc_sql.hpp"

namespace vmc::sql {
namespace {

using data::ColumnInfo;
using data::Filter;
using data::Intent;
using data::KeyRange;
using data::TableInfo;
using data::Value;

Error malformed(std::string message) { return fail(Code::command_malformed, std::move(message)); }

// One statement in the making: its parameters and the columns it may name.
class Writer {
 public:
  Writer(Target dialect, const TableInfo& table) : dialect_{dialect}, table_{table} {}

  Result<const ColumnInfo*> known(std::string_view name) const {
    if (const auto* column = table_.column(name)) return column;
    return fail(Code::schema_access_denied, "column '" + std::string{name} + "' of table '" + table_.name +
                                                "' is not in the approved schema");
  }

  Result<std::string> projection(const std::vector<std::string>& names) const {
    if (names.empty()) return malformed("no columns are named");
    std::set<std::string_view> seen;
    std::string out;
    for (const auto& name : names) {
      if (!seen.insert(name).second) return malformed("column '" + name + "' is named twice");
      VMC_TRY(column, known(name));
      VMC_TRY(quoted, quote(dialect_, name));
      out += (out.empty() ? "" : ", ") + projected(dialect_, *column, quoted);
    }
    return out;
  }

  // "… WHERE …" of the intent's filter and ranges; empty when there is nothing to restrict.
  Result<std::string> where(const Intent& intent, std::string extra = "") {
    std::vector<std::string> terms;
    if (intent.filter) {
      VMC_TRY(term, filter(*intent.filter, 1));
      terms.push_back(std::move(term));
    }
    for (const auto& range : intent.ranges) VMC_CHECK(key_range(range, terms));
    if (!extra.empty()) terms.push_back(std::move(extra));
    const auto most = dialect_ == Dialect::mssql ? mssql::kParamsMax : kParamsMax;
    if (params_.size() > most) return malformed("more values than one statement can take");
    std::string out;
    for (const auto& term : terms) out += (out.empty() ? " WHERE " : " AND ") + term;
    return out;
  }

  Result<std::string> order(const std::vector<data::Order>& orders) const {
    std::string out;
    for (const auto& [name, descending] : orders) {
      VMC_TRY(column, known(name));
      VMC_TRY(quoted, quote(dialect_, name));
      out += (out.empty() ? "" : ", ") + compared(dialect_, *column, quoted) + (descending ? " DESC" : "");
    }
    return out;
  }

  std::string integer(std::int64_t value) {
    params_.emplace_back(value);
    const auto n = std::to_string(params_.size());
    if (dialect_ == Dialect::mysql) return "?";
    if (dialect_ == Dialect::mssql) return "@p" + n;
    return dialect_ == Dialect::postgres ? "$" + n + "::pg_catalog.int8" : "?" + n;
  }

  std::vector<Value> take_params() { return std::move(params_); }

 private:
  Result<std::string> value(const Value& from, const ColumnInfo& column) {
    VMC_TRY(fitted, fit(dialect_, from, column));
    params_.push_back(std::move(fitted));
    return placeholder(dialect_, column, params_.size(), params_.back());
  }

  Result<std::string> filter(const Filter& node, std::size_t depth) {
    if (depth > data::kFilterDepthMax) return malformed("the filter is nested too deep");
    if (++nodes_ > data::kFilterNodesMax) return malformed("the filter has too many parts");
    switch (node.op) {
      case Filter::Op::all:
        return joined(node, " AND ", "1=1", depth);
      case Filter::Op::any:
        return joined(node, " OR ", "1=0", depth);
      case Filter::Op::negate: {
        if (node.children.size() != 1) return malformed("a negation takes exactly one part");
        VMC_TRY(child, filter(node.children.front(), depth + 1));
        return "(NOT " + child + ")";
      }
      default:
        return leaf(node);
    }
  }

  Result<std::string> joined(const Filter& node, const char* by, const char* none, std::size_t depth) {
    std::string out;
    for (const auto& child : node.children) {
      VMC_TRY(part, filter(child, depth + 1));
      out += (out.empty() ? "" : by) + part;
    }
    return "(" + (out.empty() ? none : out) + ")";
  }

  Result<std::string> leaf(const Filter& node) {
    VMC_TRY(column, known(node.column));
    VMC_TRY(quoted, quote(dialect_, node.column));
    const auto subject = compared(dialect_, *column, quoted);
    const auto values = node.values.size();
    switch (node.op) {
      case Filter::Op::is_null:
      case Filter::Op::is_not_null:
        if (values != 0) return malformed("is_null takes no value");
        return "(" + quoted + (node.op == Filter::Op::is_null ? " IS NULL)" : " IS NOT NULL)");
      case Filter::Op::in:
        return list(node, *column, subject);
      case Filter::Op::like: {
        if (values != 1 || !std::holds_alternative<std::string>(node.values[0]) ||
            column->type.kind != data::Kind::text)
          return malformed("like takes one text and a text column");
        params_.push_back(like_pattern(dialect_, std::get<std::string>(node.values[0])));
        return "(" + like(dialect_, *column, quoted, params_.size()) + ")";
      }
      default:
        break;
    }
    if (values != 1) return malformed("a comparison takes exactly one value");
    VMC_TRY(parameter, value(node.values[0], *column));
    return "(" + subject + comparison(node.op) + parameter + ")";
  }

  Result<std::string> list(const Filter& node, const ColumnInfo& column, const std::string& subject) {
    std::string out;
    for (const auto& one : node.values) {
      VMC_TRY(parameter, value(one, column));
      out += (out.empty() ? "" : ", ") + parameter;
    }
    return out.empty() ? std::string{"(1=0)"} : "(" + subject + " IN (" + out + "))";
  }

  static const char* comparison(Filter::Op op) {
    switch (op) {
      case Filter::Op::eq:
        return " = ";
      case Filter::Op::ne:
        return " <> ";
      case Filter::Op::lt:
        return " < ";
      case Filter::Op::le:
        return " <= ";
      case Filter::Op::gt:
        return " > ";
      default:
        return " >= ";
    }
  }

  Result<void> key_range(const KeyRange& range, std::vector<std::string>& terms) {
    VMC_CHECK(bound(range, range.after, " > ", terms));
    return bound(range, range.up_to, " <= ", terms);
  }

  Result<void> bound(const KeyRange& range, const std::vector<Value>& key, const char* op,
                     std::vector<std::string>& terms) {
    if (key.empty()) return {};
    if (key.size() != range.columns.size())
      return malformed("a key range has not one value for each of its columns");
    if ((dialect_ == Dialect::mysql || dialect_.odbc()) && key.size() > 1) {
      VMC_TRY(term, unrolled(range, key, op, 0));
      VMC_TRY(edge, one_bound(range, key, 0, op[1] == '>' ? " >= " : " <= "));
      terms.push_back("(" + term + " AND " + edge + ")");
      return {};
    }
    std::string left, right;
    std::vector<std::string> columns, values;
    for (std::size_t i = 0; i < key.size(); ++i) {
      VMC_TRY(column, known(range.columns[i]));
      VMC_TRY(quoted, quote(dialect_, range.columns[i]));
      VMC_TRY(parameter, value(key[i], *column));
      columns.push_back(compared(dialect_, *column, quoted));
      left += (i ? ", " : "") + columns.back();
      right += (i ? ", " : "") + parameter;
      values.push_back(std::move(parameter));
    }
    if (dialect_ == Dialect::mssql) {
      terms.push_back(mssql::tuple_bound(columns, values, op));
      return {};
    }
    terms.push_back(key.size() == 1 ? "(" + left + op + right + ")"
                                    : "((" + left + ")" + op + "(" + right + "))");
    return {};
  }

  Result<std::string> one_bound(const KeyRange& range, const std::vector<Value>& key, std::size_t i,
                                const std::string& op) {
    VMC_TRY(column, known(range.columns[i]));
    VMC_TRY(quoted, quote(dialect_, range.columns[i]));
    VMC_TRY(parameter, value(key[i], *column));
    return compared(dialect_, *column, quoted) + op + parameter;
  }

  // A tuple's comparison column by column, and with its edge once more: MySQL finds no index for a tuple, and not
  // every server behind ODBC has one.
  Result<std::string> unrolled(const KeyRange& range, const std::vector<Value>& key, const std::string& op,
                               std::size_t i) {
    if (i + 1 == key.size()) return one_bound(range, key, i, op);
    VMC_TRY(beyond, one_bound(range, key, i, op.substr(0, 2) + " "));
    VMC_TRY(equal, one_bound(range, key, i, " = "));
    VMC_TRY(rest, unrolled(range, key, op, i + 1));
    return "(" + beyond + " OR (" + equal + " AND " + rest + "))";
  }

  Target dialect_;
  const TableInfo& table_;
  std::vector<Value> params_;
  std::size_t nodes_ = 0;
};

std::vector<data::Order> ascending(const std::vector<std::string>& key) {
  std::vector<data::Order> out;
  for (const auto& column : key) out.push_back({column, false});
  return out;
}

Result<void> check_table(const Intent& intent, const TableInfo& table) {
  if (intent.table == table.name) return {};
  return fail(Code::schema_access_denied, "table '" + intent.table + "' is not in the approved schema");
}

}  // namespace

Result<std::string> select_list(Target dialect, const std::vector<std::string>& columns,
                                const TableInfo& table) {
  return Writer{dialect, table}.projection(columns);
}

Result<Statement> render(Target dialect, const Intent& intent, const TableInfo& table) {
  VMC_CHECK(check_table(intent, table));
  Writer writer{dialect, table};
  VMC_TRY(columns, writer.projection(intent.columns));
  VMC_TRY(from, quote_table(dialect, table.name));
  VMC_TRY(where, writer.where(intent));
  VMC_TRY(order, writer.order(intent.order));
  if (intent.limit && *intent.limit < 0) return malformed("the limit is negative");
  if (dialect.odbc()) {
    const auto limit = odbc::limited(*dialect.odbc(), intent.limit);
    return Statement{"SELECT " + limit.before + columns + " FROM " + from + where +
                         (order.empty() ? "" : " ORDER BY " + order) + limit.after,
                     writer.take_params()};
  }
  const bool top = dialect == Dialect::mssql && intent.limit;
  std::string text = "SELECT " + (top ? "TOP (" + writer.integer(*intent.limit) + ") " : "") + columns +
                     " FROM " + from + where;
  if (!order.empty()) text += " ORDER BY " + order;
  if (intent.limit && !top) text += " LIMIT " + writer.integer(*intent.limit);
  return Statement{std::move(text), writer.take_params()};
}

Result<Statement> render_split(Target dialect, const Intent& intent, const TableInfo& table,
                               const std::vector<std::string>& key, std::int64_t rows_per_part) {
  VMC_CHECK(check_table(intent, table));
  if (intent.limit) return malformed("an intent with a limit cannot be read in parts");
  if (rows_per_part < 1) return malformed("a part must have at least one row");
  Writer writer{dialect, table};
  VMC_TRY(keys, writer.projection(key));
  VMC_TRY(from, quote_table(dialect, table.name));
  VMC_TRY(where, writer.where(intent));
  VMC_TRY(order, writer.order(ascending(key)));
  if (dialect == Dialect::mysql || dialect.odbc())
    return Statement{"SELECT " + keys + " FROM " + from + where + " ORDER BY " + order, writer.take_params()};
  std::string raw;
  for (const auto& name : key) {
    VMC_TRY(quoted, quote(dialect, name));
    raw += quoted + ", ";
  }
  // lead() marks the last row without counting all of them first, so that an index in key order just streams.
  if (dialect == Dialect::mssql) {
    const std::string over = " OVER (ORDER BY " + order + ") AS ";
    std::string text = "SELECT " + keys + " FROM (SELECT " + raw + "ROW_NUMBER()" + over +
                       "[vmc row], LEAD(1)" + over + "[vmc next] FROM " + from + where +
                       ") AS vmc_s WHERE [vmc row] % " + writer.integer(rows_per_part) +
                       " = 0 OR [vmc next] IS NULL ORDER BY [vmc row]";
    return Statement{std::move(text), writer.take_params()};
  }
  const std::string text =
      "SELECT " + keys + " FROM (SELECT " + raw + "row_number() OVER vmc_w AS \"vmc row\"" +
      ", lead(1) OVER vmc_w AS \"vmc next\" FROM " + from + where + " WINDOW vmc_w AS (ORDER BY " + order +
      ")) AS vmc_s WHERE \"vmc row\" % " + writer.integer(rows_per_part) +
      " = 0 OR \"vmc next\" IS NULL ORDER BY \"vmc row\"";
  return Statement{text, writer.take_params()};
}

Result<std::optional<Statement>> render_null_keys(Target dialect, const Intent& intent,
                                                  const TableInfo& table,
                                                  const std::vector<std::string>& key) {
  VMC_CHECK(check_table(intent, table));
  Writer writer{dialect, table};
  std::string nulls;
  for (const auto& name : key) {
    VMC_TRY(column, writer.known(name));
    if (!column->nullable) continue;
    VMC_TRY(quoted, quote(dialect, name));
    nulls += (nulls.empty() ? "(" : " OR ") + quoted + " IS NULL";
  }
  if (nulls.empty()) return std::optional<Statement>{};
  VMC_TRY(from, quote_table(dialect, table.name));
  VMC_TRY(where, writer.where(intent, nulls + ")"));
  if (dialect.odbc()) {
    const auto limit = odbc::limited(*dialect.odbc(), 1);
    return std::optional<Statement>{
        Statement{"SELECT " + limit.before + "1 AS found FROM " + from + where + limit.after, writer.take_params()}};
  }
  if (dialect == Dialect::mssql)
    return std::optional<Statement>{Statement{"SELECT TOP (1) 1 AS found FROM " + from + where, writer.take_params()}};
  return std::optional<Statement>{
      Statement{"SELECT 1 FROM " + from + where + " LIMIT 1", writer.take_params()}};
}

}  // namespace vmc::sql
