#include "sql/mssql_sql.hpp"

#include <algorithm>
#include <cctype>

#include "sql/column_sql.hpp"

namespace vmc::sql::mssql {
namespace {

using data::Kind;

// "varchar(20)" -> "varchar" and "20"
struct Declared {
  std::string base, size;
};

Declared declared(const data::ColumnInfo& column) {
  Declared out;
  const auto open = column.sql_type.find('(');
  for (char c : column.sql_type.substr(0, open))
    out.base += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const auto close = column.sql_type.find(')');
      open != std::string::npos && close != std::string::npos && close > open)
    out.size = column.sql_type.substr(open + 1, close - open - 1);
  return out;
}

bool one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string cast(const std::string& what, const std::string& type) { return "CAST(" + what + " AS " + type + ")"; }

std::string as_national(const std::string& quoted, const std::string& size) {
  const bool fits = !size.empty() && size != "max" && size.size() <= 4 && std::stoi(size) <= 4000;
  return cast(quoted, fits ? "nvarchar(" + size + ")" : "nvarchar(max)");
}

std::string parameter(std::size_t n) { return "@p" + std::to_string(n); }

}  // namespace

std::string projected(const data::ColumnInfo& column, const std::string& quoted) {
  const auto type = declared(column);
  // The server turns a code page into Unicode, so that no table of the client's has a say; and what is of an old type
  // or of XML comes as its text.
  if (one_of(type.base, {"varchar", "char"})) return as_national(quoted, type.size) + " AS " + quoted;
  if (one_of(type.base, {"text", "ntext", "xml"})) return cast(quoted, "nvarchar(max)") + " AS " + quoted;
  if (type.base == "hierarchyid") return cast(quoted, "nvarchar(4000)") + " AS " + quoted;
  if (type.base == "image") return cast(quoted, "varbinary(max)") + " AS " + quoted;
  return quoted;
}

std::string compared(const data::ColumnInfo& column, const std::string& quoted) {
  const auto type = declared(column);
  if (one_of(type.base, {"text", "ntext", "xml"})) return cast(quoted, "nvarchar(max)");
  if (type.base == "image") return cast(quoted, "varbinary(max)");
  return quoted;
}

std::string placeholder(const data::ColumnInfo& column, std::size_t n, const data::Value& value) {
  const auto type = declared(column);
  const auto name = parameter(n);
  switch (column.type.kind) {
    case Kind::decimal:
    case Kind::number: {
      int scale = column.type.scale;
      if (const auto* exact = std::get_if<data::Decimal>(&value)) scale = exact->scale;
      if (const auto* digits = std::get_if<data::Number>(&value)) {
        const auto point = digits->text.find('.');
        scale = point == std::string::npos ? 0 : static_cast<int>(digits->text.size() - point - 1);
      }
      return cast(name, "decimal(38, " + std::to_string(std::min(scale, 38)) + ")");
    }
    case Kind::date:
      return cast(name, "date");
    case Kind::time:
      return cast(name, "time(7)");
    case Kind::timestamp:
      return cast(name, one_of(type.base, {"datetime", "smalldatetime"}) ? type.base : "datetime2(7)");
    case Kind::timestamptz:
      return cast(name, "datetimeoffset(7)");
    case Kind::uuid:
      return cast(name, "uniqueidentifier");
    case Kind::text:
      if (one_of(type.base, {"time", "datetime2", "datetimeoffset"})) return cast(name, type.base + "(7)");
      if (type.base == "hierarchyid") return cast(name, "hierarchyid");
      return name;
    default:
      return name;
  }
}

std::string like(const std::string& quoted, std::size_t n) {
  return quoted + " COLLATE Latin1_General_100_BIN2 LIKE " + parameter(n) + " ESCAPE N'\\'";
}

std::string plain_pattern(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size())
      out += pattern[i++];
    else if (pattern[i] == '[')
      out += '\\';
    out += pattern[i];
  }
  return out;
}

bool keeps(const data::ColumnInfo& column, const data::Value& value) {
  const auto* at = std::get_if<data::Timestamp>(&value);
  if (!at) return true;
  const auto base = declared(column).base;
  const auto milli = (at->micros / 1000 % 10 + 10) % 10;
  if (base == "datetime") return at->micros % 1000 == 0 && (milli == 0 || milli == 3 || milli == 7);
  return base != "smalldatetime" || at->micros % 60'000'000 == 0;
}

std::string tuple_bound(const std::vector<std::string>& columns, const std::vector<std::string>& values,
                        std::string_view op) {
  const std::string strict = op == " > " ? " > " : " < ";
  std::string out;
  for (std::size_t i = columns.size(); i-- > 0;) {
    const bool last = i + 1 == columns.size();
    const auto own = columns[i] + (last ? std::string{op} : strict) + values[i];
    out = last ? own : own + " OR (" + columns[i] + " = " + values[i] + " AND (" + out + "))";
  }
  return "(" + out + ")";
}

}  // namespace vmc::sql::mssql

namespace vmc::sql {

Result<Statement> render_lookup(const data::TableInfo& table, const std::vector<std::string>& columns,
                                const std::vector<std::string>& key,
                                const std::vector<std::vector<data::Value>>& keys) {
  constexpr auto kDialect = Dialect::mssql;
  VMC_TRY(list, select_list(kDialect, columns, table));
  VMC_TRY(from, quote_table(kDialect, table.name));
  Statement out;
  std::string rows, names, on;
  for (const auto& one : keys) {
    std::string row;
    for (std::size_t i = 0; i < key.size(); ++i) {
      out.params.push_back(one[i]);
      row += (i ? ", " : "") + placeholder(kDialect, *table.column(key[i]), out.params.size(), one[i]);
    }
    rows += (rows.empty() ? "(" : ", (") + row + ")";
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    VMC_TRY(quoted, quote(kDialect, key[i]));
    const auto alias = "[c" + std::to_string(i + 1) + "]";
    names += (i ? ", " : "") + alias;
    on += (i ? " AND " : "") + compared(kDialect, *table.column(key[i]), "t." + quoted) + " = k." + alias;
  }
  out.text = "SELECT " + list + " FROM " + from + " AS t WHERE EXISTS (SELECT 1 FROM (VALUES " + rows + ") AS k (" +
             names + ") WHERE " + on + ")";
  return out;
}

}  // namespace vmc::sql
