#include "script/sandbox.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <csignal>

#include "data/chunk.hpp"
#include "script/child_process.hpp"
#include "script/frames.hpp"

namespace vmc::script {
namespace {

// Below this a batch is encoded and checked where it is: handing it over would cost more.
constexpr std::size_t kInlineBytes = 16u << 10;
// Beside the Lua state: input as received and as decoded, output as built and as sent, allocator slack.
constexpr std::size_t kFixedOverhead = 64u << 20;
constexpr std::size_t kOutputMax = 1u << 30;
constexpr std::size_t kMemoryMin = 1u << 20;
constexpr std::size_t kMemoryMax = std::size_t{4} << 30;

std::uint64_t address_space(const ScriptLimits& limits) {
  return kFixedOverhead + 2 * limits.memory_bytes + 4 * limits.output_bytes + 4 * kInputMax;
}

std::string megabytes(std::size_t bytes) {
  return bytes % (1u << 20) == 0 ? std::to_string(bytes >> 20) + " MiB" : std::to_string(bytes) + " bytes";
}

std::string seconds(Duration limit) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

// Every call goes the same way: one request, one answer, a deadline.
class SandboxImpl final : public Sandbox {
 public:
  SandboxImpl(asio::io_context& loop, Pool& cpu, std::string binary)
      : loop_{loop.get_executor()}, cpu_{cpu}, binary_{std::move(binary)} {}

  awaitable<Result<Entry>> load(Script script) override;
  awaitable<Result<ScriptOutput>> run(data::Batch batch) override;
  awaitable<Result<Lines>> run_lines(std::string ndjson) override;

 private:
  struct Answer {
    Frame type;
    Bytes payload;
  };
  // Lets a child live only if its call ended in order; left early (an exception, a cancellation) it dies.
  struct Call {
    explicit Call(SandboxImpl& owner) : sandbox{owner} { sandbox.busy_ = true; }
    ~Call() {
      sandbox.busy_ = false;
      if (in_order || !sandbox.child_) return;
      sandbox.child_->kill();
      sandbox.child_.reset();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    SandboxImpl& sandbox;
    bool in_order = false;
  };

  Result<void> check_limits() const;
  Result<void> ready() const;
  awaitable<Result<Answer>> ask(Frame type, ByteView payload);
  awaitable<Result<Answer>> read_answer();
  awaitable<Error> explain_death(bool out_of_time);
  Error explain_stop(ByteView last_words) const;
  Error lying(std::string_view how) const;
  Result<ScriptOutput> open_reply(const Answer& answer, const data::Batch& input) const;
  template <class F>
  awaitable<std::invoke_result_t<F>> off_loop(std::size_t bytes, F work);

