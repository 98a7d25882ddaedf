// What parent and child say to each other over the socket pair: a length, a type, a payload of plain fields.
//
// The child trusts its parent; the parent trusts nothing: every read is bounded, every field is checked, and
// what does not fit is a broken child.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "data/cast.hpp"
#include "script/sandbox.hpp"

namespace vmc::script {

enum class Frame : std::uint8_t {
  hello = 1,     // parent: Hello, before the child locks itself in
  load,          // parent: LoadRequest
  run,           // parent: an encoded batch
  lines,         // parent: NDJSON
  loaded,        // child: Entry
  failed,        // child: the script's own error, as text; the child lives on
  output,        // child: BatchReply
  lines_output,  // child: LinesReply
  stopped,       // child: its last words: which limit ended it, and where
  unconfined,    // child: its last words: why it could not lock itself in
};

// Where the child finds its end of the socket pair.
inline constexpr int kChildSocket = 3;
// The most one call may feed.
inline constexpr std::size_t kInputMax = 64u << 20;
inline constexpr std::size_t kReasonMax = 300;
inline constexpr std::size_t kLogLineMax = 1000;

inline constexpr std::size_t kHeaderSize = 5;
using Header = std::array<std::uint8_t, kHeaderSize>;
Header make_header(Frame type, std::size_t size);
struct HeaderFields {
  Frame type;
  std::uint32_t size;
};
HeaderFields read_header(const Header& header);

enum class Limit : std::uint8_t { memory = 1, cpu, instructions, output };

struct Stopped {
  Limit limit = Limit::memory;
  std::uint32_t line = 0;  // of the script, where it was last seen; 0: unknown
};
std::array<std::uint8_t, 5> encode(const Stopped& stopped);

// Payloads are written field by field and read in the same order.
class FieldWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void text(std::string_view value) { blob(as_bytes(value)); }
  void blob(ByteView value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  Bytes finish() { return std::move(bytes_); }

 private:
  void number(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  Bytes bytes_;
};

// The first field that does not fit makes every later one empty and finished() false.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : rest_{bytes} {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  ByteView blob();
  std::string text() { return std::string{as_text(blob())}; }
  bool finished() const { return !broken_ && rest_.empty(); }
  bool broken() const { return broken_; }
  std::size_t left() const { return rest_.size(); }

 private:
  std::uint64_t number(std::size_t width);
  ByteView rest_;
  bool broken_ = false;
};

struct Hello {
  std::uint64_t address_space = 0;  // bytes the child may map beyond what its program takes
};
Bytes encode(const Hello& hello);
bool decode(ByteView bytes, Hello& hello);

struct LoadRequest {
  std::string name;
  std::string source;
  std::string context_json;
  ScriptLimits limits;
  Bytes output;  // an encoded batch without rows that carries the output's row type; empty: none
};
Bytes encode(const LoadRequest& request);
bool decode(ByteView bytes, LoadRequest& request);

struct BatchReply {
  Bytes chunk;  // transform: an encoded batch
  Bytes keep;   // filter: a bit a row
  std::vector<data::RowError> refused;
  std::vector<std::string> log;
};
struct BatchReplyView {
  ByteView chunk;
  ByteView keep;
  std::vector<data::RowError> refused;
  std::vector<std::string> log;
};
Bytes encode(const BatchReply& reply);

struct LinesReply {
  std::string text;
  std::int64_t rows = 0;
  std::vector<data::RowError> refused;
  std::vector<std::string> log;
};
Bytes encode(const LinesReply& reply);

// What the parent knows a reply must obey.
struct ReplyBounds {
  std::size_t input_rows = 0;
  std::size_t log_lines = 0;
};
bool decode(ByteView bytes, const ReplyBounds& bounds, BatchReplyView& reply);
bool decode(ByteView bytes, const ReplyBounds& bounds, LinesReply& reply);

// One line of valid UTF-8 without control characters, cut to `size_max` bytes.
std::string printable(std::string_view text, std::size_t size_max);

}  // namespace vmc::script
