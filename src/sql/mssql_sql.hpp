// T-SQL's own ways in a statement; column_sql.hpp and render.cpp ask here when the dialect is mssql.
#pragma once

#include <string>
#include <vector>

#include "sql/dialect.hpp"

namespace vmc::sql::mssql {

// More parameters one request cannot have (2,100, less those of sp_executesql itself).
inline constexpr std::size_t kParamsMax = 2'000;

std::string projected(const data::ColumnInfo& column, const std::string& quoted);
std::string compared(const data::ColumnInfo& column, const std::string& quoted);
// `value` is what parameter `n` will hold: a decimal brings its own scale.
std::string placeholder(const data::ColumnInfo& column, std::size_t n, const data::Value& value);
// By code points, upper and lower case told apart whatever the column's collation.
std::string like(const std::string& quoted, std::size_t n);
// The pattern with what only T-SQL takes for a wildcard (a class in brackets) made plain.
std::string plain_pattern(std::string_view pattern);
// Would the column's type keep the value as it is? A datetime has 3 ms, a smalldatetime a minute.
bool keeps(const data::ColumnInfo& column, const data::Value& value);

// (a, b) > (x, y) without row values: a > x OR (a = x AND b > y). `op` is " > " or " <= ".
std::string tuple_bound(const std::vector<std::string>& columns, const std::vector<std::string>& values,
                        std::string_view op);

}  // namespace vmc::sql::mssql
