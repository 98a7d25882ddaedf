#include "sources/mysql/target.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>

#include "sources/mysql/types.hpp"

namespace vmc::sources::mysql {
namespace {

using data::Kind;

constexpr const char* kColumns =
    "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME,"
    " CAST(CHARACTER_MAXIMUM_LENGTH AS CHAR), CAST(CHARACTER_OCTET_LENGTH AS CHAR), CAST(DATETIME_PRECISION AS CHAR),"
    " CAST(NUMERIC_PRECISION AS CHAR), CAST(NUMERIC_SCALE AS CHAR) FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?";

constexpr const char* kEngine =
    "SELECT COALESCE(e.TRANSACTIONS, 'NO') FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e"
    " ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND t.TABLE_NAME = ?";

constexpr const char* kUnique =
    "SELECT INDEX_NAME, COALESCE(COLUMN_NAME, ''), SUB_PART IS NOT NULL FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND NON_UNIQUE = 0";

std::int64_t number_or(const std::optional<std::string>& cell, std::int64_t otherwise) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : otherwise;
}

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_counted(const TargetColumn& column) { return column.data_type == "char" || column.data_type == "varchar"; }

TargetColumn column_of(const std::vector<std::optional<std::string>>& row) {
  TargetColumn column;
  column.name = row[0].value_or("");
  column.data_type = row[1].value_or("");
  column.column_type = row[2].value_or("");
  column.charset = row[3].value_or("");
  column.collation = row[4].value_or("");
  column.longest = number_or(is_counted(column) ? row[5] : row[6], -1);
  if (in(column.data_type, {"enum", "set"})) column.longest = -1;
  column.members = members_of(column.column_type);
  const auto digits = numbers_of(column.column_type);
  if (in(column.data_type, {"float", "double"}) && digits.size() == 2) column.float_scale = digits[1];
  column.fraction = static_cast<int>(number_or(row[7], 6));
  column.precision = static_cast<int>(number_or(row[8], 65));
  column.scale = static_cast<int>(number_or(row[9], 0));
  return column;
}

bool is_plain_text(const TargetColumn& column) {
  return in(column.data_type, {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"});
}

// Does the text of LOAD DATA become the very value in this column?
bool is_straight(const TargetColumn& column, Kind kind) {
  if (kind == Kind::text || kind == Kind::json) return is_plain_text(column);
  if (kind == Kind::bytes)
    return in(column.data_type, {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"});
  return !in(column.data_type, {"bit", "uuid"});
}

void choose_reading(Target& target, const data::RowType& rows) {
  const bool binary =
      std::any_of(rows.begin(), rows.end(), [](const auto& field) { return field.type.kind == Kind::bytes; });
  const bool converted = std::any_of(target.columns.begin(), target.columns.end(), [](const TargetColumn& column) {
    return is_plain_text(column) && column.charset != "utf8mb4";
  });
  if (!converted) return;
  target.straight = target.straight && !binary;
  if (target.straight) target.read_as = "utf8mb4";
}

Result<void> check_engine(Connection& db, const LoadRequest& request) {
  VMC_TRY(engine, ask_of_table(db, kEngine, table_name(request.table)));
  if (engine.empty())
    return fail(Code::not_found, "table '" + request.table + "' is no longer there", "Discover the schema again.");
  if (engine[0][0] == "YES") return {};
  return fail(
      Code::invalid_request,
      "load into '" + request.table + "': its storage engine has no transactions, a failed load would stay half done",
      "Change it: ALTER TABLE … ENGINE = InnoDB.");
}

// Which unique keys there are besides the load's own.
Result<bool> has_other_keys(Connection& db, const LoadRequest& request) {
  VMC_TRY(rows, ask_of_table(db, kUnique, table_name(request.table)));
  std::map<std::string, std::set<std::string>> keys;
  for (const auto& row : rows) {
    auto& key = keys[row[0].value_or("")];
    key.insert(row[1].value_or(""));
    if (row[2] != "0") key.insert("");  // over a part of the column: none of ours
  }
  const std::set<std::string> own{request.key.begin(), request.key.end()};
  const auto equal = std::count_if(keys.begin(), keys.end(), [&](const auto& key) { return key.second == own; });
  if (equal == 0)
    return fail(Code::invalid_request, "the table has no unique key over the load's key columns",
                "Name the columns of a unique key, or create one.");
  return static_cast<std::size_t>(equal) < keys.size();
}

Result<void> check_scale(const data::Field& field, const TargetColumn& target) {
  if (field.type.kind != Kind::decimal || target.data_type != "decimal" || field.type.scale <= target.scale) return {};
  return fail(Code::conflict, "column '" + field.name + "' has fewer fractional digits than when it was discovered",
              "Discover the schema again.");
}

}  // namespace

Result<Target> look_up(Connection& db, const LoadRequest& request, const LoadPlan& plan) {
  VMC_CHECK(check_engine(db, request));
  VMC_TRY(rows, ask_of_table(db, kColumns, table_name(request.table)));
  Target target;
  for (const auto& field : *request.columns) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one[0] == field.name; });
    if (row == rows.end())
      return fail(Code::not_found, "column '" + field.name + "' of table '" + request.table + "' is no longer there",
                  "Discover the schema again.");
    target.columns.push_back(column_of(*row));
    VMC_CHECK(check_scale(field, target.columns.back()));
    target.straight = target.straight && is_straight(target.columns.back(), field.type.kind);
  }
  choose_reading(target, *request.columns);
  if (plan.upsert) {
    target.read_as = "binary";  // the staging table has one character set
    VMC_TRY(other_keys, has_other_keys(db, request));
    target.other_keys = other_keys;
  }
  return target;
}

std::string staged_as(const data::Field& field, const TargetColumn& target) {
  constexpr std::int64_t kInRow = 100;  // characters; of longer ones a row holds only so many
  switch (field.type.kind) {
    case Kind::boolean:
      return "tinyint";
    case Kind::int64:
      return target.data_type == "year" ? "year" : "bigint";
    case Kind::float64:
      return "double";
    case Kind::decimal:
      return fmt::format("decimal({},{})", field.type.precision, field.type.scale);
    case Kind::number:
      return fmt::format("decimal({},{})", target.precision, target.scale);
    case Kind::text:
      if (is_counted(target) && target.longest <= kInRow)
        return fmt::format("varchar({}) CHARACTER SET utf8mb4", target.longest);
      return "longtext CHARACTER SET utf8mb4";
    case Kind::json:
      return "longtext CHARACTER SET utf8mb4";
    case Kind::bytes:
      return "longblob";
    case Kind::date:
      return "date";
    case Kind::time:
      return "time(6)";
    case Kind::timestamp:
      return "datetime(6)";
    case Kind::timestamptz:
      return "timestamp(6)";
    case Kind::uuid:
      return "char(36) CHARACTER SET utf8mb4";
  }
  return "longblob";
}

}  // namespace vmc::sources::mysql
