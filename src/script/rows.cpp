#include "script/rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/text.hpp"
#include "data/text_rules.hpp"
#include "data/value.hpp"
#include "script/json_text.hpp"
#include "script/limits.hpp"

namespace vmc::script {
namespace {

using data::Kind;

constexpr const char* kMismatch = "";  // the general answer: what came, what was expected

std::string uuid_text(ByteView bytes) {
  auto hex = to_hex(bytes);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
  return hex;
}

int push_keys(lua_State* L, const data::RowType& type) {
  const auto columns = static_cast<int>(type.size());
  luaL_checkstack(L, columns + 20, "too many columns");
  const int first = lua_gettop(L) + 1;
  for (const auto& field : type) lua_pushlstring(L, field.name.data(), field.name.size());
  return first;
}

bool power_of_ten(int n, Int128& out) {
  out = 1;
  for (int i = 0; i < n; ++i) out *= 10;
  return n <= 38;
}

std::size_t slot_of(const char* address, std::size_t mask) {
  return (reinterpret_cast<std::uintptr_t>(address) >> 3) * 0x9e3779b97f4a7c15u >> 20 & mask;
}

}  // namespace

RowPusher::RowPusher(lua_State* L, const data::RowType& type)
    : L_{L}, keys_{push_keys(L, type)}, columns_{static_cast<int>(type.size())} {}

void RowPusher::push(const data::Batch& batch, std::size_t row) {
  lua_createtable(L_, 0, columns_);
  for (int i = 0; i < columns_; ++i) {
    const auto& column = batch.columns[static_cast<std::size_t>(i)];
    lua_pushvalue(L_, keys_ + i);
    if (column.is_null(row)) {
      push_null(L_);
    } else {
      push_value(column, row);
    }
    lua_rawset(L_, -3);
  }
}

void RowPusher::push_value(const data::Column& column, std::size_t row) {
  const auto type = column.type();
  switch (type.kind) {
    case Kind::boolean:
      lua_pushboolean(L_, column.bools()[row]);
      break;
    case Kind::int64:
      lua_pushinteger(L_, column.int64s()[row]);
      break;
    case Kind::float64:
      lua_pushnumber(L_, column.doubles()[row]);
      break;
    case Kind::decimal:
      push_small_decimal(L_, column.decimals()[row], type.scale);
      break;
    case Kind::number: {
      const auto value = ExactDecimal::parse(column.text(row));
      push_decimal(L_, value ? *value : ExactDecimal::nan());
      break;
    }
    case Kind::text:
    case Kind::bytes:
    case Kind::json: {
      const auto text = column.text(row);
      lua_pushlstring(L_, text.data(), text.size());
      break;
    }
    case Kind::date:
      push_time(L_, Box::date, column.int32s()[row]);
      break;
    case Kind::time:
      push_time(L_, Box::time, column.int64s()[row]);
      break;
    case Kind::timestamp:
      push_time(L_, Box::timestamp, column.int64s()[row]);
      break;
    case Kind::timestamptz:
      push_time(L_, Box::timestamptz, column.int64s()[row]);
      break;
    case Kind::uuid: {
      const auto text = uuid_text(column.uuid(row));
      lua_pushlstring(L_, text.data(), text.size());
      break;
    }
  }
}

RowReader::RowReader(lua_State* L, data::RowTypePtr type, std::size_t bytes_max)
    : L_{L}, type_{std::move(type)}, builder_{type_}, bytes_max_{bytes_max}, keys_{push_keys(L, *type_)} {
  by_address_.resize(std::bit_ceil(type_->size() * 4 + 4));
  const auto mask = by_address_.size() - 1;
  for (std::size_t i = 0; i < type_->size(); ++i) {
    const char* address = lua_tostring(L, keys_ + static_cast<int>(i));
    auto slot = slot_of(address, mask);
    while (by_address_[slot].first) slot = (slot + 1) & mask;
    by_address_[slot] = {address, static_cast<int>(i)};
    by_name_.emplace((*type_)[i].name, static_cast<int>(i));
  }
}

int RowReader::column_of(int index) const {
  const auto name = text_at(L_, index);
  const auto mask = by_address_.size() - 1;
  for (auto slot = slot_of(name.data(), mask); by_address_[slot].first; slot = (slot + 1) & mask) {
    if (by_address_[slot].first == name.data()) return by_address_[slot].second;
  }
  constexpr std::size_t kShortString = 40;  // LUAI_MAXSHORTLEN
  if (name.size() <= kShortString) return kUnknown;
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kUnknown : found->second;
}

std::optional<Refusal> RowReader::read(int index) {
  index = lua_absindex(L_, index);
  const auto first = cells_.size();
  const auto columns = type_->size();
  cells_.resize(first + columns);
  lua_pushnil(L_);
  while (lua_next(L_, index) != 0) {
    const int column = lua_type(L_, -2) == LUA_TSTRING ? column_of(-2) : kUnknown;
    if (column == kUnknown) {
      lua_pop(L_, 2);
      return unknown_column(index);
    }
    auto& cell = cells_[first + static_cast<std::size_t>(column)];
    const auto& field = (*type_)[static_cast<std::size_t>(column)];
    if (const char* problem = convert(field.type, -1, cell)) {
      Refusal refusal{field.name, problem == kMismatch ? mismatch(field.type, -1) : problem};
      lua_pop(L_, 2);
      return refusal;
    }
    lua_pop(L_, 1);
  }
  for (std::size_t i = 0; i < columns; ++i) {
    const auto& cell = cells_[first + i];
    if (cell.form == Cell::Form::null && !(*type_)[i].nullable)
      return Refusal{(*type_)[i].name, "NULL in a column that may not be NULL"};
    bytes_ += cell.bytes.size() + 8;
  }
  if (bytes_ > bytes_max_) stop_at(Limit::output);
  return std::nullopt;
}

// The first of the unknown names, by bytes: a row is refused for the same reason every time.
std::optional<Refusal> RowReader::unknown_column(int index) {
  std::optional<std::string> worst;
  lua_pushnil(L_);
  while (lua_next(L_, index) != 0) {
    lua_pop(L_, 1);
    if (lua_type(L_, -1) != LUA_TSTRING) {
      Refusal refusal{"", "the row has a key that is no column name but " + std::string{kind_of(L_, -1)}};
      lua_pop(L_, 1);
      return refusal;
    }
    if (column_of(-1) != kUnknown) continue;
    std::string name{text_at(L_, -1)};
    if (!worst || name < *worst) worst = std::move(name);
  }
  std::vector<std::string> names;
  for (const auto& field : *type_) names.push_back(field.name);
  std::string reason = "there is no such column";
  if (const auto near = nearest(*worst, names)) reason += "; did you mean '" + *near + "'?";
  return Refusal{std::move(*worst), std::move(reason)};
}

void RowReader::commit() {
  const auto columns = type_->size();
  for (std::size_t first = 0; first < cells_.size(); first += columns) {
    for (std::size_t i = 0; i < columns; ++i) put(builder_.column(i), cells_[first + i]);
    builder_.end_row();
  }
  discard();
}

void RowReader::discard() {
  cells_.clear();
  texts_.clear();
}

void RowReader::put(data::ColumnBuilder& column, const Cell& cell) {
  switch (cell.form) {
    case Cell::Form::null:
      column.null();
      break;
    case Cell::Form::boolean:
      column.boolean(cell.boolean);
      break;
    case Cell::Form::integer:
      if (column.type().kind == Kind::date) {
        column.date(static_cast<std::int32_t>(cell.integer));
      } else {
        column.int64(cell.integer);
      }
      break;
    case Cell::Form::real:
      column.float64(cell.real);
      break;
    case Cell::Form::decimal:
      column.decimal(cell.decimal);
      break;
    case Cell::Form::bytes:
      if (column.type().kind == Kind::uuid) {
        column.uuid(as_bytes(cell.bytes));
      } else {
        column.text(cell.bytes);
      }
      break;
  }
}

std::string RowReader::mismatch(const data::Type& type, int index) const {
  std::string out = std::string{kind_of(L_, index)} + " where " + to_string(type) + " is expected";
  if (lua_type(L_, index) == LUA_TNUMBER && !lua_isinteger(L_, index) &&
      (type.kind == Kind::decimal || type.kind == Kind::number || type.kind == Kind::int64))
    out += "; a float is not exact, compute with vmc.decimal or integers";
  return out;
}

// Nothing when the cell was filled, else the reason.
const char* RowReader::convert(const data::Type& type, int index, Cell& cell) {
  const int what = lua_type(L_, index);
  if (what == LUA_TLIGHTUSERDATA) {
    cell.form = Cell::Form::null;
    return nullptr;
  }
  if (type.kind == Kind::json && what != LUA_TSTRING) return to_json(index, cell);
  switch (what) {
    case LUA_TBOOLEAN:
      if (type.kind != Kind::boolean) return kMismatch;
      cell.form = Cell::Form::boolean;
      cell.boolean = lua_toboolean(L_, index);
      return nullptr;
    case LUA_TNUMBER:
      if (lua_isinteger(L_, index)) {
        const auto value = lua_tointeger(L_, index);
        if (type.kind == Kind::int64) {
          cell.form = Cell::Form::integer;
          cell.integer = value;
          return nullptr;
        }
        if (type.kind == Kind::float64) {
          cell.form = Cell::Form::real;
          cell.real = static_cast<double>(value);
          // 2^63 itself would come back as another number.
          const bool exact = cell.real < 0x1p63 && static_cast<std::int64_t>(cell.real) == value;
          return exact ? nullptr : "an integer that a float cannot hold exactly";
        }
        if (type.kind == Kind::text) return to_text(index, cell);
        return from_decimal(type, {value, 0}, cell);
      }
      if (type.kind != Kind::float64) return kMismatch;
      cell.form = Cell::Form::real;
      cell.real = lua_tonumber(L_, index);
      return nullptr;
    case LUA_TSTRING:
      return from_text(type, text_at(L_, index), cell);
    case LUA_TUSERDATA:
      break;
    default:
      return kMismatch;
  }
  if (const auto* decimal = decimal_at(L_, index)) {
    if (type.kind == Kind::decimal && decimal->header.form == 0 && decimal->header.scale == type.scale) {
      cell.form = Cell::Form::decimal;
      cell.decimal = unscaled(*decimal);
      Int128 bound = 0;
      power_of_ten(type.precision, bound);
      if (cell.decimal >= bound || cell.decimal <= -bound)
        return "a number that has too many digits for the column";
      return nullptr;
    }
    if (type.kind == Kind::text) return to_text(index, cell);
    return from_decimal(type, to_decimal(*decimal), cell);
  }
  const auto* time = reinterpret_cast<const TimeBox*>(box_at(L_, index));
  const auto box = time->header.box;
  const bool fits = (type.kind == Kind::date && box == Box::date) ||
                    (type.kind == Kind::time && box == Box::time) ||
                    (type.kind == Kind::timestamp && box == Box::timestamp) ||
                    (type.kind == Kind::timestamptz && box == Box::timestamptz);
  if (fits) {
    cell.form = Cell::Form::integer;
    cell.integer = time->value;
    return nullptr;
  }
  return type.kind == Kind::text ? to_text(index, cell) : kMismatch;
}

const char* RowReader::from_text(const data::Type& type, std::string_view text, Cell& cell) {
  cell.form = Cell::Form::bytes;
  cell.bytes = text;
  switch (type.kind) {
    case Kind::bytes:
      return nullptr;
    case Kind::text:
      return data::is_valid_utf8(text) ? nullptr : "a string that is not UTF-8";
    case Kind::json:
      return data::is_json_text(text) ? nullptr : "a string that is not JSON";
    case Kind::boolean:
      return kMismatch;
    default:
      break;
  }
  const auto value = data::parse_value(text, type);
  if (!value) {
    cell.bytes = {};
    return "a string that cannot be read as this type exactly";
  }
  cell.bytes = {};
  cell.form = Cell::Form::integer;
  switch (type.kind) {
    case Kind::int64:
      cell.integer = std::get<std::int64_t>(*value);
      break;
    case Kind::date:
      cell.integer = std::get<data::Date>(*value).days;
      break;
    case Kind::time:
      cell.integer = std::get<data::Time>(*value).micros;
      break;
    case Kind::timestamp:
      cell.integer = std::get<data::Timestamp>(*value).micros;
      break;
    case Kind::timestamptz:
      cell.integer = std::get<data::TimestampTz>(*value).micros;
      break;
    case Kind::float64:
      cell.form = Cell::Form::real;
      cell.real = std::get<double>(*value);
      break;
    case Kind::decimal:
      cell.form = Cell::Form::decimal;
      cell.decimal = std::get<data::Decimal>(*value).unscaled;
      break;
    case Kind::number:
      cell.form = Cell::Form::bytes;
      cell.bytes = keep(std::get<data::Number>(*value).text);
      break;
    case Kind::uuid: {
      const auto& uuid = std::get<data::Uuid>(*value).bytes;
      cell.form = Cell::Form::bytes;
      cell.bytes = keep(std::string{as_text(uuid)});
      break;
    }
    default:
      return kMismatch;
  }
  return nullptr;
}

const char* RowReader::from_decimal(const data::Type& type, const ExactDecimal& value, Cell& cell) {
  if (type.kind == Kind::number) {
    auto text = data::canonical_number(value.text());
    if (!text) return "a number of more than 1,000 digits";
    cell.form = Cell::Form::bytes;
    cell.bytes = keep(std::move(*text));
    return nullptr;
  }
  if (type.kind == Kind::int64) {
    const auto whole = value.at_scale(0);
    if (!whole || *whole < INT64_MIN || *whole > INT64_MAX) return "a decimal that is no 64-bit integer";
    cell.form = Cell::Form::integer;
    cell.integer = static_cast<std::int64_t>(*whole);
    return nullptr;
  }
  if (type.kind != Kind::decimal) return kMismatch;
  if (value.is_nan()) return "NaN where a decimal is expected";
  const auto scaled = value.at_scale(type.scale);
  Int128 bound = 0;
  power_of_ten(type.precision, bound);
  if (!scaled || *scaled >= bound || *scaled <= -bound)
    return "a number that does not fit the column's digits exactly; round it with :round(scale)";
  cell.form = Cell::Form::decimal;
  cell.decimal = *scaled;
  return nullptr;
}

const char* RowReader::to_text(int index, Cell& cell) {
  cell.form = Cell::Form::bytes;
  cell.bytes = keep(std::string{push_text(L_, index)});
  lua_pop(L_, 1);
  return nullptr;
}

const char* RowReader::to_json(int index, Cell& cell) {
  std::string out;
  if (write_json(L_, index, out, bytes_max_)) return "a value that has no form in JSON";
  cell.form = Cell::Form::bytes;
  cell.bytes = keep(std::move(out));
  return nullptr;
}

}  // namespace vmc::script
