#include "worker/shaper.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/ids.hpp"
#include "core/text.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "state/commands.hpp"
#include "worker/row_set.hpp"

namespace vmc::worker {
namespace {

constexpr std::size_t kReasonsMax = 1000;  // kept of one part; the rest is counted

std::string workflow_seed(const RunContext& run) {
  const auto hash = crypto::sha256(as_bytes("rows of " + run.workflow.workflow_id));
  return to_hex(ByteView{hash}.first(16));
}

}  // namespace

struct Shaper::Work {
  Work(const std::string& seed, wire::Input in, ChunkWriter out)
      : extracted{std::move(in)},
        writer{std::move(out)},
        digest_in{seed},
        digest_out{seed},
        key_digest{seed} {}

  wire::Input extracted;
  ChunkWriter writer;
  activities::RowDigest digest_in, digest_out, key_digest;
  std::vector<std::string> key_columns;  // of the load
  RowSet keys;                           // handed to the load
  std::vector<RowHash> next_seen;        // rows the next run's overlap will read again
  std::optional<Result<data::Batch>> fetched;
  Result<void> stored;
  std::int64_t rows_in = 0, rows_out = 0, skipped = 0, refused = 0;
  std::int64_t first_row = 0;  // of the batch being shaped, within the part
  std::vector<std::string> reasons;

  void refuse(std::size_t row, std::string_view column, std::string_view reason) {
    ++refused;
    if (reasons.size() >= kReasonsMax) return;
    Json line{{"row", first_row + static_cast<std::int64_t>(row)}, {"column", column}, {"reason", reason}};
    reasons.push_back(to_text(line));
  }
};

// On the cpu pool: what the source sent is counted for the proof, then rows the last run moved are left out.
Result<data::Batch> Shaper::admit(Work& work, data::Batch batch) const {
  work.digest_in.add(batch);
  work.rows_in += static_cast<std::int64_t>(batch.rows);
  const auto chain = run_.chain();
  if (chain.extract_params().mode != workflow::ExtractMode::incremental) return batch;
  const int cursor = batch.column(chain.extract_params().cursor);
  if (cursor < 0)
    return fail(Code::workflow_invalid,
                fmt::format("the extract leaves out its cursor column '{}'", chain.extract_params().cursor));
  const auto hashes = activities::row_hashes(batch, workflow_seed(run_));
  std::vector<bool> keep(batch.rows, true);
  std::size_t dropped = 0;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    if (seen_.before.contains(hashes[row])) {
      keep[row] = false;
      ++dropped;
    }
    if (in_next_overlap(run_, data::value_at(batch.columns[static_cast<std::size_t>(cursor)], row)))
      work.next_seen.push_back(hashes[row]);
  }
  work.skipped += static_cast<std::int64_t>(dropped);
  return dropped == 0 ? std::move(batch) : data::select_rows(batch, keep);
}

// On the cpu pool: a key may be handed to the load once; then the rows are counted for the proof.
Result<data::Batch> Shaper::settle(Work& work, data::Batch batch) const {
  if (!work.key_columns.empty()) {
    const auto hashes = activities::row_hashes(batch, workflow_seed(run_), work.key_columns);
    std::vector<bool> keep(batch.rows, true);
    bool dropped = false;
    for (std::size_t row = 0; row < batch.rows; ++row)
      if (!work.keys.insert(hashes[row])) {
        keep[row] = false;
        dropped = true;
        work.refuse(row, work.key_columns.front(), "another row of this part has the same key");
      }
    if (dropped) batch = data::select_rows(batch, keep);
  }
  work.digest_out.add(batch);
  work.rows_out += static_cast<std::int64_t>(batch.rows);
  return batch;
}

awaitable<Result<data::Batch>> Shaper::transform(Work& work, data::Batch batch) {
  const auto rows = batch.rows;
  if (!sandbox_) {
    auto cast = [&] { return data::cast(batch, destination_type(run_)); };
    auto outcome = co_await offload(platform_.cpu, cast);
    if (!outcome) co_return outcome.error();
    for (const auto& error : outcome->errors) work.refuse(error.row, error.column, error.reason);
    co_return std::move(outcome->batch);
  }
  auto outcome = co_await sandbox_->run(std::move(batch));
  if (!outcome) co_return outcome.error();
  for (const auto& error : outcome->refused) work.refuse(error.row, error.column, error.reason);
  const auto accounted = outcome->batch.rows + outcome->refused.size();
  if (accounted < rows) work.skipped += static_cast<std::int64_t>(rows - accounted);
  co_return std::move(outcome->batch);
}

awaitable<void> Shaper::fetch(Work& work, std::int64_t index) {
  auto batch =
      co_await read_chunk(platform_.objects, platform_.cpu, work.extracted, run_.lease.tenant, index);
  if (!batch) {
    work.fetched = batch.error();
    co_return;
  }
  auto admitted = [&] { return admit(work, std::move(*batch)); };
  work.fetched = co_await offload(platform_.cpu, admitted);
}

awaitable<void> Shaper::store(Work& work, data::Batch batch) {
  work.stored = co_await work.writer.write(std::move(batch));
}

