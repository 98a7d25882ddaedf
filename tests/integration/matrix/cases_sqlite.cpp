#include "database.hpp"

namespace vmc::test {

// clang-format off
const std::vector<TypeCase>& sqlite_types() {
  static const std::vector<TypeCase> cases{
      {"c_boolean", "BOOLEAN", "boolean", {{"1", "true"}, {"0", "false"}, {"7", "refused"}, {"'yes'", "refused"}}},
      {"c_integer", "INTEGER", "int64", {{"-9223372036854775807 - 1", "-9223372036854775808"}, {"9223372036854775807", "9223372036854775807"}, {"'many'", "refused"}, {"1.5", "refused"}}},
      {"c_bigint", "BIGINT", "int64", {{"'12'", "12"}, {"2.0", "2"}}},
      {"c_unsigned", "UNSIGNED BIG INT", "int64", {{"9223372036854775807", "9223372036854775807"}, {"18446744073709551615", "refused"}}},
      {"c_double", "DOUBLE PRECISION", "float64", {{"7", "7"}, {"'1e3'", "1000"}, {"'many'", "refused"}, {"2.2250738585072014e-308", "2.2250738585072014e-308"}}},
      {"c_real", "REAL", "float64", {{"-9e999", "-Infinity"}, {"-0.0", "0"}, {"9007199254740993", "9007199254740992"}, {"0.1", "0.1"}, {"0.1 + 0.2", "0.30000000000000004"}, {"-1.7976931348623157e308", "-1.7976931348623157e+308"}, {"5e-324", "5e-324"}, {"9e999", "Infinity"}}},
      {"c_decimal", "DECIMAL_TEXT(38,10)", "decimal(38,10)", {{"'9999999999999999999999999999.9999999999'", "9999999999999999999999999999.9999999999"}, {"'-0.0000000001'", "-0.0000000001"}, {"'1.00000000001'", "refused"}}},
      {"c_decimal_numeric", "DECIMAL(12,2)", "decimal(12,2)", {{"12", "12.00"}, {"12.5", "refused"}}},
      {"c_numeric", "NUMERIC", "number", {{"'1.50'", "refused"}, {"'12'", "12"}, {"9223372036854775807", "9223372036854775807"}, {"'9223372036854775808'", "refused"}, {"'1e2'", "100"}, {"'none'", "refused"}}},
      {"c_number_10", "NUMBER(10)", "decimal(10,0)", {{"9999999999", "9999999999"}, {"10000000000", "refused"}}},
      {"c_number", "NUMERIC_TEXT", "number", {{"'1e40'", "10000000000000000000000000000000000000000"}, {"'-0.000000000000000000000000000000000000000000001'", "-0.000000000000000000000000000000000000000000001"}, {"'1.50'", "1.5"}, {"'NaN'", "NaN"}}},
      {"c_text", "TEXT", "text", {{"''", ""}, {"'\U0001F600 za\u017c\u00f3\u0142\u0107'", "\U0001F600 za\u017c\u00f3\u0142\u0107"}, {"'0012.50'", "0012.50"}, {"CAST(x'610062' AS TEXT)", std::string{"a\0b", 3}}, {"CAST(x'ff' AS TEXT)", "refused"}, {"x'61'", "refused"}}},
      {"c_text_of", "TEXT", "text", {{"12", "12"}, {"0.1", "0.1"}, {"CAST(x'EDA080' AS TEXT)", "refused"}}},
      {"c_clob", "CLOB", "text", {{"'\U0001F600'", "\U0001F600"}}},
      {"c_nvarchar", "NVARCHAR(9)", "text", {{"'ab  '", "ab  "}}},
      {"c_bare", "", "text", {{"'x'", "x"}, {"1", "1"}, {"x'61'", "refused"}}},
      {"c_money", "MONEY", "text", {{"12", "refused"}, {"'12.50'", "refused"}, {"'a'", "a"}}},
      {"c_varchar", "VARCHAR(3)", "text", {{"'longer than it says'", "longer than it says"}}},
      {"c_blob", "BLOB", "bytes", {{"x''", "0x"}, {"x'00ff5c'", "0x00ff5c"}, {"'text'", "refused"}}},
      {"c_varbinary", "VARBINARY(2)", "bytes", {{"x'000102'", "0x000102"}}},
      {"c_bytea", "BYTEA", "bytes", {{"zeroblob(3)", "0x000000"}}},
      {"c_date", "DATE", "date", {{"'0001-01-01'", "0001-01-01"}, {"'9999-12-31'", "9999-12-31"}, {"'0000-00-00'", "refused"}, {"'29.2.2024'", "refused"}, {"'infinity'", "infinity"}}},
      {"c_time", "TIME", "time", {{"'-838:59:59'", "-838:59:59"}, {"'23:59:59.999999'", "23:59:59.999999"}, {"'23:59:59.9999999'", "refused"}}},
      {"c_timestamp", "TIMESTAMP", "timestamp", {{"'0001-01-01 00:00:00'", "0001-01-01 00:00:00"}, {"'9999-12-31T23:59:59.999999'", "9999-12-31 23:59:59.999999"}, {"'2024-02-30 00:00:00'", "refused"}, {"1709208000", "refused"}}},
      {"c_datetime", "DATETIME", "timestamp", {{"'2024-02-29'", "2024-02-29 00:00:00"}, {"'2024-02-29 13:00'", "2024-02-29 13:00:00"}, {"2460370.5", "refused"}}},
      {"c_zoned", "TIMESTAMP WITH TIME ZONE", "timestamptz", {{"'9999-12-31 23:59:59.999999Z'", "9999-12-31 23:59:59.999999+00"}}},
      {"c_timestamptz", "TIMESTAMPTZ", "timestamptz", {{"'2024-02-29 14:00:00.000001+02:00'", "2024-02-29 12:00:00.000001+00"}, {"'1969-12-31 23:59:59Z'", "1969-12-31 23:59:59+00"}, {"'2024-02-29 14:00:00'", "refused"}}},
      {"c_uuid", "UUID", "uuid", {{"'00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff"}, {"'00112233'", "refused"}}},
      {"c_json", "JSON_TEXT", "json", {{"'{\"b\": 1.50, \"a\": null}'", "{\"b\": 1.50, \"a\": null}"}, {"'{'", "refused"}}},
  };
  return cases;
}
// clang-format on

}  // namespace vmc::test
