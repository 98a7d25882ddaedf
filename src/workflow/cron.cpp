#include "workflow/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::workflow {
namespace {

struct Field {
  std::string_view name;
  int min, max;
  std::span<const std::string_view> words;  // for min, min + 1 …
};

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kDays{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59, {}},
                                        {"hour", 0, 23, {}},
                                        {"day of month", 1, 31, {}},
                                        {"month", 1, 12, kMonths},
                                        {"day of week", 0, 7, kDays}}};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<int> value_of(const Field& field, std::string_view text) {
  for (std::size_t i = 0; i < field.words.size(); ++i) {
    const auto& word = field.words[i];
    const bool same =
        text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
          return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
        });
    if (same) return field.min + static_cast<int>(i);
  }
  const auto value = number(text);
  if (!value || *value < field.min || *value > field.max) return std::nullopt;
  return value;
}

// "*", "5", "1-5", each with "/2" behind it.
bool is_range(const Field& field, std::string_view item) {
  if (const auto slash = item.find('/'); slash != std::string_view::npos) {
    const auto step = number(item.substr(slash + 1));
    if (!step || *step < 1 || *step > field.max) return false;
    item = item.substr(0, slash);
  }
  if (item == "*") return true;
  const auto dash = item.find('-');
  const auto first = value_of(field, item.substr(0, dash));
  if (dash == std::string_view::npos) return first.has_value();
  const auto last = value_of(field, item.substr(dash + 1));
  return first && last && *first <= *last;
}

}  // namespace

std::string cron_problem(std::string_view expression) {
  if (expression.size() > 200) return "is longer than 200 characters";
  std::vector<std::string> fields;
  for (auto& part : split(expression, ' '))
    if (!part.empty()) fields.push_back(std::move(part));
  if (fields.size() != kFields.size())
    return fmt::format("must have 5 fields (minute, hour, day of month, month, day of week), not {}",
                       fields.size());
  for (std::size_t i = 0; i < kFields.size(); ++i)
    for (const auto& item : split(fields[i], ','))
      if (!is_range(kFields[i], item))
        return fmt::format("has a {} that is no value, range or step between {} and {}", kFields[i].name,
                           kFields[i].min, kFields[i].max);
  return {};
}

}  // namespace vmc::workflow
