// Runs a function at the end of its scope, however that is left.
#pragma once

#include <utility>

namespace vmc {

template <class F>
class Cleanup {
 public:
  explicit Cleanup(F run) : run_{std::move(run)} {}
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;
  ~Cleanup() { run_(); }

 private:
  F run_;
};

}  // namespace vmc
