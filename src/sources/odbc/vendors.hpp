// Oracle's and SAP HANA's own catalogues. Their statements stand in tests/golden/odbc to be reviewed beside
// the vendors' documentation; neither has been tried on a real server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sources/odbc/statement.hpp"
#include "sources/odbc/types.hpp"

namespace vmc::sources::odbc {

// A column as ALL_TAB_COLUMNS or SYS.TABLE_COLUMNS describes it.
struct VendorType {
  std::string name;  // "NUMBER", "TIMESTAMP(6) WITH TIME ZONE"
  std::int64_t length = 0;
  std::optional<std::int64_t> precision = {}, scale = {};
};
// How its values travel; nothing for what has no form (BFILE, objects, geometries).
std::optional<data::Type> oracle_type(const VendorType& type);
std::optional<data::Type> hana_type(const VendorType& type);

// The questions discovery asks.
struct NamedStatement {
  const char* name;
  const char* text;
};
std::vector<NamedStatement> oracle_statements();
std::vector<NamedStatement> hana_statements();

// Inside a transaction.
Result<data::Schema> discover_oracle(Connection& db);
Result<data::Schema> discover_hana(Connection& db);

}  // namespace vmc::sources::odbc
