// Stored workflows, by version, and the cursors of incremental ones.
#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/text.hpp"
#include "crypto/hash.hpp"
#include "state/detail.hpp"
#include "state/executions.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kWorkflowsListed = 1000;
constexpr std::size_t kPositionBytesMax = 64u << 10;
constexpr std::string_view kColumns = "w.workflow_id, w.name, w.hash, w.version, w.definition";

Result<StoredWorkflow> workflow_from(const store::Row& row) {
  const auto& text = row.text(4);
  if (to_hex(crypto::sha256(as_bytes(text))) != row.text(2)) {
    return fail(Code::workflow_hash_mismatch,
                fmt::format("version {} of workflow \"{}\" is not the text that was saved", row.integer(3),
                            row.text(1)),
                "Somebody changed the database by hand: save the workflow again.");
  }
  VMC_TRY(json, parse_json(text));
  VMC_TRY(definition, workflow::definition_from_json(json));
  return StoredWorkflow{row.text(0), row.text(1), row.text(2), row.integer(3), std::move(definition)};
}

std::optional<store::Row> newest(store::Tx& tx, std::string_view column, std::string_view value) {
  const auto sql = fmt::format(
      "SELECT {} FROM workflows w WHERE w.tenant = :tenant AND w.{} = :value ORDER BY w.version DESC LIMIT 1",
      kColumns, column);
  return tx.one(sql, {{"value", value}});
}

Error no_workflow(store::Tx& tx, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& row :
       tx.query("SELECT DISTINCT name FROM workflows WHERE tenant = :tenant ORDER BY name LIMIT :most",
                {{"most", kWorkflowsListed}})) {
    names.push_back(row.text(0));
  }
  const auto near = nearest(name, names);
  return fail(Code::not_found,
              fmt::format("there is no workflow \"{}\"", detail::clipped(name, workflow::kNameBytesMax)),
              near ? fmt::format("Did you mean \"{}\"?", *near) : std::string{});
}

}  // namespace

Result<StoredWorkflow> save_workflow(store::Tx& tx, const workflow::Definition& definition, Micros now) {
  VMC_CHECK(find_tenant(tx));
  StoredWorkflow stored;
  stored.name = definition.name;
  stored.hash = workflow::hash(definition);
  stored.definition = definition;
  const auto before = newest(tx, "name", definition.name);
  if (before) {
    stored.workflow_id = before->text(0);
    stored.version = before->integer(3);
    if (before->text(2) == stored.hash) return stored;
  } else {
    stored.workflow_id = new_id("wfl", now);
  }
  ++stored.version;
  tx.exec(
      "INSERT INTO workflows (tenant, workflow_id, version, name, definition, hash, created_at) "
      "VALUES (:tenant, :workflow, :version, :name, :definition, :hash, :now)",
      {{"workflow", stored.workflow_id},
       {"version", stored.version},
       {"name", stored.name},
       {"definition", workflow::canonical(definition)},
       {"hash", stored.hash},
       {"now", now}});
  return stored;
}

Result<StoredWorkflow> find_workflow(store::Tx& tx, std::string_view id_or_name) {
  auto row = newest(tx, "workflow_id", id_or_name);
  if (!row) row = newest(tx, "name", id_or_name);
  if (!row) return no_workflow(tx, id_or_name);
  return workflow_from(*row);
}

Result<StoredWorkflow> find_workflow_version(store::Tx& tx, std::string_view workflow_id,
                                             std::int64_t version) {
  const auto sql = fmt::format(
      "SELECT {} FROM workflows w WHERE w.tenant = :tenant AND w.workflow_id = :workflow AND w.version = "
      ":version",
      kColumns);
  const auto row = tx.one(sql, {{"workflow", workflow_id}, {"version", version}});
  if (!row) return fail(Code::not_found, "there is no such version of this workflow");
  return workflow_from(*row);
}

Result<std::vector<StoredWorkflow>> list_workflows(store::Tx& tx) {
  const auto sql = fmt::format(
      "SELECT {} FROM workflows w WHERE w.tenant = :tenant AND w.version = (SELECT MAX(n.version) FROM "
      "workflows n "
      "WHERE n.tenant = :tenant AND n.workflow_id = w.workflow_id) ORDER BY w.name LIMIT :most",
      kColumns);
  std::vector<StoredWorkflow> list;
  for (const auto& row : tx.query(sql, {{"most", kWorkflowsListed}})) {
    VMC_TRY(stored, workflow_from(row));
    list.push_back(std::move(stored));
  }
  return list;
}

Result<std::optional<Json>> find_cursor(store::Tx& tx, std::string_view workflow_id, std::string_view step) {
  const auto row = tx.one(
      "SELECT position FROM cursors WHERE tenant = :tenant AND workflow_id = :workflow AND step = :step",
      {{"workflow", workflow_id}, {"step", step}});
  if (!row) return std::optional<Json>{};
  VMC_TRY(position, parse_json(row->text(0)));
  return std::optional{std::move(position)};
}

Result<void> save_cursor(store::Tx& tx, std::string_view workflow_id, std::string_view step,
                         const Json& position, std::string_view execution_id, Micros now) {
  auto text = position.dump();
  if (text.size() > kPositionBytesMax)
    return fail(Code::quota_exceeded, "a cursor's position has at most 64 KiB");
  const auto known =
      tx.one("SELECT 1 FROM workflows WHERE tenant = :tenant AND workflow_id = :workflow LIMIT 1",
             {{"workflow", workflow_id}});
  if (!known) return fail(Code::not_found, "there is no such workflow");
  tx.exec(
      "INSERT INTO cursors (tenant, workflow_id, step, position, execution_id, updated_at) "
      "VALUES (:tenant, :workflow, :step, :position, :execution, :now) ON CONFLICT (tenant, workflow_id, "
      "step) "
      "DO UPDATE SET position = excluded.position, execution_id = excluded.execution_id, "
      "updated_at = excluded.updated_at",
      {{"workflow", workflow_id},
       {"step", step},
       {"position", std::move(text)},
       {"execution", execution_id},
       {"now", now}});
  return {};
}

}  // namespace vmc::state
