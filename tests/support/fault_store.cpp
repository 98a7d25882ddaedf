#include "support/fault_store.hpp"

namespace vmc::store {

class FaultStore::FaultyTx final : public Tx {
 public:
  FaultyTx(FaultStore& owner, Tx& real) : owner_{owner}, real_{real} {}
  Rows query(std::string_view sql, Params params) override {
    count();
    return real_.query(sql, params);
  }
  std::int64_t exec(std::string_view sql, Params params) override {
    count();
    return real_.exec(sql, params);
  }
  const std::string& tenant() const override { return real_.tenant(); }
  bool failed() const { return failed_; }

 private:
  void count() {
    if (!failed_ && !owner_.strikes(Fault::When::statement, ++owner_.statements_)) return;
    failed_ = true;
    throw StoreFailure{owner_.error()};
  }

  FaultStore& owner_;
  Tx& real_;
  bool failed_ = false;
};

void FaultStore::fail(Fault fault) {
  fault_ = fault;
  calls_ = 0;
  statements_ = 0;
  struck_ = false;
  armed_ = true;
}

void FaultStore::heal() { armed_ = false; }

bool FaultStore::strikes(Fault::When when, std::size_t count) {
  if (!armed_ || fault_.when != when || count != fault_.nth) return false;
  struck_ = true;
  return true;
}

Error FaultStore::error() const { return vmc::fail(fault_.code, "a fault was injected"); }

awaitable<Result<void>> FaultStore::write(std::string tenant, std::function<Result<void>(Tx&)> work) {
  return call(true, std::move(tenant), std::move(work));
}

awaitable<Result<void>> FaultStore::snapshot(std::string tenant, std::function<Result<void>(Tx&)> work) {
  return call(false, std::move(tenant), std::move(work));
}

awaitable<Result<void>> FaultStore::call(bool writes, std::string tenant,
                                         std::function<Result<void>(Tx&)> work) {
  const auto number = ++calls_;
  if (strikes(Fault::When::before, number)) co_return error();
  auto faulty = [this, &work](Tx& real) -> Result<void> {
    FaultyTx tx{*this, real};
    auto outcome = work(tx);
    if (tx.failed()) return error();
    return outcome;
  };
  std::function<Result<void>(Tx&)> closure = faulty;
  Result<void> done;
  if (writes) {
    done = co_await real_.write(std::move(tenant), std::move(closure));
  } else {
    done = co_await real_.snapshot(std::move(tenant), std::move(closure));
  }
  if (done && strikes(Fault::When::after, number)) co_return error();
  co_return done;
}

}  // namespace vmc::store
