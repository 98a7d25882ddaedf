// A real Database whose n-th call fails: before it does anything, at a statement, or after its commit with
// the answer lost. The only stand-in for a Database in the tests; what is not failed runs for real.
#pragma once

#include <atomic>

#include "store/database.hpp"

namespace vmc::store {

struct Fault {
  enum class When {
    before,     // the n-th transact() or read() is refused
    statement,  // the n-th statement of all closures throws
    after,      // the n-th transact() or read() took place, but its caller hears an error
  };
  When when = When::before;
  std::size_t nth = 1;  // counted from 1 since fail()
  Code code = Code::unavailable;
};

class FaultStore final : public Database {
 public:
  explicit FaultStore(Database& real) : real_{real} {}

  // Arms one fault; counting starts anew. On the loop.
  void fail(Fault fault);
  void heal();
  bool struck() const { return struck_; }
  std::size_t calls() const { return calls_; }

 protected:
  awaitable<Result<void>> write(std::string tenant, std::function<Result<void>(Tx&)> work) override;
  awaitable<Result<void>> snapshot(std::string tenant, std::function<Result<void>(Tx&)> work) override;

 private:
  class FaultyTx;
  bool strikes(Fault::When when, std::size_t count);
  Error error() const;
  awaitable<Result<void>> call(bool writes, std::string tenant, std::function<Result<void>(Tx&)> work);

  Database& real_;
  Fault fault_;
  std::atomic<bool> armed_{false};
  std::atomic<bool> struck_{false};
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> statements_{0};  // counted on the store's threads
};

}  // namespace vmc::store