awaitable<Result<void>> Shaper::load_seen() {
  if (seen_.loaded || !run_.state.started || !run_.state.started->after) co_return Result<void>{};
  auto sealed = co_await platform_.objects.get(seen_object(run_, *run_.state.started->after));
  if (!sealed && sealed.error().code != Code::not_found) co_return sealed.error();
  seen_.loaded = true;
  if (!sealed) co_return Result<void>{};  // expired: its rows are moved again
  auto unpack = [&] { return unpack_seen(*sealed, run_); };
  auto hashes = co_await offload(platform_.cpu, unpack);
  if (!hashes) co_return hashes.error();
  seen_.before = std::move(*hashes);
  co_return Result<void>{};
}

awaitable<Result<void>> Shaper::store_side_results(Work& work, std::int64_t part, std::int64_t epoch) {
  // Each takes the place of what an attempt has left that was given up.
  auto seen = seen_part_object(run_, part, epoch);
  if (work.next_seen.empty() || work.next_seen.size() > kSeenRowsMax) {
    VMC_CO_CHECK(co_await platform_.objects.remove(std::move(seen)));
  } else {
    auto packed = pack_seen(work.next_seen, run_);
    VMC_CO_CHECK(co_await platform_.objects.put(std::move(seen), std::move(packed)));
    VMC_CO_CHECK(co_await platform_.objects.sync(
        fmt::format("executions/{}/{}/seen/", run_.lease.tenant, run_.execution.execution_id)));
  }
  const auto folder = fmt::format("executions/{}/{}/quarantine/", run_.lease.tenant, run_.execution.execution_id);
  auto quarantine = fmt::format("{}{}-{}", folder, part, epoch);
  if (work.reasons.empty()) co_return co_await platform_.objects.remove(std::move(quarantine));
  auto text = join(work.reasons, "\n");
  auto sealed = crypto::seal(run_.tenant_key.view(), as_bytes(folder), as_bytes(text));
  VMC_CO_CHECK(co_await platform_.objects.put(std::move(quarantine), std::move(sealed)));
  co_return co_await platform_.objects.sync(folder);
}

awaitable<Result<Shaped>> Shaper::run(std::int64_t part, std::int64_t epoch, wire::Input extracted,
                                      std::string load_command, Bytes data_key) {
  VMC_CO_CHECK(co_await load_seen());
  const auto chain = run_.chain();
  const auto prefix =
      state::buffer_prefix(run_.lease.tenant, run_.execution.execution_id, load_command, epoch);
  data::ChunkLabel label;
  label.tenant = run_.lease.tenant;
  label.connector = "worker";
  label.command = load_command;
  label.attempt_epoch = epoch;
  ChunkWriter writer{platform_.objects, platform_.cpu, label, prefix, data_key};
  Work work{digest_seed(run_), std::move(extracted), std::move(writer)};
  work.key_columns = chain.load_params().conflict_key;

  TaskGroup group{loop_, TaskGroup::OnError::fail_group};
  group.spawn("fetch chunk", fetch(work, 0));
  co_await group.join();
  Result<void> outcome;
  for (std::int64_t index = 0; index < work.extracted.chunks; ++index) {
    if (!*work.fetched) {
      outcome = work.fetched->error();
      break;
    }
    auto batch = std::move(**work.fetched);
    const auto batch_rows = static_cast<std::int64_t>(batch.rows);
    if (index + 1 < work.extracted.chunks) group.spawn("fetch chunk", fetch(work, index + 1));
    auto shaped = co_await transform(work, std::move(batch));
    co_await group.join();
    if (!work.stored) shaped = work.stored.error();
    if (!shaped) {
      outcome = shaped.error();
      break;
    }
    auto settled_work = [&] { return settle(work, std::move(*shaped)); };
    auto settled = co_await offload(platform_.cpu, settled_work);
    if (!settled) {
      outcome = settled.error();
      break;
    }
    work.first_row += batch_rows;
    if (settled->rows > 0) group.spawn("store chunk", store(work, std::move(*settled)));
  }
  co_await group.join();
  VMC_CO_CHECK(std::move(outcome));
  VMC_CO_CHECK(std::move(work.stored));
  VMC_CO_TRY(chunks, co_await work.writer.finish());
  crash_point("worker.chunks_stored");
  VMC_CO_CHECK(co_await store_side_results(work, part, epoch));

  Shaped done;
  done.event.part = part;
  done.event.epoch = epoch;
  done.event.load_command_id = chunks > 0 ? load_command : "";
  done.event.buffer_key = chunks > 0 ? prefix : "";
  done.event.chunks = chunks;
  done.event.rows_in = work.rows_in;
  done.event.rows_out = work.rows_out;
  done.event.refused = work.refused;
  done.event.skipped = work.skipped;
  done.event.digest_in = work.digest_in.hex();
  done.event.digest_out = work.digest_out.hex();
  done.input = {prefix, chunks, std::move(data_key), load_command, "worker", epoch};
  co_return done;
}

}  // namespace vmc::worker
