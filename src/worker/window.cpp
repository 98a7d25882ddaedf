#include "worker/window.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "data/value.hpp"

namespace vmc::worker {
namespace {

constexpr std::string_view kSeenLabel = "vmc seen rows 1 ";
constexpr std::int64_t kMinute = 60'000'000, kDay = 86'400'000'000;

// Whole minutes: also what keeps no seconds can be compared with them. And at least a microsecond, so that all rows of
// the watermark's own instant are read again.
std::int64_t minute_before(std::int64_t micros, Duration overlap) {
  const auto at = micros - overlap.count() - 1;
  const auto past = at % kMinute;
  return at - (past < 0 ? past + kMinute : past);
}

bool at_or_after(const data::Value& cursor, const data::Value& low) {
  if (cursor.index() != low.index()) return false;
  return std::visit(
      [&](const auto& bound) {
        using T = std::decay_t<decltype(bound)>;
        if constexpr (std::is_same_v<T, data::Timestamp> || std::is_same_v<T, data::TimestampTz>)
          return std::get<T>(cursor).micros >= bound.micros;
        else if constexpr (std::is_same_v<T, data::Date>)
          return std::get<T>(cursor).days >= bound.days;
        else if constexpr (std::is_same_v<T, data::Decimal>)
          return std::get<T>(cursor).unscaled >= bound.unscaled;  // of one column, so of one scale
        else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::string>)
          return std::get<T>(cursor) >= bound;
        else
          return true;
      },
      low);
}

// A text of datetime2(7), which orders as it reads, less the overlap; its last digit becomes a zero.
std::optional<data::Value> datetime2_before(const std::string& text, Duration overlap) {
  constexpr std::size_t kMicros = 26, kWhole = 27;  // characters of "2024-02-29 13:00:00.123456" and with the last digit
  if (text.size() != kWhole) return std::nullopt;
  const auto micros = data::parse_timestamp(text.substr(0, kMicros), false);
  if (!micros) return std::nullopt;
  auto start = data::format_timestamp(minute_before(*micros, overlap), false);
  if (start.size() != kMicros - 7) return std::nullopt;  // before year 1
  return data::Value{start + ".0000000"};
}

}  // namespace

std::optional<data::Value> before(const data::Value& value, const workflow::ExtractParams& params) {
  const auto infinite = [](std::int64_t t) { return t == data::kInfinity || t == data::kMinusInfinity; };
  const auto steps = std::max<std::int64_t>(params.overlap_values, 1);
  if (const auto* t = std::get_if<data::Timestamp>(&value); t && !infinite(t->micros))
    return data::Timestamp{minute_before(t->micros, params.overlap)};
  if (const auto* t = std::get_if<data::TimestampTz>(&value); t && !infinite(t->micros))
    return data::TimestampTz{minute_before(t->micros, params.overlap)};
  const auto days = std::max<std::int64_t>(1, (params.overlap.count() + kDay - 1) / kDay);
  if (const auto* d = std::get_if<data::Date>(&value);
      d && d->days != data::kDateInfinity && d->days != data::kDateMinusInfinity)
    return data::Date{static_cast<std::int32_t>(d->days - days)};
  if (const auto* n = std::get_if<std::int64_t>(&value); n && *n >= INT64_MIN + steps) return *n - steps;
  if (const auto* d = std::get_if<data::Decimal>(&value)) {
    const auto low = d->unscaled - steps * data::power_of_ten(std::min<unsigned>(d->scale, 18));
    if (low > -data::power_of_ten(data::kDecimalDigits)) return data::Decimal{low, d->scale};
  }
  if (const auto* text = std::get_if<std::string>(&value)) return datetime2_before(*text, params.overlap);
  return std::nullopt;
}

Result<void> check_cursor(const data::ColumnInfo& column, const workflow::ExtractParams& params) {
  using data::Kind;
  const workflow::ExtractParams defaults;
  const auto refuse = [&](std::string why, std::string hint) {
    return fail(Code::workflow_invalid, "cursor column '" + column.name + "' is " + data::to_string(column.type) + why,
                std::move(hint));
  };
  switch (column.type.kind) {
    case Kind::int64:
    case Kind::decimal:
      if (params.overlap == defaults.overlap) return {};
      return refuse(", and its overlap is a duration", "Give the overlap as a number of values, like 10000.");
    case Kind::text:
      if (!column.sql_type.starts_with("datetime2")) break;
      [[fallthrough]];
    case Kind::date:
    case Kind::timestamp:
    case Kind::timestamptz:
      if (params.overlap_values == defaults.overlap_values) return {};
      return refuse(", and its overlap is a number", "Give the overlap as a duration, like \"5m\".");
    default:
      break;
  }
  return refuse(": what comes shortly before a value of that type cannot be told, and rows committed late would be lost",
                "Use a column of a date, time, whole number or decimal type, or mode \"full\".");
}

std::vector<data::Value> window_start(const RunContext& run) {
  std::vector<data::Value> start;
  if (run.state.started && run.state.started->after) start = *run.state.started->after;
  // A watermark over another key, because the table's key has changed, is none: everything is read once more.
  if (start.size() != part_key(run).size()) return {};
  auto low = before(start.front(), run.chain().extract_params());
  if (!low) return {};
  start.front() = std::move(*low);
  return start;
}

bool in_next_overlap(const RunContext& run, const data::Value& cursor) {
  if (!run.state.parts_fixed || run.state.parts_fixed->up_to.empty()) return false;
  const auto low = before(run.state.parts_fixed->up_to.front(), run.chain().extract_params());
  return !low || at_or_after(cursor, *low);
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
