// What the measuring programs share.
#pragma once

#include <sys/resource.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/result.hpp"

namespace vmc::bench {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
inline void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().text());
}

// User and system time of this process and its ended children.
inline double cpu_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const auto& time : {usage.ru_utime, usage.ru_stime})
      sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  return sum;
}

// Peak resident memory since exec; getrusage would tell that of who started us, too.
inline double peak_mb() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  throw std::runtime_error("/proc/self/status tells no VmHWM");
}

}  // namespace vmc::bench
