#include "agent/transfers.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "data/chunk.hpp"
#include "data/seal.hpp"

namespace vmc::agent {

Result<data::RowTypePtr> row_type_of(const data::TableInfo& table, const std::vector<std::string>& columns) {
  auto type = std::make_shared<data::RowType>();
  for (const auto& name : columns) {
    const auto* column = table.column(name);
    if (!column)
      return fail(Code::schema_access_denied,
                  fmt::format("column '{}' is not in the approved schema of table '{}'", name, table.name));
    type->push_back({column->name, column->type, column->nullable});
  }
  return data::RowTypePtr{std::move(type)};
}

Result<data::Batch> project(const data::Batch& batch, const std::vector<std::string>& columns) {
  auto type = std::make_shared<data::RowType>();
  data::Batch out;
  out.rows = batch.rows;
  for (const auto& name : columns) {
    const int index = batch.column(name);
    if (index < 0) return fail(Code::command_malformed, fmt::format("the rows have no column '{}'", name));
    type->push_back((*batch.type)[static_cast<std::size_t>(index)]);
    out.columns.push_back(batch.columns[static_cast<std::size_t>(index)]);
  }
  out.type = std::move(type);
  return out;
}

// --- ChunkSender
// --------------------------------------------------------------------------------------------

Result<void> ChunkSender::take(data::Batch batch) {
  if (batch.rows == 0) return {};
  if (!pipe_.push(std::move(batch))) return fail(Code::cancelled, "the upload ended before the read");
  return {};
}

awaitable<void> ChunkSender::read_rows(sources::SourcePool& pool, SessionWork read) {
  read_outcome_ = co_await pool.use(sources::Access::read, std::move(read));
  pipe_.close();  // also when no session was to be had
}

awaitable<Result<void>> ChunkSender::send(data::Batch batch, bool last) {
  VMC_CO_TRY(ids, buffer_.tenant_and_connector());
  data::ChunkLabel label;
  label.tenant = ids.first;
  label.connector = ids.second;
  label.command = command_.command_id;
  label.attempt_epoch = command_.attempt_epoch;
  label.index = static_cast<std::uint32_t>(sent_.chunks);
  label.last = last;
  auto seal = [&]() -> Result<Bytes> {
    return data::seal_chunk(command_.data_key, label, data::encode(batch));
  };
  VMC_CO_TRY(sealed, co_await offload(cpu_, seal));
  if (sealed.size() > wire::kChunkBytesMax)
    co_return fail(Code::invalid_request,
                   fmt::format("a chunk of {} rows has {} bytes, the limit is {}", batch.rows, sealed.size(),
                               wire::kChunkBytesMax),
                   "Leave out very large columns.");
  const auto bytes = static_cast<std::int64_t>(sealed.size());
  VMC_CO_CHECK(
      co_await buffer_.upload(command_.upload, label, std::move(sealed), command_.payload.expires_at));
  ++sent_.chunks;
  sent_.bytes += bytes;
  sent_.rows += static_cast<std::int64_t>(batch.rows);
  crash_point("agent.chunk_uploaded");
  co_return Result<void>{};
}

awaitable<Result<ChunkSender::Sent>> ChunkSender::run(sources::SourcePool& pool, SessionWork read,
                                                      const data::Intent& intent,
                                                      const data::TableInfo& table) {
  VMC_CO_TRY(type, row_type_of(table, intent.columns));
  TaskGroup reader{loop_.get_executor(), TaskGroup::OnError::fail_group};
  reader.spawn("read", read_rows(pool, std::move(read)));
  Result<void> uploaded;
  std::optional<data::Batch> held;  // the newest is held back: the last one must say that it is
  for (;;) {
    auto batch = co_await pipe_.async_pop();
    if (!batch) break;
    auto previous = std::exchange(held, std::move(batch));
    if (!previous) continue;
    uploaded = co_await send(std::move(*previous), false);
    if (!uploaded) break;
  }
  pipe_.abort();
  if (!uploaded) reader.cancel();
  co_await reader.join();
  VMC_CO_CHECK(std::move(uploaded));
  if (co_await stopping()) co_return fail(Code::cancelled, "the command was cancelled");
  VMC_CO_CHECK(std::move(read_outcome_));
  if (!held) {
    data::BatchBuilder empty{type};
    held = empty.finish();
  }
  VMC_CO_CHECK(co_await send(std::move(*held), true));
  co_return sent_;
}

// --- ChunkReceiver
// ------------------------------------------------------------------------------------------

Result<std::optional<data::Batch>> ChunkReceiver::next() {
  auto item = pipe_.pop();
  if (!item) return fail(Code::cancelled, "the rows were cut short");
  return std::move(*item);
}

awaitable<void> ChunkReceiver::use_rows(sources::SourcePool& pool, sources::Access access, SessionWork work) {
  work_outcome_ = co_await pool.use(access, std::move(work));
  pipe_.abort();  // whoever still fetches can stop
}

awaitable<Result<data::Batch>> ChunkReceiver::fetch(std::int64_t index) {
  const auto& input = *command_.input;
  VMC_CO_TRY(ids, buffer_.tenant_and_connector());
  auto sealed = co_await buffer_.download(input, command_.command_id, index, command_.payload.expires_at);
  if (!sealed) {
    if (sealed.error().code != Code::not_found) co_return sealed.error();
    co_return fail(Code::buffer_integrity,
                   fmt::format("chunk {} of {} is gone from the buffer", index, input.chunks));
  }
  bytes_ += static_cast<std::int64_t>(sealed->size());
  data::ChunkLabel label{ids.first,
                         input.label_connector,
                         input.label_command,
                         input.label_epoch,
                         static_cast<std::uint32_t>(index),
                         index + 1 == input.chunks};
  auto decode = [&]() -> Result<data::Batch> {
    VMC_TRY(chunk, data::open_chunk(input.data_key, label, *sealed));
    return data::decode(chunk);
  };
  co_return co_await offload(cpu_, decode);
}

awaitable<void> ChunkReceiver::fetch_all() {
  for (std::int64_t index = 0; index < command_.input->chunks; ++index) {
    auto batch = co_await fetch(index);
    const bool good = batch.has_value();
    Result<std::optional<data::Batch>> item =
        good ? Result<std::optional<data::Batch>>{std::optional{std::move(*batch)}}
             : Result<std::optional<data::Batch>>{batch.error()};
    if (!co_await pipe_.async_push(std::move(item)) || !good) co_return;
  }
  Result<std::optional<data::Batch>> end{std::optional<data::Batch>{}};
  co_await pipe_.async_push(std::move(end));
}

awaitable<Result<void>> ChunkReceiver::run(sources::SourcePool& pool, sources::Access access,
                                           SessionWork work) {
  TaskGroup user{loop_.get_executor(), TaskGroup::OnError::fail_group};
  user.spawn("use rows", use_rows(pool, access, std::move(work)));
  co_await fetch_all();
  if (co_await stopping()) {
    pipe_.abort();
    user.cancel();
  }
  co_await user.join();
  if (co_await stopping()) co_return fail(Code::cancelled, "the command was cancelled");
  co_return work_outcome_;
}

}  // namespace vmc::agent
