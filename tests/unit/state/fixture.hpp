// What the tests of this folder share: a state database in a folder of its own, two tenants that have chosen
// the same names for everything, and samples of commands and workflows.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "core/async.hpp"
#include "state/commands.hpp"
#include "state/connectors.hpp"
#include "state/executions.hpp"
#include "state/keys.hpp"
#include "state/platform.hpp"

namespace vmc::test {

using namespace std::chrono_literals;

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vmc-state-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error{"mkdtemp"};
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Runs one coroutine to its end. The loop outlives it: a thread of the store may still be leaving its post().
template <class T>
T run(awaitable<T> task) {
  static asio::io_context loop;
  loop.restart();
  std::optional<T> result;
  auto wrapper = [](awaitable<T> inner, std::optional<T>& out) -> awaitable<void> {
    out.emplace(co_await std::move(inner));
  };
  auto rethrow = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(loop, wrapper(std::move(task), result), rethrow);
  loop.run();
  return std::move(result.value());
}

// The value of a result that must be one.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error{result.error().text()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "OK" : std::string{result.error().name()};
}

inline const std::vector<std::string> kTables{"tenants", "connectors", "api_keys",   "api_tokens",
                                              "schemas", "workflows",  "executions", "events",
                                              "jobs",    "commands",   "cursors",    "notices"};

struct World {
  TempFolder folder;
  ManualClock clock;
  crypto::Secret master = crypto::Secret{crypto::random_bytes(32)};
  std::unique_ptr<store::Database> real = must(state::open_platform(folder / "state.db"));
  store::Database* db = real.get();
  std::map<std::string, Bytes> keys;

  template <class F>
  std::invoke_result_t<F, store::Tx&> in(std::string tenant, F work) {
    return run(db->transact(std::move(tenant), std::move(work)));
  }
  template <class F>
  std::invoke_result_t<F, store::Tx&> platform(F work) {
    return in(std::string{store::kPlatform}, std::move(work));
  }

  World() {
    add_tenant("acme");
    add_tenant("bolt");
  }
  void add_tenant(const std::string& tenant) {
    must(in(tenant, [&](store::Tx& tx) {
      return state::create_tenant(tx, {tenant, "Company", "free"}, master.view(), now());
    }));
    auto key = must(in(tenant, [&](store::Tx& tx) { return state::tenant_key(tx, master.view()); }));
    keys[tenant] = Bytes{key.view().begin(), key.view().end()};
  }
  Micros now() const { return clock.now(); }
  ByteView key(const std::string& tenant) const { return keys.at(tenant); }

  // Every row of one tenant (or of all), as text.
  std::string dump(const std::string& tenant = "") {
    auto work = [&](store::Tx& tx) -> Result<std::string> {
      std::string text;
      for (const auto& table : kTables) {
        const auto columns = tx.query("SELECT COUNT(*) FROM pragma_table_info(:name)", {{"name", table}});
        for (const auto& row :
             tx.query("SELECT * FROM " + table + " WHERE :owner = '' OR tenant = :owner ORDER BY 1, 2, 3",
                      {{"owner", tenant}})) {
          text += table;
          for (std::size_t i = 0; i < static_cast<std::size_t>(columns.at(0).integer(0)); ++i)
            text += "|" + cell(row, i);
          text += "\n";
        }
      }
      return text;
    };
    return must(run(real->read(std::string{store::kPlatform}, work)));
  }
  static std::string cell(const store::Row& row, std::size_t i) {
    if (row.null(i)) return "-";
    try {
      return row.text(i);
    } catch (const std::bad_variant_access&) {
    }
    try {
      return std::to_string(row.integer(i));
    } catch (const std::bad_variant_access&) {
    }
    return to_hex(row.bytes(i));
  }

  std::string connector(const std::string& tenant, const std::string& name) {
    return must(in(tenant, [&](store::Tx& tx) { return state::create_key(tx, name, now()); })).connector_id;
  }
  std::vector<state::Notice> notices(const std::string& tenant) {
    return must(in(tenant, [&](store::Tx& tx) { return state::list_notices(tx, 100); }));
  }
  void enqueue(const std::string& tenant, const std::string& connector_id, const wire::Command& command) {
    must(in(tenant, [&](store::Tx& tx) {
      return state::enqueue_command(tx, connector_id, command, key(tenant), now());
    }));
  }
  state::StoredWorkflow workflow(const std::string& tenant, const workflow::Definition& definition) {
    return must(in(tenant, [&](store::Tx& tx) { return state::save_workflow(tx, definition, now()); }));
  }
  state::Execution start(const std::string& tenant, const state::StoredWorkflow& workflow,
                         const state::StartOptions& options = {}) {
    return must(
        in(tenant, [&](store::Tx& tx) { return state::start_execution(tx, workflow, options, now()); }));
  }
  state::Execution execution(const std::string& tenant, const std::string& id) {
    return must(in(tenant, [&](store::Tx& tx) { return state::find_execution(tx, id); }));
  }
  std::optional<state::Lease> try_lease(Duration length = 30s, const std::string& tier = "free") {
    return must(
        platform([&](store::Tx& tx) { return state::lease_job(tx, tier, now(), now() + micros(length)); }));
  }
  state::Lease lease() { return try_lease().value(); }
};

inline wire::Command sample_command(const std::string& command_id, const std::string& execution_id,
                                    Micros expires_at) {
  wire::Command command;
  command.command_id = command_id;
  command.execution_id = execution_id;
  command.activity_id = "extract-orders";
  command.workflow_id = "wfl_1";
  command.workflow_name = "Orders";
  command.operation = wire::Operation::query;
  command.payload.connection = "erp";
  data::Intent intent;
  intent.table = "orders";
  intent.columns = {"id"};
  command.payload.intent = intent;
  command.payload.idempotency_key = command_id;
  command.payload.expires_at = expires_at;
  command.data_key = Bytes(32, 0x5a);
  return command;
}

inline wire::CommandResult sample_result(const wire::Command& command) {
  wire::CommandResult result;
  result.command_id = command.command_id;
  result.execution_id = command.execution_id;
  result.activity_id = command.activity_id;
  result.attempt_epoch = command.attempt_epoch;
  result.inline_result = Json{{"rows", 3}};
  result.row_count = 3;
  return result;
}

inline workflow::Definition sample_definition(const std::string& name, bool incremental = false) {
  workflow::Activity extract;
  extract.id = "extract-orders";
  extract.type = workflow::ActivityType::extract;
  extract.connector = "HQ";
  extract.aggregator = "erp";
  extract.operation = "select";
  workflow::ExtractParams from;
  from.table = "orders";
  if (incremental) {
    from.mode = workflow::ExtractMode::incremental;
    from.cursor = "changed_at";
  }
  extract.params = from;
  workflow::Activity load;
  load.id = "load-orders";
  load.type = workflow::ActivityType::load;
  load.connector = "Branch";
  load.aggregator = "mart";
  load.operation = "bulkInsert";
  workflow::LoadParams into;
  into.table = "orders_copy";
  into.conflict_key = {"id"};
  load.params = into;
  workflow::Definition definition;
  definition.name = name;
  definition.activities = {extract, load};
  definition.steps = {{"1", "extract-orders", {}}, {"2", "load-orders", {"1"}}};
  return definition;
}

}  // namespace vmc::test
