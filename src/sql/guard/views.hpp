// What views reach, from their definitions.
#pragma once

#include <string>
#include <string_view>

#include "data/schema.hpp"
#include "sql/guard/guard.hpp"

namespace vmc::sql {

class ViewReader {
 public:
  // `schema`: all that was discovered. INVALID_REQUEST for a dialect without a reader.
  static Result<ViewReader> make(Dialect dialect, const data::Schema& schema, std::string_view database = "");
  // {"*": {"*"}}, anything at all, when the definition is not understood or calls what is not known to be harmless.
  data::Reads reads(std::string_view definition) const;

 private:
  explicit ViewReader(std::unique_ptr<Guard> guard) : guard_{std::move(guard)} {}
  std::unique_ptr<Guard> guard_;
};

}  // namespace vmc::sql
