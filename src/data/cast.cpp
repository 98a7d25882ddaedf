#include "data/cast.hpp"

#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include "data/text_rules.hpp"
#include "data/value.hpp"

namespace vmc::data {
namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

// Appends one converted value; false, with the reason, when there is no exact one.
using Convert = bool (*)(const Column& from, std::size_t row, ColumnBuilder& to, std::string& reason);

bool refuse(std::string& reason, std::string_view why) {
  reason = why;
  return false;
}

bool put_decimal(Int128 unscaled, std::uint8_t scale, ColumnBuilder& to, std::string& reason) {
  if (append(to, Decimal{unscaled, scale})) return true;
  return refuse(reason, fmt::format("the number does not fit in {}", to_string(to.type())));
}

// The integer a decimal is, if it is one and fits.
bool put_int64(Int128 unscaled, std::uint8_t scale, ColumnBuilder& to, std::string& reason) {
  const Int128 unit = power_of_ten(scale);
  if (unscaled % unit != 0) return refuse(reason, "the number is not whole");
  const Int128 whole = unscaled / unit;
  if (whole < INT64_MIN || whole > INT64_MAX)
    return refuse(reason, "the number is outside the range of int64");
  to.int64(static_cast<std::int64_t>(whole));
  return true;
}

bool text_to_any(const Column& from, std::size_t row, ColumnBuilder& to, std::string& reason) {
  const Type type = to.type();
  if (type.kind == Kind::decimal) {
    const auto unscaled = parse_decimal(from.text(row), type.precision, type.scale);
    if (!unscaled) return refuse(reason, unscaled.error().message);
    to.decimal(*unscaled);
    return true;
  }
  if (type.kind == Kind::json) {
    if (!is_json_text(from.text(row))) return refuse(reason, "the text is not JSON");
    to.text(from.text(row));
    return true;
  }
  const auto value = parse_value(from.text(row), type);
  if (!value) return refuse(reason, value.error().message);
  if (!append(to, *value)) return refuse(reason, "the text does not fit its column");
  return true;
}

bool any_to_text(const Column& from, std::size_t row, ColumnBuilder& to, std::string&) {
  to.text(format(value_at(from, row)));
  return true;
}

bool same_text(const Column& from, std::size_t row, ColumnBuilder& to, std::string&) {
  to.text(from.text(row));
  return true;
}

Convert from_int64(Kind to) {
  switch (to) {
    case Kind::decimal:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        return put_decimal(from.int64s()[row], 0, out, reason);
      };
    case Kind::float64:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        const std::int64_t value = from.int64s()[row];
        const auto rounded = static_cast<double>(value);
        // 2^63 is a double but no int64: the way back must stay defined.
        if (rounded >= 0x1p63 || static_cast<std::int64_t>(rounded) != value)
          return refuse(reason, "float64 cannot hold the number exactly");
        out.float64(rounded);
        return true;
      };
    case Kind::boolean:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        const std::int64_t value = from.int64s()[row];
        if (value != 0 && value != 1) return refuse(reason, "only 0 and 1 become boolean");
        out.boolean(value == 1);
        return true;
      };
    case Kind::number:
    case Kind::text:
      return any_to_text;
    default:
      return nullptr;
  }
}

Convert from_decimal(Kind to) {
  switch (to) {
    case Kind::decimal:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        return put_decimal(from.decimals()[row], from.type().scale, out, reason);
      };
    case Kind::int64:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        return put_int64(from.decimals()[row], from.type().scale, out, reason);
      };
    case Kind::number:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string&) {
        out.text(canonical_number(format_decimal(from.decimals()[row], from.type().scale)).value());
        return true;
      };
    case Kind::text:
      return any_to_text;
    default:
      return nullptr;
  }
}

Convert from_number(Kind to) {
  switch (to) {
    case Kind::decimal:
      return text_to_any;
    case Kind::int64:
      return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
        if (from.text(row).find('.') != std::string_view::npos)
          return refuse(reason, "the number is not whole");
        return text_to_any(from, row, out, reason);
      };
    case Kind::text:
      return same_text;
    default:
      return nullptr;
  }
}

Convert from_date(Kind to) {
  if (to == Kind::text) return any_to_text;
  if (to != Kind::timestamp) return nullptr;
  return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
    const std::int32_t days = from.int32s()[row];
    std::int64_t micros = 0;
    if (days == kDateInfinity)
      micros = kInfinity;
    else if (days == kDateMinusInfinity)
      micros = kMinusInfinity;
    else if (__builtin_mul_overflow(std::int64_t{days}, kMicrosPerDay, &micros))
      return refuse(reason, "the date is outside the range of timestamp");
    out.int64(micros);
    return true;
  };
}

Convert from_timestamp(Kind to) {
  if (to == Kind::text) return any_to_text;
  if (to != Kind::date) return nullptr;
  return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string& reason) {
    const std::int64_t micros = from.int64s()[row];
    if (micros == kInfinity || micros == kMinusInfinity) {
      out.date(micros == kInfinity ? kDateInfinity : kDateMinusInfinity);
      return true;
    }
    if (micros % kMicrosPerDay != 0) return refuse(reason, "the timestamp is not midnight");
    out.date(static_cast<std::int32_t>(micros / kMicrosPerDay));
    return true;
  };
}

