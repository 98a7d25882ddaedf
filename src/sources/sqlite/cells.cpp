#include "sources/sqlite/cells.hpp"

#include <charconv>
#include <cmath>

#include "data/text_rules.hpp"
#include "data/value.hpp"

namespace vmc::sources::sqlite {
namespace {

using data::ColumnBuilder;
using data::Int128;
using data::Kind;

constexpr const char* kNotItsType = "the value is not of the column's declared type";
constexpr const char* kReal =
    "a REAL is stored where a decimal is declared; only a column with text affinity, such as "
    "DECIMAL_TEXT(12,2), "
    "keeps decimals exact";
constexpr const char* kNotUtf8 = "the text is not valid UTF-8";
constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;

const char* read_integer(std::int64_t value, data::Type type, ColumnBuilder& out) {
  switch (type.kind) {
    case Kind::int64:
      return out.int64(value), nullptr;
    case Kind::boolean:
      if (value != 0 && value != 1) return "a boolean is neither 0 nor 1";
      return out.boolean(value == 1), nullptr;
    case Kind::float64:
      if (value > kExactInDouble || value < -kExactInDouble)
        return "the integer has no exact floating-point form";
      return out.float64(static_cast<double>(value)), nullptr;
    case Kind::decimal: {
      auto text = std::to_string(value);
      auto unscaled = data::parse_decimal(text, type.precision, type.scale);
      if (!unscaled) return "the integer has more digits than the column declares";
      return out.decimal(*unscaled), nullptr;
    }
    case Kind::number:
    case Kind::json:
      return out.text(std::to_string(value)), nullptr;
    default:
      return kNotItsType;
  }
}

const char* read_text(std::string_view text, data::Type type, ColumnBuilder& out) {
  const auto parsed = [](auto&& result, auto put) -> const char* {
    if (!result) return kNotItsType;
    return put(*result), nullptr;
  };
  switch (type.kind) {
    case Kind::text:
      if (!data::is_valid_utf8(text)) return kNotUtf8;
      return out.text(text), nullptr;
    case Kind::json:
      if (!data::is_json_text(text)) return "the text is not JSON";
      return out.text(text), nullptr;
    case Kind::decimal:
      return parsed(data::parse_decimal(text, type.precision, type.scale), [&](Int128 v) { out.decimal(v); });
    case Kind::number:
      return parsed(data::canonical_number(text), [&](const std::string& v) { out.text(v); });
    case Kind::date:
      return parsed(data::parse_date(text), [&](std::int32_t v) { out.date(v); });
    case Kind::time:
      return parsed(data::parse_time(text), [&](std::int64_t v) { out.int64(v); });
    case Kind::timestamp:
      return parsed(data::parse_timestamp(text, false), [&](std::int64_t v) { out.int64(v); });
    case Kind::timestamptz:
      return parsed(data::parse_timestamp(text, true), [&](std::int64_t v) { out.int64(v); });
    case Kind::uuid:
      return parsed(data::parse_uuid(text), [&](const data::Uuid& v) { out.uuid(v.bytes); });
    default:
      return kNotItsType;
  }
}

// A column without any declared type (an expression of a view) holds whatever it holds; its text form is
// exact.
const char* read_untyped(const Cell& cell, ColumnBuilder& out) {
  switch (cell.stored) {
    case SQLITE_INTEGER:
      return out.text(std::to_string(cell.integer)), nullptr;
    case SQLITE_FLOAT:
      return out.text(data::format_float64(cell.real)), nullptr;
    case SQLITE_TEXT:
      return read_text(cell.bytes, {Kind::text}, out);
    default:
      return "a blob is stored where no type is declared";
  }
}

std::string temporal_text(Kind kind, const data::Column& cells, std::size_t row) {
  switch (kind) {
    case Kind::date:
      return data::format_date(cells.int32s()[row]);
    case Kind::time:
      return data::format_time(cells.int64s()[row]);
    case Kind::uuid:
      return data::format_uuid(cells.uuid(row));
    default:
      return data::format_timestamp(cells.int64s()[row], kind == Kind::timestamptz);
  }
}

}  // namespace

Cell cell_at(sqlite3_stmt* row, int index) {
  Cell cell;
  cell.stored = sqlite3_column_type(row, index);
  if (cell.stored == SQLITE_INTEGER) {
    cell.integer = sqlite3_column_int64(row, index);
  } else if (cell.stored == SQLITE_FLOAT) {
    cell.real = sqlite3_column_double(row, index);
  } else if (cell.stored != SQLITE_NULL) {
    const auto* bytes = static_cast<const char*>(cell.stored == SQLITE_TEXT
                                                     ? static_cast<const void*>(sqlite3_column_text(row, index))
                                                     : sqlite3_column_blob(row, index));
    cell.bytes = {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(row, index))};
  }
  return cell;
}

const char* read_cell(const Cell& cell, const data::ColumnInfo& column, ColumnBuilder& out) {
  if (cell.stored == SQLITE_NULL) return out.null(), nullptr;
  if (column.sql_type.empty() && column.type.kind == Kind::text) return read_untyped(cell, out);
  switch (cell.stored) {
    case SQLITE_INTEGER:
      return read_integer(cell.integer, column.type, out);
    case SQLITE_FLOAT:
      if (column.type.kind == Kind::float64) return out.float64(cell.real), nullptr;
      return column.type.kind == Kind::decimal || column.type.kind == Kind::number ? kReal : kNotItsType;
    case SQLITE_TEXT:
      return read_text(cell.bytes, column.type, out);
    default:
      if (column.type.kind != Kind::bytes) return kNotItsType;
      return out.text(cell.bytes), nullptr;
  }
}

const char* bind_cell(sqlite3_stmt* statement, int index, const data::ColumnInfo& column,
                      const data::Column& cells, std::size_t row) {
  int rc = SQLITE_OK;
  const auto owned = [&](const std::string& text) {
    return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  };
  const auto borrowed = [&](std::string_view text) {
    // Where all texts of a batch are empty there is no buffer, and a null pointer would be bound as NULL.
    const char* data = text.empty() ? "" : text.data();
    return sqlite3_bind_text64(statement, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  };
  if (cells.is_null(row)) {
    rc = sqlite3_bind_null(statement, index);
  } else {
    switch (const auto kind = cells.type().kind) {
      case Kind::int64:
        rc = sqlite3_bind_int64(statement, index, cells.int64s()[row]);
        break;
      case Kind::boolean:
        rc = sqlite3_bind_int64(statement, index, cells.bools()[row] ? 1 : 0);
        break;
      case Kind::float64:
        if (std::isnan(cells.doubles()[row])) return "SQLite keeps no NaN";
        rc = sqlite3_bind_double(statement, index, cells.doubles()[row]);
        break;
      case Kind::decimal: {
        Int128 unscaled = cells.decimals()[row];
        for (auto scale = cells.type().scale; scale < column.type.scale; ++scale) unscaled *= 10;
        rc = owned(data::format_decimal(unscaled, column.type.scale));
        break;
      }
      case Kind::text:
      case Kind::number:
      case Kind::json:
        rc = borrowed(cells.text(row));
        break;
      case Kind::bytes: {
        const auto bytes = cells.text(row);
        rc = sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                                 SQLITE_STATIC);
        break;
      }
      default:
        rc = owned(temporal_text(kind, cells, row));
        break;
    }
  }
  if (rc == SQLITE_TOOBIG) return "the value is larger than 16 MiB";
  return rc == SQLITE_OK ? nullptr : "the value cannot be bound";
}

}  // namespace vmc::sources::sqlite
