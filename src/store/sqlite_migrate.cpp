#include "store/sqlite_migrate.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "core/bytes.hpp"
#include "crypto/hash.hpp"

namespace vmc::store {
namespace {

using Control = SqliteConnection::Control;

void check_numbers(std::span<const Migration> migrations) {
  int last = 0;
  for (const auto& step : migrations) {
    if (step.number <= last)
      throw std::logic_error{"migrations are numbered from 1, each higher than the last"};
    last = step.number;
  }
}

std::string checksum(const Migration& step) { return to_hex(crypto::sha256(as_bytes(step.sql))); }

Result<void> ensure_ledger(SqliteConnection& connection) {
  const auto tables = connection.query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", {},
      {});
  const auto is_ledger = [](const Row& row) { return row.text(0) == "vmc_migrations"; };
  if (std::any_of(tables.begin(), tables.end(), is_ledger)) return {};
  if (!tables.empty())
    return fail(Code::conflict, "the file is a database of another program",
                "Name another file for the state.");
  connection.exec(
      "CREATE TABLE vmc_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
      {}, {});
  return {};
}

// The first step that is not applied yet; null when all are.
Result<const Migration*> next_step(SqliteConnection& connection, std::span<const Migration> migrations) {
  const auto applied =
      connection.query("SELECT number, name, checksum FROM vmc_migrations ORDER BY number", {}, {});
  std::size_t i = 0;
  for (const auto& row : applied) {
    const auto number = row.integer(0);
    if (i >= migrations.size() || number < migrations[i].number)
      return fail(Code::conflict,
                  fmt::format("the database has step {} ('{}'), which this version of vmc does not know",
                              number, row.text(1)),
                  "Run the version that last opened it, or a newer one.");
    if (number > migrations[i].number)
      return fail(Code::conflict,
                  fmt::format("the database has step {} but not step {}", number, migrations[i].number),
                  "Run the version that last opened it.");
    if (row.text(2) != checksum(migrations[i]))
      return fail(Code::conflict,
                  fmt::format("step {} ('{}') was applied with another text", number, migrations[i].name),
                  "Run the version that last opened it.");
    ++i;
  }
  return i < migrations.size() ? &migrations[i] : nullptr;
}

Result<void> apply(SqliteConnection& connection, const Migration& step) {
  connection.script(std::string{step.sql});
  if (!connection.in_transaction()) throw std::logic_error{"a migration must not end its transaction"};
  connection.exec("INSERT INTO vmc_migrations (number, name, checksum) VALUES (:number, :name, :checksum)",
                  {{"number", step.number}, {"name", step.name}, {"checksum", checksum(step)}}, {});
  return {};
}

// True when nothing is left to do.
Result<bool> migrate_once(SqliteConnection& connection, std::span<const Migration> migrations) {
  VMC_CHECK(ensure_ledger(connection));
  VMC_TRY(step, next_step(connection, migrations));
  if (!step) return true;
  try {
    VMC_CHECK(apply(connection, *step));
  } catch (const StoreFailure& failure) {
    return fail(failure.error.code,
                fmt::format("step {} ('{}') of the schema failed: {}", step->number, step->name,
                            failure.error.message),
                failure.error.hint);
  }
  return false;
}

}  // namespace

Result<void> migrate(SqliteConnection& connection, std::span<const Migration> migrations) {
  check_numbers(migrations);
  for (;;) {
    if (const int rc = connection.control(Control::begin_immediate); rc != SQLITE_OK)
      return connection.error(rc);
    struct Undo {
      SqliteConnection& connection;
      ~Undo() {
        if (connection.in_transaction()) connection.control(Control::rollback);
      }
    } undo{connection};
    try {
      VMC_TRY(done, migrate_once(connection, migrations));
      if (const int rc = connection.control(Control::commit); rc != SQLITE_OK) return connection.error(rc);
      if (done) return {};
    } catch (const StoreFailure& failure) {
      return failure.error;
    }
  }
}

}  // namespace vmc::store
