#include "core/clock.hpp"

#include <ctime>

#include <fmt/format.h>

namespace vmc {
namespace {

class SystemClock final : public Clock {
 public:
  Micros now() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_rfc3339(Micros time) {
  const Micros second = 1'000'000;
  Micros whole = time / second, part = time % second;
  if (part < 0) {
    part += second;
    --whole;
  }
  const auto stamp = static_cast<std::time_t>(whole);
  std::tm utc{};
  gmtime_r(&stamp, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, part);
}

}  // namespace vmc
