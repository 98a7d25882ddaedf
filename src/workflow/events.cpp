#include "workflow/events.hpp"

#include <array>
#include <utility>

namespace vmc::workflow {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<EventBody>> kTypes{
    "started",       "parts_fixed",   "command_issued", "part_extracted", "part_differs",    "part_shaped", "part_loaded",
    "part_verified", "table_swapped", "table_verified", "command_failed", "pause_requested", "resumed",
    "cancel_requested", "finished"};
constexpr std::array<std::string_view, 7> kPurposes{"split",       "extract", "shape",       "load",
                                                    "digest_keys", "swap",    "digest_table"};
constexpr std::array<std::string_view, 3> kStatuses{"succeeded", "failed", "cancelled"};

Json values_json(const std::vector<data::Value>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(data::to_json(value));
  return list;
}

std::vector<data::Value> values(JsonReader& in, const char* key) {
  std::vector<data::Value> out;
  const Json* list = in.array_or_null(key);
  if (!list) return out;
  for (const auto& item : *list) {
    auto value = data::value_from_json(item);
    if (!value) {
      in.complain(key, value.error().message);
      return {};
    }
    out.push_back(*std::move(value));
  }
  return out;
}

template <class Enum, std::size_t N>
Enum named(JsonReader& in, const char* key, const std::array<std::string_view, N>& names) {
  const auto word = in.str(key);
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == word) return static_cast<Enum>(i);
  in.complain(key, "is no word known here");
  return {};
}

void put(Json& json, const Started& e) {
  json["definitionHash"] = e.definition_hash;
  if (e.after) json["after"] = values_json(*e.after);
}
void put(Json& json, const PartsFixed& e) {
  json["step"] = e.step;
  json["parts"] = Json::array();
  for (const auto& part : e.parts) json["parts"].push_back(data::to_json(part));
  json["upTo"] = values_json(e.up_to);
  json["rowsEstimate"] = e.rows_estimate;
  json["single"] = e.single;
  json["inOrder"] = e.in_order;
}
void put(Json& json, const CommandIssued& e) {
  json.update({{"commandId", e.command_id},
               {"step", e.step},
               {"part", e.part},
               {"purpose", to_string(e.purpose)},
               {"attemptEpoch", e.attempt_epoch}});
}
void put(Json& json, const PartExtracted& e) {
  json.update({{"part", e.part},
               {"epoch", e.epoch},
               {"commandId", e.command_id},
               {"bufferKey", e.buffer_key},
               {"chunks", e.chunks},
               {"rows", e.rows},
               {"digest", e.digest}});
}
void put(Json& json, const PartDiffers& e) {
  json.update({{"part", e.part},
               {"epoch", e.epoch},
               {"commandId", e.command_id},
               {"rowsIn", e.rows_in},
               {"digestIn", e.digest_in}});
}
void put(Json& json, const PartShaped& e) {
  json.update({{"part", e.part},
               {"epoch", e.epoch},
               {"loadCommandId", e.load_command_id},
               {"bufferKey", e.buffer_key},
               {"chunks", e.chunks},
               {"rowsIn", e.rows_in},
               {"rowsOut", e.rows_out},
               {"refused", e.refused},
               {"skipped", e.skipped},
               {"digestIn", e.digest_in},
               {"digestOut", e.digest_out},
               {"keyDigest", e.key_digest}});
}
void put(Json& json, const PartLoaded& e) {
  json.update({{"part", e.part},
               {"epoch", e.epoch},
               {"commandId", e.command_id},
               {"rows", e.rows},
               {"alreadyApplied", e.already_applied}});
}
void put(Json& json, const PartVerified& e) {
  json.update({{"part", e.part},
               {"epoch", e.epoch},
               {"commandId", e.command_id},
               {"rows", e.rows},
               {"digest", e.digest},
               {"ok", e.ok}});
}
void put(Json& json, const TableSwapped& e) {
  json.update({{"epoch", e.epoch},
               {"commandId", e.command_id},
               {"rows", e.rows},
               {"alreadyApplied", e.already_applied}});
}
void put(Json& json, const TableVerified& e) {
  json.update(
      {{"epoch", e.epoch}, {"commandId", e.command_id}, {"rows", e.rows}, {"digest", e.digest}, {"ok", e.ok}});
}
void put(Json& json, const CommandFailed& e) {
  json.update({{"commandId", e.command_id},
               {"step", e.step},
               {"part", e.part},
               {"purpose", to_string(e.purpose)},
               {"code", info(e.code).name},
               {"message", e.message},
               {"retryable", e.retryable},
               {"attempt", e.attempt}});
}
void put(Json&, const PauseRequested&) {}
void put(Json&, const Resumed&) {}
void put(Json&, const CancelRequested&) {}
void put(Json& json, const Finished& e) {
  json["status"] = to_string(e.status);
  if (e.code) json["code"] = info(*e.code).name;
  json["message"] = e.message;
  json["summary"] = e.summary;
}

