#include "sql/guard/guard.hpp"

#include "core/text.hpp"
#include "sql/guard/elsewhere.hpp"
#include "sql/guard/readers.hpp"
#include "sql/guard/resolve.hpp"

namespace vmc::sql {
namespace {

using Reader = Reading (*)(std::string_view, const GuardSettings&);

// Reads the text, then resolves the names in it.
class ReadingGuard final : public Guard {
 public:
  ReadingGuard(Dialect dialect, Reader reader, GuardSettings settings)
      : dialect_{dialect}, reader_{reader}, settings_{std::move(settings)} {}

  Verdict judge(std::string_view statement) const override {
    auto reading = reader_(statement, settings_);
    Verdict verdict;
    if (reading.refusal) {
      verdict.refusal = std::move(reading.refusal);
      advise(dialect_, statement, *verdict.refusal);
    } else {
      verdict = resolve(dialect_, reading.query, settings_.catalogue);
    }
    verdict.begin = reading.begin;
    verdict.length = reading.length;
    verdict.is_query = reading.is_query;
    return verdict;
  }

 private:
  Dialect dialect_;
  Reader reader_;
  GuardSettings settings_;
};

}  // namespace

std::set<std::string> folded_functions(Dialect dialect, const std::vector<std::string>& names) {
  std::set<std::string> folded;
  for (const auto& name : names) folded.insert(dialect == Dialect::postgres ? name : lowered(name));
  return folded;
}

Result<std::unique_ptr<Guard>> make_guard(Dialect dialect, GuardSettings settings) {
  switch (dialect) {
    case Dialect::postgres:
      return std::unique_ptr<Guard>{std::make_unique<ReadingGuard>(dialect, read_postgres, std::move(settings))};
    case Dialect::sqlite:
      return make_sqlite_guard(std::move(settings));
    case Dialect::mysql:
      return std::unique_ptr<Guard>{std::make_unique<ReadingGuard>(dialect, read_mysql, std::move(settings))};
    case Dialect::mssql:
      return std::unique_ptr<Guard>{std::make_unique<ReadingGuard>(dialect, read_mssql, std::move(settings))};
  }
  return fail(Code::internal, "no such dialect");
}

}  // namespace vmc::sql
