#include "script/frames.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace vmc::script {
namespace {

constexpr std::size_t kColumnNameMax = 1000;

void put(FieldWriter& out, const std::vector<data::RowError>& refused, const std::vector<std::string>& log) {
  out.u32(static_cast<std::uint32_t>(refused.size()));
  for (const auto& error : refused) {
    out.u64(error.row);
    out.text(error.column);
    out.text(error.reason);
  }
  out.u32(static_cast<std::uint32_t>(log.size()));
  for (const auto& line : log) out.text(line);
}

// Rows ascend, so that no row is refused twice; texts are made fit for a log.
bool take(FieldReader& in, const ReplyBounds& bounds, std::vector<data::RowError>& refused,
          std::vector<std::string>& log) {
  const auto count = in.u32();
  if (in.broken() || count > bounds.input_rows) return false;
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    data::RowError error;
    const auto row = in.u64();
    if (in.broken() || row < next || row >= bounds.input_rows) return false;
    next = row + 1;
    error.row = row;
    error.column = printable(as_text(in.blob()), kColumnNameMax);
    error.reason = printable(as_text(in.blob()), kReasonMax);
    refused.push_back(std::move(error));
  }
  const auto lines = in.u32();
  if (in.broken() || lines > bounds.log_lines) return false;
  for (std::uint32_t i = 0; i < lines; ++i) log.push_back(printable(as_text(in.blob()), kLogLineMax));
  return !in.broken();
}

}  // namespace

Header make_header(Frame type, std::size_t size) {
  const auto n = static_cast<std::uint32_t>(size);
  return {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n >> 16),
          static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(type)};
}

HeaderFields read_header(const Header& h) {
  return {static_cast<Frame>(h[4]), static_cast<std::uint32_t>(h[0]) | static_cast<std::uint32_t>(h[1]) << 8 |
                                        static_cast<std::uint32_t>(h[2]) << 16 |
                                        static_cast<std::uint32_t>(h[3]) << 24};
}

std::array<std::uint8_t, 5> encode(const Stopped& stopped) {
  return {static_cast<std::uint8_t>(stopped.limit), static_cast<std::uint8_t>(stopped.line),
          static_cast<std::uint8_t>(stopped.line >> 8), static_cast<std::uint8_t>(stopped.line >> 16),
          static_cast<std::uint8_t>(stopped.line >> 24)};
}

ByteView FieldReader::blob() {
  const auto size = u32();
  if (broken_ || size > rest_.size()) {
    broken_ = true;
    return {};
  }
  const auto value = rest_.first(size);
  rest_ = rest_.subspan(size);
  return value;
}

std::uint64_t FieldReader::number(std::size_t width) {
  if (broken_ || rest_.size() < width) {
    broken_ = true;
    return 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= static_cast<std::uint64_t>(rest_[i]) << (8 * i);
  rest_ = rest_.subspan(width);
  return value;
}

Bytes encode(const Hello& hello) {
  FieldWriter out;
  out.u64(hello.address_space);
  return out.finish();
}

bool decode(ByteView bytes, Hello& hello) {
  FieldReader in{bytes};
  hello.address_space = in.u64();
  return in.finished();
}

Bytes encode(const LoadRequest& request) {
  FieldWriter out;
  out.text(request.name);
  out.text(request.source);
  out.text(request.context_json);
  out.blob(request.output);
  const auto& limits = request.limits;
  out.u64(limits.memory_bytes);
  out.u64(static_cast<std::uint64_t>(limits.cpu.count()));
  out.u64(static_cast<std::uint64_t>(limits.wall.count()));
  out.u64(limits.instructions);
  out.u64(limits.output_bytes);
  out.u64(limits.log_lines);
  return out.finish();
}

bool decode(ByteView bytes, LoadRequest& request) {
  FieldReader in{bytes};
  request.name = in.text();
  request.source = in.text();
  request.context_json = in.text();
  const auto output = in.blob();
  request.output.assign(output.begin(), output.end());
  auto& limits = request.limits;
  limits.memory_bytes = in.u64();
  limits.cpu = Duration{static_cast<std::int64_t>(in.u64())};
  limits.wall = Duration{static_cast<std::int64_t>(in.u64())};
  limits.instructions = in.u64();
  limits.output_bytes = in.u64();
  limits.log_lines = in.u64();
  return in.finished();
}

Bytes encode(const BatchReply& reply) {
  FieldWriter out;
  put(out, reply.refused, reply.log);
  out.blob(reply.keep);
  out.blob(reply.chunk);
  return out.finish();
}

bool decode(ByteView bytes, const ReplyBounds& bounds, BatchReplyView& reply) {
  FieldReader in{bytes};
  if (!take(in, bounds, reply.refused, reply.log)) return false;
  reply.keep = in.blob();
  reply.chunk = in.blob();
  return in.finished();
}

Bytes encode(const LinesReply& reply) {
  FieldWriter out;
  put(out, reply.refused, reply.log);
  out.u64(static_cast<std::uint64_t>(reply.rows));
  out.text(reply.text);
  return out.finish();
}

bool decode(ByteView bytes, const ReplyBounds& bounds, LinesReply& reply) {
  FieldReader in{bytes};
  if (!take(in, bounds, reply.refused, reply.log)) return false;
  const auto rows = in.u64();
  const auto text = in.blob();
  if (!in.finished() || !is_utf8(as_text(text))) return false;
  if (rows != static_cast<std::uint64_t>(std::count(text.begin(), text.end(), std::uint8_t{'\n'})))
    return false;
  reply.rows = static_cast<std::int64_t>(rows);
  reply.text.assign(as_text(text));
  return true;
}

std::string printable(std::string_view text, std::size_t size_max) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size() && out.size() < size_max) {
    std::size_t width = 1;
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead >= 0xc2) width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const auto piece = text.substr(at, width);
    const bool control = lead < 0x20 || lead == 0x7f ||
                         (lead == 0xc2 && piece.size() == 2 && static_cast<unsigned char>(piece[1]) < 0xa0);
    if (piece.size() == width && is_utf8(piece)) {
      if (out.size() + width > size_max) break;
      if (control) {
        out += lead == '\t' || lead == '\n' ? ' ' : '?';
      } else {
        out += piece;
      }
      at += width;
    } else {
      out += '?';
      ++at;
    }
  }
  return out;
}

}  // namespace vmc::script
