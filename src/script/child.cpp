// The child's whole life: lock itself in, load one script, answer requests until the parent hangs up.
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "data/chunk.hpp"
#include "script/confine.hpp"
#include "script/engine.hpp"
#include "script/limits.hpp"

namespace vmc::script {
namespace {

constexpr std::size_t kRequestMax = 2 * kInputMax;

struct Request {
  Frame type;
  Bytes payload;
};

bool read_fully(std::uint8_t* into, std::size_t size) {
  while (size > 0) {
    const auto n = ::read(kChildSocket, into, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<Request> read_request() {
  Header header;
  if (!read_fully(header.data(), header.size())) return std::nullopt;
  const auto [type, size] = read_header(header);
  if (size > kRequestMax) return std::nullopt;
  Request request{type, Bytes(size)};
  if (!read_fully(request.payload.data(), size)) return std::nullopt;
  return request;
}

struct Reply {
  Frame type;
  Bytes payload;
};

Reply failed(const Error& error) {
  const auto text = as_bytes(error.message);
  return {Frame::failed, {text.begin(), text.end()}};
}

Reply load(std::optional<Engine>& engine, const LoadRequest& request) {
  engine.emplace(request.limits);
  const auto entry = engine->load(request);
  if (!entry) return failed(entry.error());
  return {Frame::loaded, {static_cast<std::uint8_t>(*entry)}};
}

Reply run(Engine& engine, ByteView chunk) {
  const auto batch = data::decode(chunk, {.decoded_bytes = kRequestMax, .rows = kRequestMax});
  if (!batch) return failed(batch.error());
  const auto reply = engine.run(*batch);
  if (!reply) return failed(reply.error());
  return {Frame::output, encode(*reply)};
}

Reply run_lines(Engine& engine, ByteView text) {
  const auto reply = engine.run_lines(as_text(text));
  if (!reply) return failed(reply.error());
  return {Frame::lines_output, encode(*reply)};
}

void send(const Reply& reply) {
  write_fully(make_header(reply.type, reply.payload.size()));
  write_fully(reply.payload);
}

}  // namespace

int child_main() {
  const auto greeting = read_request();
  Hello hello;
  if (!greeting || greeting->type != Frame::hello || !decode(greeting->payload, hello)) return 2;
  install_limit_handlers();
  // Every batch needs the same large buffers again: keep them, where malloc would give each back to the
  // kernel.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  if (const auto problem = confine(hello.address_space)) {
    const auto text = as_bytes(*problem);
    send({Frame::unconfined, {text.begin(), text.end()}});
    return 1;
  }

  std::optional<Engine> engine;
  ScriptLimits limits;
  while (auto request = read_request()) {
    LoadRequest script;
    const bool loading = request->type == Frame::load;
    if (loading != !engine.has_value()) ::_exit(2);  // one script a process
    if (loading && !decode(request->payload, script)) ::_exit(2);
    if (loading) limits = script.limits;
    start_cpu_clock(limits.cpu);
    const auto reply = loading                         ? load(engine, script)
                       : request->type == Frame::run   ? run(*engine, request->payload)
                       : request->type == Frame::lines ? run_lines(*engine, request->payload)
                                                       : Reply{Frame::failed, {}};
    stop_cpu_clock();
    send(reply);
  }
  // Nothing to clean up: the kernel is quicker at it, and a destructor could ask for what is forbidden.
  ::_exit(0);
}

}  // namespace vmc::script
