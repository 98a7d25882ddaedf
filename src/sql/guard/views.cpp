#include "sql/guard/views.hpp"

namespace vmc::sql {

Result<ViewReader> ViewReader::make(Dialect dialect, const data::Schema& schema, std::string_view database) {
  VMC_TRY(guard, make_guard(dialect, {Catalogue::make(dialect, &schema, {}, database), {}}));
  return ViewReader{std::move(guard)};
}

data::Reads ViewReader::reads(std::string_view definition) const {
  auto verdict = guard_->judge(definition);
  if (!verdict.accepted()) return {{"*", {"*"}}};
  return std::move(verdict.reads);
}

}  // namespace vmc::sql
