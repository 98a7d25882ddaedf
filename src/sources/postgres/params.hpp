// Parameters of one PostgreSQL statement in the form the protocol sends: binary where the rendered cast fixes
// the type, text elsewhere.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "data/value.hpp"

namespace vmc::sources::postgres {

class Params {
 public:
  Params& text(std::string value, Oid type = 0) { return put(std::move(value), 0, type); }
  Params& number(std::int64_t value);  // an int8
  // INVALID_REQUEST for an instant PostgreSQL cannot hold or a text with a NUL.
  Result<void> value(const data::Value& value);

  int size() const { return static_cast<int>(pointers_.size()); }
  const Oid* types() const { return types_.data(); }
  const char* const* pointers() const { return pointers_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  Params& put(std::string value, int format, Oid type);
  std::deque<std::string> values_;  // stable addresses
  std::vector<const char*> pointers_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<Oid> types_;
};

// Between our epoch (1970) and PostgreSQL's (2000); false: no such value on the other side.
bool to_server_micros(std::int64_t ours, std::int64_t& theirs);
bool to_server_days(std::int32_t ours, std::int32_t& theirs);
bool from_server_micros(std::int64_t theirs, std::int64_t& ours);
bool from_server_days(std::int32_t theirs, std::int32_t& ours);

}  // namespace vmc::sources::postgres
