// The guard: which SQL statements an agent runs. Text in, verdict out; no database is touched.
//
// A statement passes when it is one statement, has only reading forms, calls only functions known to be harmless and
// reaches only what the catalogue allows; whatever is not understood is refused. Safe to share between threads.
#pragma once

#include <memory>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/verdict.hpp"

namespace vmc::sql {

struct GuardSettings {
  Catalogue catalogue;
  // The customer's own functions that may be called, folded: "vat_of", "shop.vat_of". What they do is not looked at.
  std::set<std::string> functions;
  // Are writing verbs known by their words? If not, the grammar alone must refuse them, which a self-test shows. Nothing
  // else turns this off: neither configuration nor cloud reaches it.
  bool keywords = true;
};

// Names as people write them, folded as the dialect does: PostgreSQL's as they are, the others' without case.
std::set<std::string> folded_functions(Dialect dialect, const std::vector<std::string>& names);

class Guard {
 public:
  virtual ~Guard() = default;
  virtual Verdict judge(std::string_view statement) const = 0;
};

Result<std::unique_ptr<Guard>> make_guard(Dialect dialect, GuardSettings settings);

}  // namespace vmc::sql
