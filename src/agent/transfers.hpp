// The two ends of a stream between a database thread and the buffer: ChunkSender for extracts, ChunkReceiver
// for loads.
//
// The database thread hands over batches through a bounded pipe and blocks while it is full; the loop seals
// and uploads (or fetches and opens) meanwhile. Whichever side fails first ends the other.
#pragma once

#include "agent/chunk_buffer.hpp"
#include "core/offload.hpp"
#include "core/pipe.hpp"
#include "core/task_group.hpp"
#include "data/batch.hpp"
#include "data/schema.hpp"
#include "sources/pool.hpp"
#include "wire/command.hpp"

namespace vmc::agent {

inline constexpr std::size_t kBatchesBetween = 2;

using SessionWork = std::function<Result<void>(sources::Session&)>;

// The columns of a table in the order named; SCHEMA_ACCESS_DENIED for one that is not there.
Result<data::RowTypePtr> row_type_of(const data::TableInfo& table, const std::vector<std::string>& columns);
// Only these columns of a batch, in this order.
Result<data::Batch> project(const data::Batch& batch, const std::vector<std::string>& columns);

class ChunkSender {
 public:
  struct Sent {
    std::int64_t chunks = 0, rows = 0;
    std::int64_t bytes = 0;  // sealed
  };
  ChunkSender(asio::io_context& loop, ChunkBuffer& buffer, Pool& cpu, const wire::Command& command)
      : loop_{loop},
        buffer_{buffer},
        cpu_{cpu},
        command_{command},
        pipe_{loop.get_executor(), kBatchesBetween} {}

  // On the database thread.
  Result<void> take(data::Batch batch);
  void end_of_rows() { pipe_.close(); }

  // On the loop: runs `read` with a session and uploads what it hands over. A read without rows sends one
  // empty chunk.
  awaitable<Result<Sent>> run(sources::SourcePool& pool, SessionWork read, const data::Intent& intent,
                              const data::TableInfo& table);
  const Sent& sent() const { return sent_; }  // until now, however it ended

 private:
  awaitable<void> read_rows(sources::SourcePool& pool, SessionWork read);
  awaitable<Result<void>> send(data::Batch batch, bool last);
  asio::io_context& loop_;
  ChunkBuffer& buffer_;
  Pool& cpu_;
  const wire::Command& command_;
  Pipe<data::Batch> pipe_;
  Result<void> read_outcome_;
  Sent sent_;
};

class ChunkReceiver {
 public:
  ChunkReceiver(asio::io_context& loop, ChunkBuffer& buffer, Pool& cpu, const wire::Command& command)
      : loop_{loop},
        buffer_{buffer},
        cpu_{cpu},
        command_{command},
        pipe_{loop.get_executor(), kBatchesBetween} {}

  // On the database thread: the next batch, nothing at the true end, or why there is no more. A stream that
  // was cut short is an error, never an end: half a part must not be committed.
  Result<std::optional<data::Batch>> next();

  // On the loop: fetches and opens the input's chunks while `work` runs with a session.
  awaitable<Result<void>> run(sources::SourcePool& pool, sources::Access access, SessionWork work);
  std::int64_t bytes() const { return bytes_; }  // fetched, sealed

 private:
  awaitable<void> use_rows(sources::SourcePool& pool, sources::Access access, SessionWork work);
  awaitable<Result<data::Batch>> fetch(std::int64_t index);
  awaitable<void> fetch_all();
  asio::io_context& loop_;
  ChunkBuffer& buffer_;
  Pool& cpu_;
  const wire::Command& command_;
  Pipe<Result<std::optional<data::Batch>>> pipe_;  // an empty one is the end
  std::int64_t bytes_ = 0;
  Result<void> work_outcome_;
};

}  // namespace vmc::agent
