#include "agent/audit_record.hpp"

#include <fmt/format.h>

namespace vmc::agent {
namespace {

constexpr std::string_view kSealBegins = R"(,"seal":")", kSealEnds = R"("})";
constexpr std::size_t kSealDigits = 64;
constexpr std::size_t kNameMax = 128;  // of what a command is called: our own gateway's are far shorter
constexpr std::size_t kChainBytes = 512;  // of a line beside its record: number, time, chain and seal

// In ASCII, whatever it holds: a terminal that shows the file is not told to do anything.
std::string text_of(const Json& record) { return record.dump(-1, ' ', true, Json::error_handler_t::replace); }

std::string bounded(const std::string& name) { return name.substr(0, kNameMax); }

std::string digest_of(const Json& shape) { return to_hex(crypto::sha256(as_bytes(to_text(shape)))); }

void leave_values_out(data::Filter& filter) {
  if (!filter.values.empty()) filter.values.assign(1, data::Value{});
  for (auto& child : filter.children) leave_values_out(child);
}

Json shape_of(data::Intent intent) {
  if (intent.filter) leave_values_out(*intent.filter);
  for (auto& range : intent.ranges) range.after = range.up_to = {};
  return to_json(intent);
}

void add(data::Reads& reads, const std::string& table, const std::vector<std::string>& columns) {
  reads[table].insert(columns.begin(), columns.end());
}

bool writes(wire::Operation operation) {
  return operation == wire::Operation::load || operation == wire::Operation::swap ||
         operation == wire::Operation::drop_aside;
}

// How many there are instead of which ones, as far as there is no room to name them.
void shorten(Json& record, const char* role) {
  const auto room = kAuditStartMax - kChainBytes;
  if (!record.contains(role) || text_of(record).size() <= room) return;
  auto& tables = record[role];
  for (auto& columns : tables) columns = columns.size();
  if (text_of(record).size() > room) tables = tables.size();
}

}  // namespace

AuditedCommand audited(const wire::Command& command) {
  AuditedCommand out{command.command_id,
                     command.execution_id,
                     command.workflow_name,
                     std::string{to_string(command.operation)},
                     command.payload.connection,
                     {},
                     {},
                     {}};
  Json shape{{"operation", out.operation}};
  if (const auto& intent = command.payload.intent) {
    shape["intent"] = shape_of(*intent);
    add(out.reads, intent->table, data::columns_touched(*intent));
  }
  const auto& split_key = command.payload.split_key;
  if (command.operation == wire::Operation::split && command.payload.intent) {
    shape["splitKey"] = split_key;
    add(out.reads, command.payload.intent->table, split_key);
  }
  if (const auto& load = command.payload.load) {
    shape["load"] = {{"table", load->table}, {"mode", to_string(load->mode)}, {"key", load->key}, {"columns", load->columns}};
    auto& role = writes(command.operation) ? out.writes : out.reads;
    add(role, load->table, load->columns);
    add(role, load->table, load->key);
  }
  out.fingerprint = digest_of(shape);
  return out;
}

namespace {

Json named(const char* event, const AuditedCommand& command) {
  Json record{{"event", event},
              {"command", bounded(command.command_id)},
              {"operation", command.operation},
              {"connection", bounded(command.connection)},
              {"fingerprint", command.fingerprint}};
  if (!command.execution_id.empty()) record["execution"] = bounded(command.execution_id);
  if (!command.workflow.empty()) record["workflow"] = bounded(command.workflow);
  return record;
}

}  // namespace

Json start_record(const AuditedCommand& command) {
  auto record = named("start", command);
  if (!command.reads.empty()) record["reads"] = command.reads;
  if (!command.writes.empty()) record["writes"] = command.writes;
  shorten(record, "reads");
  shorten(record, "writes");
  return record;
}

Json end_record(const AuditedEnd& end) {
  return {{"event", "end"},
          {"command", bounded(end.command.command_id)},
          {"outcome", end.outcome},
          {"rows", end.rows},
          {"bytes", end.bytes}};
}

Json refused_record(const AuditedEnd& end) {
  auto record = named("refused", end.command);
  record["outcome"] = end.outcome;
  return record;
}

std::string audit_line(Json record, std::int64_t seq, Micros time, const crypto::Digest& previous, ByteView key) {
  record["seq"] = seq;
  record["time"] = to_rfc3339(time);
  record["prev"] = to_hex(previous);
  auto line = text_of(record);
  const auto seal = to_hex(crypto::hmac_sha256(key, as_bytes(line)));
  line.pop_back();  // its brace
  return line.append(kSealBegins).append(seal).append(kSealEnds);
}

std::optional<AuditLine> read_audit_line(std::string_view line, ByteView key) {
  constexpr auto kTail = kSealBegins.size() + kSealDigits + kSealEnds.size();
  if (line.size() <= kTail || line.size() > kAuditStartMax) return std::nullopt;
  const auto tail = line.substr(line.size() - kTail);
  if (!tail.starts_with(kSealBegins) || !tail.ends_with(kSealEnds)) return std::nullopt;
  const auto seal = from_hex(tail.substr(kSealBegins.size(), kSealDigits));
  const auto body = std::string{line.substr(0, line.size() - kTail)} + "}";
  auto record = parse_json(body, kAuditStartMax);
  if (!seal || !record || !record->is_object()) return std::nullopt;
  JsonReader reader{*record};
  AuditLine out;
  out.seq = reader.integer("seq");
  out.previous = reader.str("prev");
  for (const char* field : {"time", "event"}) reader.str(field);
  for (const char* field : {"command", "operation", "connection", "fingerprint", "execution", "workflow", "outcome"})
    reader.str_or(field, "");
  for (const char* field : {"rows", "bytes"}) reader.integer_or(field, 0);
  if (!reader.finish()) return std::nullopt;
  out.sealed = !key.empty() && crypto::equal_constant_time(crypto::hmac_sha256(key, as_bytes(body)), *seal);
  out.record = std::move(*record);
  return out;
}

}  // namespace vmc::agent
