// Time as a value that is passed in. Micros are microseconds since 1970-01-01 UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace vmc {

using Micros = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Micros now() const = 0;
};

// The machine's clock. Stateless, so one instance serves everybody.
const Clock& system_clock();

// A clock that tests move by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Micros start = 1'700'000'000'000'000) : now_{start} {}
  Micros now() const override { return now_; }
  void advance(std::chrono::microseconds by) { now_ += by.count(); }

 private:
  Micros now_;
};

inline Micros micros(std::chrono::microseconds d) { return d.count(); }

// RFC 3339 in UTC with microseconds: 2026-01-31T23:59:59.000001Z
std::string to_rfc3339(Micros time);

}  // namespace vmc
