#include "script/lines.hpp"

#include <algorithm>
#include <unordered_set>

#include "script/json_text.hpp"
#include "script/limits.hpp"

namespace vmc::script {
namespace {

constexpr std::size_t kLineMax = 16u << 20;
constexpr std::size_t kKnownKeysMax = 10'000;

// Calls `use(number from 0, line)` for every line that is not blank.
template <class Use>
void for_each_line(std::string_view text, Use use) {
  for (std::size_t number = 0; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != line.npos) use(number, line);
  }
}

}  // namespace

LineRunner::LineRunner(lua_State* L, Entry entry, std::size_t bytes_max, LinesReply& reply)
    : L_{L}, entry_{entry}, bytes_max_{bytes_max}, reply_{reply}, context_{lua_gettop(L)} {}

void LineRunner::run(std::string_view text) {
  if (entry_ == Entry::transform_batch) return run_set(text);
  for_each_line(text, [this](std::size_t number, std::string_view line) {
    lua_settop(L_, context_);
    pending_.clear();
    pending_rows_ = 0;
    if (auto refusal = run_line(line)) {
      reply_.refused.push_back({number, std::move(refusal->column), std::move(refusal->reason)});
    } else {
      keep();
    }
  });
}

void LineRunner::keep() {
  reply_.text += pending_;
  reply_.rows += pending_rows_;
  if (reply_.text.size() > bytes_max_) stop_at(Limit::output);
}

// Pushes the line's table.
std::optional<Refusal> LineRunner::read_line(std::string_view line, std::vector<std::string>* keys) {
  if (line.size() > kLineMax) return Refusal{"", "the line is longer than 16 MiB"};
  if (const auto problem = push_json(L_, line, keys)) return Refusal{"", text_of(*problem)};
  if (line[line.find_first_not_of(" \t")] != '{') return Refusal{"", "the line is not a JSON object"};
  return std::nullopt;
}

std::optional<Refusal> LineRunner::run_line(std::string_view line) {
  keys_.clear();
  lua_pushvalue(L_, context_ - 1);
  if (auto refusal = read_line(line, &keys_)) return refusal;
  lua_pushvalue(L_, context_);
  if (const int status = lua_pcall(L_, 2, 1, 1); status != LUA_OK) {
    if (status != LUA_ERRRUN && status != LUA_ERRERR) stop_at(Limit::memory);
    return Refusal{
        "", lua_type(L_, -1) == LUA_TSTRING ? printable(text_at(L_, -1), kReasonMax) : "unknown error"};
  }
  if (entry_ == Entry::transform)
    return for_each_row(L_, -1, [this](int index) { return write(index, keys_); });
  if (!lua_isboolean(L_, -1))
    return Refusal{"", std::string{"filter returned "} + kind_of(L_, -1) + ", not a boolean"};
  if (lua_toboolean(L_, -1)) {
    pending_.append(line).append(1, '\n');
    pending_rows_ = 1;
  }
  return std::nullopt;
}

std::optional<Refusal> LineRunner::write(int index, const std::vector<std::string>& order) {
  if (auto problem = write_json(L_, index, pending_, bytes_max_, &order))
    return Refusal{"", "the row cannot be written: " + *problem};
  pending_ += '\n';
  ++pending_rows_;
  if (reply_.text.size() + pending_.size() > bytes_max_) stop_at(Limit::output);
  return std::nullopt;
}

void LineRunner::run_set(std::string_view text) {
  std::vector<std::string> order;  // of all lines, as first seen
  std::unordered_set<std::string> seen;
  std::vector<std::size_t> numbers;
  RowList list{L_, 0};
  for_each_line(text, [&](std::size_t number, std::string_view line) {
    keys_.clear();
    const int top = lua_gettop(L_);
    if (auto refusal = read_line(line, &keys_)) {
      lua_settop(L_, top);
      reply_.refused.push_back({number, "", std::move(refusal->reason)});
      return;
    }
    list.add(numbers.size());
    numbers.push_back(number);
    for (const auto& key : keys_) {
      if (seen.size() < kKnownKeysMax && seen.insert(key).second) order.push_back(key);
    }
  });
  lua_pushvalue(L_, context_ - 1);
  list.push();
  lua_pushvalue(L_, context_);
  lua_call(L_, 2, 1);
  auto refused = list.read_result([&](int index) -> std::optional<Refusal> {
    pending_.clear();
    pending_rows_ = 0;
    auto refusal = write(index, order);
    if (!refusal) keep();
    return refusal;
  });
  for (auto& error : refused) {
    error.row = numbers[error.row];
    reply_.refused.push_back(std::move(error));
  }
  std::sort(reply_.refused.begin(), reply_.refused.end(),
            [](const auto& a, const auto& b) { return a.row < b.row; });
}

}  // namespace vmc::script