  asio::any_io_executor loop_;
  Pool& cpu_;
  std::string binary_;
  // Shared with the deadline's handler, which may still be queued when a call is over.
  std::shared_ptr<ChildProcess> child_;
  Script script_;
  Entry entry_ = Entry::transform;
  bool loaded_ = false;
  bool busy_ = false;
};

template <class F>
awaitable<std::invoke_result_t<F>> SandboxImpl::off_loop(std::size_t bytes, F work) {
  if (bytes < kInlineBytes) co_return work();
  co_return co_await offload(cpu_, std::move(work));
}

Result<void> SandboxImpl::check_limits() const {
  const auto& limits = script_.limits;
  if (limits.memory_bytes < kMemoryMin || limits.memory_bytes > kMemoryMax)
    return fail(Code::invalid_request, "a script's memory limit must be from 1 MiB to 4 GiB");
  if (limits.output_bytes == 0 || limits.output_bytes > kOutputMax)
    return fail(Code::invalid_request, "a script's output limit must be from 1 byte to 1 GiB");
  if (limits.cpu <= Duration::zero() || limits.wall <= Duration::zero())
    return fail(Code::invalid_request, "a script's time limits must be more than zero");
  if (script_.source.size() + script_.context_json.size() > kInputMax)
    return fail(Code::invalid_request, "the script and its context are larger than 64 MiB");
  return {};
}

Result<void> SandboxImpl::ready() const {
  if (busy_) return fail(Code::conflict, "the script is still working on another batch");
  if (!loaded_ || !child_)
    return fail(Code::conflict, "no script is loaded: the last one was stopped or never loaded");
  return {};
}

awaitable<Result<Entry>> SandboxImpl::load(Script script) {
  if (busy_) co_return fail(Code::conflict, "the script is still working on another batch");
  child_.reset();
  loaded_ = false;
  script_ = std::move(script);
  VMC_CO_CHECK(check_limits());

  Call call{*this};
  VMC_CO_TRY(child, ChildProcess::start(loop_, binary_));
  child_ = std::move(child);
  const auto hello = encode(Hello{address_space(script_.limits)});
  const auto header = make_header(Frame::hello, hello.size());
  Bytes greeting{header.begin(), header.end()};
  greeting.insert(greeting.end(), hello.begin(), hello.end());
  // Far below a socket's buffer, so that a child that does not read cannot hold us here; one that has already
  // died is found out when its answer is read.
  co_await asio::async_write(child_->socket(), asio::buffer(greeting), as_tuple_awaitable);

  LoadRequest request{script_.name, script_.source, script_.context_json, script_.limits, {}};
  if (script_.output)
    request.output = data::encode(data::BatchBuilder{script_.output}.finish(), data::Compression::none);
  const auto payload = encode(request);
  VMC_CO_TRY(answer, co_await ask(Frame::load, payload));
  if (answer.type == Frame::failed)
    co_return fail(Code::script_error, printable(as_text(answer.payload), kReasonMax));
  if (answer.type != Frame::loaded || answer.payload.size() != 1 || answer.payload[0] > 2)
    co_return lying("loaded");
  entry_ = static_cast<Entry>(answer.payload[0]);
  call.in_order = loaded_ = true;
  co_return entry_;
}

awaitable<Result<ScriptOutput>> SandboxImpl::run(data::Batch batch) {
  VMC_CO_CHECK(ready());
  if (!script_.output && entry_ != Entry::filter)
    co_return fail(Code::invalid_request, "the script was loaded without the columns its rows must have");
  if (batch.bytes() > kInputMax)
    co_return fail(Code::invalid_request, "more than 64 MiB of rows for one call of a script");

  Call call{*this};
  auto pack = [&batch] { return data::encode(batch, data::Compression::none); };
  const auto payload = co_await off_loop(batch.bytes(), pack);
  VMC_CO_TRY(answer, co_await ask(Frame::run, payload));
  if (answer.type == Frame::failed) {
    call.in_order = true;
    co_return fail(Code::script_error, printable(as_text(answer.payload), kReasonMax));
  }
  if (answer.type != Frame::output) co_return lying("output");
  auto open = [this, &answer, &batch] { return open_reply(answer, batch); };
  auto output = co_await off_loop(answer.payload.size(), open);
  call.in_order = output.has_value();
  co_return output;
}

Result<ScriptOutput> SandboxImpl::open_reply(const Answer& answer, const data::Batch& input) const {
  BatchReplyView reply;
  const ReplyBounds bounds{input.rows, script_.limits.log_lines + 1};
  if (!decode(answer.payload, bounds, reply)) return lying("output");
  ScriptOutput output;
  if (entry_ == Entry::filter) {
    if (reply.keep.size() != (input.rows + 7) / 8 || !reply.chunk.empty()) return lying("filter");
    std::vector<bool> keep(input.rows);
    for (std::size_t row = 0; row < input.rows; ++row) keep[row] = reply.keep[row >> 3] >> (row & 7) & 1;
    for (const auto& error : reply.refused) {
      if (keep[error.row]) return lying("filter");
    }
    output.batch = data::select_rows(input, keep);
  } else {
    data::ChunkLimits limits;
    limits.decoded_bytes = reply.chunk.size() + 4096;  // nothing is compressed, so nothing grows
    limits.rows = script_.limits.output_bytes;
    limits.columns = script_.output->size();
    auto batch = data::decode(reply.chunk, limits);
    if (!batch || !batch->type || *batch->type != *script_.output) return lying("rows");
    for (std::size_t i = 0; i < batch->columns.size(); ++i) {
      if (!(*script_.output)[i].nullable && batch->columns[i].has_nulls()) return lying("NULL");
    }
    output.batch = std::move(*batch);
    output.batch.type = script_.output;
  }
  output.refused = std::move(reply.refused);
  output.log = std::move(reply.log);
  return output;
}

awaitable<Result<Sandbox::Lines>> SandboxImpl::run_lines(std::string ndjson) {
  VMC_CO_CHECK(ready());
  if (ndjson.size() > kInputMax)
    co_return fail(Code::invalid_request, "more than 64 MiB of text for one call of a script",
                   "feed it in pieces");

  Call call{*this};
  VMC_CO_TRY(answer, co_await ask(Frame::lines, as_bytes(ndjson)));
  if (answer.type == Frame::failed) {
    call.in_order = true;
    co_return fail(Code::script_error, printable(as_text(answer.payload), kReasonMax));
  }
  if (answer.type != Frame::lines_output) co_return lying("lines");
  auto open = [this, &answer, &ndjson]() -> Result<LinesReply> {
    LinesReply reply;
    const auto lines = static_cast<std::size_t>(std::count(ndjson.begin(), ndjson.end(), '\n')) + 1;
    const ReplyBounds bounds{lines, script_.limits.log_lines + 1};
    if (!decode(answer.payload, bounds, reply)) return lying("lines");
    return reply;
  };
  auto reply = co_await off_loop(answer.payload.size() + ndjson.size(), open);
  if (!reply) co_return std::move(reply).error();
  call.in_order = true;
  co_return Lines{std::move(reply->text), std::move(reply->refused), std::move(reply->log), reply->rows};
}

// One request and its answer, within the wall clock's limit. On an error the child is dead.
awaitable<Result<SandboxImpl::Answer>> SandboxImpl::ask(Frame type, ByteView payload) {
  child_->allow_cpu(script_.limits.cpu);
  asio::steady_timer deadline{loop_, script_.limits.wall};
  auto out_of_time =
      std::make_shared<bool>(false);  // outlives this frame in a handler that is already queued
  deadline.async_wait([child = child_, out_of_time](boost::system::error_code ec) {
    if (ec) return;
    *out_of_time = true;
    child->kill();
  });

  const auto header = make_header(type, payload.size());
  const std::array<asio::const_buffer, 2> request{asio::buffer(header),
                                                  asio::buffer(payload.data(), payload.size())};
  // A write that fails is not the end: the child may have left last words.
  co_await asio::async_write(child_->socket(), request, as_tuple_awaitable);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    co_return fail(Code::cancelled, "the script was cancelled");
  auto answer = co_await read_answer();
  const auto later = co_await asio::this_coro::cancellation_state;
  if (later.cancelled() != asio::cancellation_type::none)
    co_return fail(Code::cancelled, "the script was cancelled");
  deadline.cancel();
  if (!answer && answer.error().code == Code::unavailable) co_return co_await explain_death(*out_of_time);
  if (answer && answer->type == Frame::stopped) co_return explain_stop(answer->payload);
  if (answer && answer->type == Frame::unconfined)
    co_return fail(Code::unavailable, "the script's process cannot be confined: " +
                                          printable(as_text(answer->payload), kReasonMax));
  co_return answer;
}

// UNAVAILABLE: the socket ended.
awaitable<Result<SandboxImpl::Answer>> SandboxImpl::read_answer() {
  Header header;
  const auto [ec, got] =
      co_await asio::async_read(child_->socket(), asio::buffer(header), as_tuple_awaitable);
  if (ec) co_return fail(Code::unavailable, ec.message());
  const auto [type, size] = read_header(header);
  // Offsets, validity bits, refused rows and log lines come on top of the values that the limit counts.
  if (size > 4 * script_.limits.output_bytes + 4 * kInputMax) co_return lying("length");
  Answer answer{type, {}};
  // A claimed length is not believed before its bytes have come.
  constexpr std::size_t kPiece = 4u << 20;
  while (answer.payload.size() < size) {
    const auto have = answer.payload.size();
    answer.payload.resize(have + std::min(kPiece, size - have));
    const auto piece = asio::buffer(answer.payload.data() + have, answer.payload.size() - have);
    const auto [broken, n] = co_await asio::async_read(child_->socket(), piece, as_tuple_awaitable);
    if (broken) co_return fail(Code::unavailable, broken.message());
  }
  co_return answer;
}

Error SandboxImpl::lying(std::string_view how) const {
  return fail(Code::script_error, "the script's process gave an answer that makes no sense (" +
                                      std::string{how} + "); it was stopped");
}

Error SandboxImpl::explain_stop(ByteView last_words) const {
  FieldReader in{last_words};
  const auto which = static_cast<Limit>(in.u8());
  const auto line = in.u32();
  if (!in.finished()) return lying("limit");
  const auto& limits = script_.limits;
  std::string what;
  switch (which) {
    case Limit::memory:
      what = "memory limit of " + megabytes(limits.memory_bytes);
      break;
    case Limit::cpu:
      what = "CPU limit of " + seconds(limits.cpu);
      break;
    case Limit::instructions:
      what = "limit of " + std::to_string(limits.instructions) + " instructions";
      break;
    case Limit::output:
      what = "output limit of " + megabytes(limits.output_bytes);
      break;
    default:
      return lying("limit");
  }
  if (line > 0) what += ", last seen at line " + std::to_string(line);
  return fail(Code::script_limit, "the script went over its " + what);
}

awaitable<Error> SandboxImpl::explain_death(bool out_of_time) {
  const auto child = std::exchange(child_, nullptr);
  const int status = co_await child->bury();
  if (out_of_time)
    co_return fail(Code::script_limit,
                   "the script went over its time limit of " + seconds(script_.limits.wall));
  if (!WIFSIGNALED(status))
    co_return fail(Code::script_error,
                   "the script's process ended by itself with code " + std::to_string(WEXITSTATUS(status)));
  switch (WTERMSIG(status)) {
    case SIGXCPU:
      co_return fail(Code::script_limit,
                     "the script went over its CPU limit of " + seconds(script_.limits.cpu));
    case SIGSYS:
      co_return fail(Code::script_error,
                     "the script's process tried a forbidden system call and was stopped");
    case SIGKILL:
      co_return fail(Code::script_error, "the script's process was killed from outside");
    default:
      co_return fail(Code::script_error,
                     "the script's process crashed (signal " + std::to_string(WTERMSIG(status)) + ")");
  }
}

}  // namespace

std::unique_ptr<Sandbox> make_sandbox(asio::io_context& loop, Pool& cpu, std::string binary) {
  return std::make_unique<SandboxImpl>(loop, cpu, std::move(binary));
}

}  // namespace vmc::script
