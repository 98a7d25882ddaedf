// Rows as the server sends them, in batches: of a COPY, or of statements whose rows are one composite value each.
#pragma once

#include <span>

#include "data/batch.hpp"
#include "sources/postgres/connection.hpp"
#include "sources/postgres/decode.hpp"

namespace vmc::sources::postgres {

class RowStream {
 public:
  RowStream(Connection& db, const data::TableInfo& table, data::RowTypePtr type);

  // Until what was sent by send_streamed() ends; may be called for several statements of one projection.
  Result<void> run(const BatchSink& sink);
  // Until the COPY ends whose columns are of these types.
  Result<void> run_copy(std::span<const Oid> sent, const BatchSink& sink);
  Result<void> finish(const BatchSink& sink);

 private:
  Result<void> hand_on(const BatchSink& sink);
  Result<void> stream(const BatchSink& sink);
  Result<void> stream_copy(const BatchSink& sink);
  Result<void> take_composite(std::string_view row);
  Result<bool> take_copied(std::string_view row);
  Result<void> take_field(std::size_t i, const char*& at, const char* end);
  Result<void> choose_decoder(const data::Field& field, Oid sent);
  Error mangled() const;

  Connection& db_;
  const data::TableInfo& table_;
  data::BatchBuilder batch_;
  std::vector<Decoder> decoders_;
  std::uint64_t row_ = 0;
  bool header_taken_ = false;
};

// `text` as one that COPY can run, which takes no parameters: each stands in a setting of the transaction instead,
// under a name that keep_params() gives it. Nothing where that is no good: there are more than a few, or the server
// alone knows the type of one.
std::optional<std::string> without_params(const std::string& text, const Params& params);
// The values, for this transaction: bound as ever.
Result<void> keep_params(Connection& db, const Params& params);

}  // namespace vmc::sources::postgres