void read(JsonReader& in, Started& e) {
  e.definition_hash = in.str("definitionHash");
  if (in.any("after")) e.after = values(in, "after");
}
void read(JsonReader& in, PartsFixed& e) {
  e.step = in.str("step");
  if (const Json* parts = in.array("parts"))
    for (const auto& part : *parts) {
      auto range = data::range_from_json(part);
      if (!range) return in.complain("parts", range.error().message);
      e.parts.push_back(*std::move(range));
    }
  e.up_to = values(in, "upTo");
  e.rows_estimate = in.integer_or("rowsEstimate", 0);
  e.single = in.boolean_or("single", false);
  e.in_order = in.boolean_or("inOrder", false);
}
void read(JsonReader& in, CommandIssued& e) {
  e.command_id = in.str("commandId");
  e.step = in.str("step");
  e.part = in.integer("part");
  e.purpose = named<Purpose>(in, "purpose", kPurposes);
  e.attempt_epoch = in.integer("attemptEpoch");
}
void read(JsonReader& in, PartExtracted& e) {
  e.part = in.integer("part");
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.buffer_key = in.str_or("bufferKey", "");
  e.chunks = in.integer("chunks");
  e.rows = in.integer("rows");
  e.digest = in.str_or("digest", "");
}
void read(JsonReader& in, PartDiffers& e) {
  e.part = in.integer("part");
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.rows_in = in.integer("rowsIn");
  e.digest_in = in.str("digestIn");
}
void read(JsonReader& in, PartShaped& e) {
  e.part = in.integer("part");
  e.epoch = in.integer("epoch");
  e.load_command_id = in.str_or("loadCommandId", "");
  e.buffer_key = in.str_or("bufferKey", "");
  e.chunks = in.integer("chunks");
  e.rows_in = in.integer("rowsIn");
  e.rows_out = in.integer("rowsOut");
  e.refused = in.integer_or("refused", 0);
  e.skipped = in.integer_or("skipped", 0);
  e.digest_in = in.str_or("digestIn", "");
  e.digest_out = in.str_or("digestOut", "");
  e.key_digest = in.str_or("keyDigest", "");
}
void read(JsonReader& in, PartLoaded& e) {
  e.part = in.integer("part");
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.rows = in.integer("rows");
  e.already_applied = in.boolean_or("alreadyApplied", false);
}
void read(JsonReader& in, PartVerified& e) {
  e.part = in.integer("part");
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.rows = in.integer("rows");
  e.digest = in.str_or("digest", "");
  e.ok = in.boolean_or("ok", false);
}
void read(JsonReader& in, TableSwapped& e) {
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.rows = in.integer("rows");
  e.already_applied = in.boolean_or("alreadyApplied", false);
}
void read(JsonReader& in, TableVerified& e) {
  e.epoch = in.integer("epoch");
  e.command_id = in.str("commandId");
  e.rows = in.integer("rows");
  e.digest = in.str_or("digest", "");
  e.ok = in.boolean_or("ok", false);
}
void read(JsonReader& in, CommandFailed& e) {
  e.command_id = in.str_or("commandId", "");
  e.step = in.str_or("step", "");
  e.part = in.integer("part");
  e.purpose = named<Purpose>(in, "purpose", kPurposes);
  const auto code = code_named(in.str("code"));
  if (!code) in.complain("code", "is no known error code");
  e.code = code.value_or(Code::internal);
  e.message = in.str_or("message", "");
  e.retryable = in.boolean_or("retryable", false);
  e.attempt = static_cast<int>(in.integer_or("attempt", 1));
}
void read(JsonReader&, PauseRequested&) {}
void read(JsonReader&, Resumed&) {}
void read(JsonReader&, CancelRequested&) {}
void read(JsonReader& in, Finished& e) {
  e.status = named<FinalStatus>(in, "status", kStatuses);
  if (in.any("code")) {
    e.code = code_named(in.str("code"));
    if (!e.code) in.complain("code", "is no known error code");
  }
  e.message = in.str_or("message", "");
  if (const Json* summary = in.any("summary")) e.summary = *summary;
}

// A body of the alternative whose type has this name.
template <std::size_t I = 0>
std::optional<EventBody> body_of(std::string_view type) {
  if constexpr (I == kTypes.size()) {
    return std::nullopt;
  } else {
    if (kTypes[I] == type) return EventBody{std::in_place_index<I>};
    return body_of<I + 1>(type);
  }
}

}  // namespace

std::string_view to_string(Purpose purpose) { return kPurposes[static_cast<std::size_t>(purpose)]; }
std::optional<Purpose> purpose_named(std::string_view name) {
  for (std::size_t i = 0; i < kPurposes.size(); ++i)
    if (kPurposes[i] == name) return static_cast<Purpose>(i);
  return std::nullopt;
}
std::string_view to_string(FinalStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }

std::string_view type_of(const Event& event) { return kTypes[event.body.index()]; }

Json to_json(const Event& event) {
  Json json{{"seq", event.seq}, {"time", event.time}, {"type", type_of(event)}};
  std::visit([&](const auto& body) { put(json, body); }, event.body);
  return json;
}

Result<Event> event_from_json(const Json& json) {
  JsonReader in{json, "event"};
  Event event;
  event.seq = in.integer("seq");
  event.time = in.integer("time");
  auto body = body_of(in.str("type"));
  if (!body) in.complain("type", "is no known event");
  VMC_CHECK(in.finish(Code::internal));
  std::visit([&](auto& of) { read(in, of); }, *body);
  VMC_CHECK(in.finish(Code::internal));
  event.body = *std::move(body);
  return event;
}

}  // namespace vmc::workflow