Convert from_boolean(Kind to) {
  if (to == Kind::text) return any_to_text;
  if (to != Kind::int64) return nullptr;
  return [](const Column& from, std::size_t row, ColumnBuilder& out, std::string&) {
    out.int64(from.bools()[row]);
    return true;
  };
}

// The matrix. Nothing: there is no exact conversion between these kinds.
Convert conversion(Kind from, Kind to) {
  switch (from) {
    case Kind::boolean:
      return from_boolean(to);
    case Kind::int64:
      return from_int64(to);
    case Kind::decimal:
      return from_decimal(to);
    case Kind::number:
      return from_number(to);
    case Kind::text:
      return text_to_any;
    case Kind::date:
      return from_date(to);
    case Kind::timestamp:
      return from_timestamp(to);
    case Kind::json:
      return to == Kind::text ? same_text : nullptr;
    case Kind::time:
    case Kind::timestamptz:
    case Kind::uuid:
      return to == Kind::text ? any_to_text : nullptr;
    case Kind::float64:
    case Kind::bytes:
      return nullptr;
  }
  return nullptr;
}

// A row's first problem, by target column; empty reasons for good rows, no entries at all when all are good.
class Problems {
 public:
  explicit Problems(std::size_t rows) : rows_{rows} {}
  bool any() const { return !reasons_.empty(); }
  bool bad(std::size_t row) const { return any() && !reasons_[row].reason.empty(); }
  void add(std::size_t row, const std::string& column, std::string reason) {
    if (!any()) reasons_.resize(rows_);
    if (reasons_[row].reason.empty()) reasons_[row] = {row, column, std::move(reason)};
  }
  std::vector<RowError> list() && {
    std::erase_if(reasons_, [](const RowError& error) { return error.reason.empty(); });
    return std::move(reasons_);
  }

 private:
  std::size_t rows_;
  std::vector<RowError> reasons_;
};

Column convert_column(const Column& from, const Field& to, Problems& problems) {
  const Convert convert = conversion(from.type().kind, to.type.kind);
  const std::string impossible =
      fmt::format("{} does not become {} without loss", to_string(from.type()), to_string(to.type));
  ColumnBuilder out{to.type};
  out.reserve(from.size());
  std::string reason;
  for (std::size_t row = 0; row < from.size(); ++row) {
    if (from.is_null(row)) {
      out.null();
    } else if (!convert || !convert(from, row, out, reason)) {
      problems.add(row, to.name, convert ? reason : impossible);
      out.null();
    }
  }
  return out.finish();
}

void refuse_nulls(const Column& column, const std::string& name, Problems& problems) {
  for (std::size_t row = 0; row < column.size(); ++row)
    if (column.is_null(row)) problems.add(row, name, "null where the target allows none");
}

Column all_null(Type type, std::size_t rows) {
  Bytes values(rows * width(type.kind));
  std::vector<std::uint32_t> offsets(width(type.kind) == 0 ? rows + 1 : 0);
  return {type, rows, Bytes((rows + 7) / 8), std::move(values), std::move(offsets)};
}

// For each target column the index in the batch, or -1.
Result<std::vector<int>> match(const Batch& batch, const RowType& target) {
  std::vector<int> indices;
  std::unordered_set<std::string_view> known;
  for (const auto& field : target) {
    if (!known.insert(field.name).second)
      return fail(Code::invalid_request, fmt::format("the target has the column '{}' twice", field.name));
    indices.push_back(batch.column(field.name));
    if (indices.back() < 0 && !field.nullable)
      return fail(Code::invalid_request,
                  fmt::format("column '{}' may not be null and no row has it", field.name));
  }
  for (const auto& field : *batch.type)
    if (!known.contains(field.name))
      return fail(Code::invalid_request, fmt::format("the target has no column '{}'", field.name));
  return indices;
}

// `take` yields the column itself, by move or by copy.
template <class Take>
Result<CastOutcome> cast_columns(const Batch& batch, const RowTypePtr& target, Take&& take) {
  VMC_TRY(indices, match(batch, *target));
  CastOutcome outcome{{target, {}, batch.rows}, {}};
  outcome.batch.columns.reserve(target->size());
  Problems problems{batch.rows};
  for (std::size_t i = 0; i < target->size(); ++i) {
    const auto& field = (*target)[i];
    if (indices[i] < 0) {
      outcome.batch.columns.push_back(all_null(field.type, batch.rows));
      continue;
    }
    const auto& from = batch.columns[static_cast<std::size_t>(indices[i])];
    if (from.has_nulls() && !field.nullable) refuse_nulls(from, field.name, problems);
    outcome.batch.columns.push_back(from.type() == field.type ? take(static_cast<std::size_t>(indices[i]))
                                                              : convert_column(from, field, problems));
  }
  if (!problems.any()) return outcome;
  std::vector<bool> keep(batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row) keep[row] = !problems.bad(row);
  outcome.batch = select_rows(outcome.batch, keep);
  outcome.errors = std::move(problems).list();
  return outcome;
}

}  // namespace

Result<CastOutcome> cast(const Batch& batch, const RowTypePtr& target) {
  return cast_columns(batch, target, [&](std::size_t i) { return batch.columns[i]; });
}

Result<CastOutcome> cast(Batch&& batch, const RowTypePtr& target) {
  return cast_columns(batch, target, [&](std::size_t i) { return std::move(batch.columns[i]); });
}

}  // namespace vmc::data
