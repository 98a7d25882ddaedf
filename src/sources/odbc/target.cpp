#include "sources/odbc/target.hpp"

#include <algorithm>

#include "sources/odbc/parts.hpp"

namespace vmc::sources::odbc {

std::string schema_of(const Connection& db, const LoadRequest& request) {
  return table_name(request.table).schema.value_or(db.server().default_schema);
}

Result<Table> ask_of_table(Connection& db, const char* question, const LoadRequest& request) {
  return ask(db, question, params_of(db, {schema_of(db, request), table_name(request.table).table}));
}

Result<std::vector<std::string>> tables_like(Connection& db, const LoadRequest& request, const std::string& pattern) {
  constexpr std::size_t kCatalogue = 0, kSchema = 1, kName = 2;
  const auto about = tables_named(db, schema_of(db, request), pattern);
  VMC_TRY(statement, Statement::make(db));
  VMC_CHECK(statement.look_up(Statement::Catalogue::tables, about));
  VMC_TRY(rows, statement.rows());
  std::vector<std::string> out;
  for (const auto& row : rows)  // the schema was a pattern too
    if (!is_elsewhere(db, text_of(row, kCatalogue)) && (!about.schema || text_of(row, kSchema) == *about.schema))
      out.push_back(text_of(row, kName));
  return out;
}

Result<bool> is_there(Connection& db, const LoadRequest& request, const std::string& name) {
  VMC_TRY(found, tables_like(db, request, name));
  // Without quotes a server may have it in capitals.
  return std::any_of(found.begin(), found.end(), [&](const auto& one) { return lowered(one) == name; });
}

Result<void> run_alone(Connection& db, const LoadRequest& request, const std::vector<std::string>& statements) {
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  for (const auto& statement : statements) VMC_CHECK(db.run(statement));
  return transaction.commit();
}

Result<void> check_transactions(Connection& db, const LoadRequest& request) {
  const auto* question = db.customs().transactional;
  if (!question) return {};
  VMC_TRY(found, ask_of_table(db, question, request));
  if (found.empty())
    return fail(Code::not_found, "table '" + request.table + "' is no longer there", "Discover the schema again.");
  if (text_of(found[0], 0) == "YES") return {};
  return fail(Code::invalid_request,
              "load into '" + request.table + "': its storage engine has no transactions, a failed load would stay half done",
              "Change it: ALTER TABLE … ENGINE = InnoDB.");
}

Error creation_failed(const Error& failure, const std::string& table, std::string hint) {
  if (failure.code != Code::write_not_permitted) return failure;
  return fail(Code::write_not_permitted, "the database user may not create the table " + table, std::move(hint));
}

}  // namespace vmc::sources::odbc
