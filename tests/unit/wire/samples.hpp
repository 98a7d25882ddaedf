// One full sample of every message, and small ones of those that have optional fields.
#pragma once

#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace vmc::test {

inline Bytes filled(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

inline data::Intent sample_intent() {
  data::Filter leaf;
  leaf.op = data::Filter::Op::gt;
  leaf.column = "amount";
  leaf.values = {data::Value{std::int64_t{10}}};
  data::Filter tree;
  tree.op = data::Filter::Op::all;
  tree.children = {leaf};
  data::Intent intent;
  intent.table = "orders";
  intent.columns = {"id", "amount"};
  intent.filter = tree;
  intent.ranges = {data::KeyRange{{"id"}, {data::Value{std::int64_t{5}}}, {data::Value{std::int64_t{9}}}}};
  return intent;
}

inline wire::LoadSpec sample_load() {
  return {"orders_copy", wire::LoadMode::upsert, {"id"}, {"id", "amount"}};
}

inline wire::Input sample_input() { return {"t1/exe_1/cmd_0/1/", 3, filled(32, 7), "cmd_0", "con_1", 1}; }

inline wire::Command sample_command(wire::Operation operation) {
  wire::Command command;
  command.command_id = "cmd_1";
  command.execution_id = "exe_1";
  command.activity_id = "extract-crm";
  command.workflow_id = "wfl_1";
  command.workflow_name = "CRM to analytics";
  command.attempt = 2;
  command.attempt_epoch = 3;
  command.part = 4;
  command.operation = operation;
  auto& payload = command.payload;
  payload.connection = "erp";
  payload.idempotency_key = "exe_1.1.4.3";
  payload.expires_at = 1'800'000'000'000'000;
  payload.timeout_ms = 12'000;
  using enum wire::Operation;
  const bool ends_replacing = operation == swap || operation == drop_aside;
  if (operation != load && !ends_replacing) payload.intent = sample_intent();
  if (operation == split) payload.split_key = {"id"};
  if (operation == split) payload.rows_per_part = 50'000;
  if (operation == extract || operation == digest || operation == digest_keys)
    payload.digest_seed = "000102030405060708090a0b0c0d0e0f";
  if (operation == load || operation == digest_keys) {
    payload.load = sample_load();
    command.input = sample_input();
  }
  if (ends_replacing) {
    payload.load = sample_load();
    payload.load->mode = wire::LoadMode::replace;
  }
  if (operation == swap) payload.load->rows = 120;
  if (operation == extract) {
    command.data_key = filled(32, 1);
    command.upload = "t1/exe_1/cmd_1/3/";
  }
  return command;
}

inline std::vector<wire::AgentMessage> agent_samples() {
  using namespace wire;
  data::Schema schema;
  data::TableInfo table;
  table.name = "orders";
  data::ColumnInfo column;
  column.name = "id";
  column.sql_type = "bigint";
  column.type = data::Type{data::Kind::int64};
  column.nullable = false;
  table.columns = {column};
  table.primary_key = {"id"};
  schema.tables = {table};

  CommandResult chunked{"cmd_1", "exe_1", "extract-crm", 3, "t1/exe_1/cmd_1/3/", 12, Json{}, 100'000, 1500};
  CommandResult inlined{"cmd_2", "exe_1", "extract-crm", 1, "", 0, Json::object({{"rows", 12}}), 12, 7};
  CommandResult by_hand{"cmd_3", "", "", 1, "", 0, Json::object({{"rows", Json::array()}}), 0, 1};
  return {
      Auth{"vmc_acme_abcdefgh0123456789_00000000", filled(32, 3), "", {}, "ins_1", 0, "0.1.0", "Lager Süd"},
      Auth{"", {}, "abcdefgh", filled(64, 9), "ins_1", 41, "0.1.0", ""},
      Heartbeat{1'700'000'000'000'000, "busy", 3},
      SchemaDiscovery{"erp", schema, 1'700'000'000'000'001},
      Ready{8},
      CommandAck{"cmd_1"},
      CommandWaiting{"cmd_1", "pool full", 1'700'000'000'000'002},
      ExecutionResult{chunked},
      ExecutionResult{inlined},
      ExecutionResult{by_hand},
      ExecutionError{{"cmd_1", 3, Code::query_timeout, "30 s were not enough", true, "narrow it"}},
      Status{"offline", "the owner paused it"},
      Problem{Code::command_malformed, "the message type 'x' is not known"},
  };
}

inline std::vector<wire::GatewayMessage> gateway_samples() {
  using namespace wire;
  std::vector<GatewayMessage> samples{
      Challenge{filled(32, 100), 1'700'000'000'000'000},
      Connected{"acme", "con_1", "Warehouse SAP", "abcdefgh", 1'700'000'000'000'000, 42, filled(32, 50)},
      ResultAck{"cmd_1"},
      Cancel{"exe_1", "", "asked by its owner"},
      Cancel{"exe_1", "cmd_1", ""},
      SchemaRequest{"erp"},
      SchemaRequest{},
      Shutdown{"update", 30'000},
      Problem{Code::rate_limited, ""},
  };
  for (auto operation : {Operation::split, Operation::extract, Operation::digest, Operation::load,
                         Operation::digest_keys, Operation::query, Operation::swap, Operation::drop_aside})
    samples.push_back(CommandMessage{sample_command(operation)});
  return samples;
}

}  // namespace vmc::test
