#include "worker/window.hpp"

#include <cstring>

#include <fmt/format.h>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"

namespace vmc::worker {
namespace {

constexpr std::string_view kSeenLabel = "vmc seen rows 1 ";
constexpr std::int64_t kDay = 86'400'000'000;

}  // namespace

data::Value before(const data::Value& value, Duration overlap) {
  const auto infinite = [](std::int64_t t) { return t == data::kInfinity || t == data::kMinusInfinity; };
  if (const auto* t = std::get_if<data::Timestamp>(&value); t && !infinite(t->micros))
    return data::Timestamp{t->micros - overlap.count()};
  if (const auto* t = std::get_if<data::TimestampTz>(&value); t && !infinite(t->micros))
    return data::TimestampTz{t->micros - overlap.count()};
  if (const auto* d = std::get_if<data::Date>(&value))
    return data::Date{static_cast<std::int32_t>(d->days - (overlap.count() + kDay - 1) / kDay)};
  return value;
}

std::vector<data::Value> window_start(const RunContext& run) {
  std::vector<data::Value> start;
  if (run.state.started && run.state.started->after) start = *run.state.started->after;
  // A watermark over another key, because the table's key has changed, is none: everything is read once more.
  if (start.size() != part_key(run).size()) return {};
  start.front() = before(start.front(), run.chain().extract_params().overlap);
  return start;
}

bool in_next_overlap(const RunContext& run, const data::Value& cursor) {
  if (!run.state.parts_fixed || run.state.parts_fixed->up_to.empty()) return false;
  const auto bound = before(run.state.parts_fixed->up_to.front(), run.chain().extract_params().overlap);
  if (bound.index() != cursor.index()) return false;
  return std::visit(
      [&](const auto& low) {
        using T = std::decay_t<decltype(low)>;
        if constexpr (std::is_same_v<T, data::Timestamp> || std::is_same_v<T, data::TimestampTz>)
          return std::get<T>(cursor).micros >= low.micros;
        else if constexpr (std::is_same_v<T, data::Date>)
          return std::get<T>(cursor).days >= low.days;
        else
          return cursor == data::Value{low};  // no overlap: only the watermark's own value can come again
      },
      bound);
}

Bytes pack_seen(const std::vector<RowHash>& hashes, const RunContext& run) {
  Bytes plain(hashes.size() * 16);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::memcpy(plain.data() + i * 16, &hashes[i].first, 8);
    std::memcpy(plain.data() + i * 16 + 8, &hashes[i].second, 8);
  }
  return crypto::seal(run.tenant_key.view(), as_bytes(std::string{kSeenLabel} + run.workflow.workflow_id),
                      plain);
}

Result<std::set<RowHash>> unpack_seen(ByteView sealed, const RunContext& run) {
  VMC_TRY(plain, crypto::open(run.tenant_key.view(), as_bytes(std::string{kSeenLabel} + run.workflow.workflow_id), sealed));
  std::set<RowHash> hashes;
  for (std::size_t at = 0; at + 16 <= plain.size(); at += 16) {
    RowHash hash;
    std::memcpy(&hash.first, plain.data() + at, 8);
    std::memcpy(&hash.second, plain.data() + at + 8, 8);
    hashes.insert(hash);
  }
  return hashes;
}

std::string seen_part_object(const RunContext& run, std::int64_t part, std::int64_t epoch) {
  return fmt::format("executions/{}/{}/seen/{}-{}", run.lease.tenant, run.execution.execution_id, part,
                     epoch);
}

std::string seen_object(const RunContext& run, const std::vector<data::Value>& watermark) {
  Json text = Json::array();
  for (const auto& value : watermark) text.push_back(data::to_json(value));
  const auto hash = crypto::sha256(as_bytes(text.dump()));
  return fmt::format("cursors/{}/{}/{}", run.lease.tenant, run.execution.workflow_id,
                     to_hex(ByteView{hash}.first(16)));
}

}  // namespace vmc::worker
