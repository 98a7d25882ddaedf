// Reads HTTP messages from a TLS stream through Beast's parser: one buffer for heads and chunked bodies, none
// for a body of known length, which goes from the stream straight into its place.
#pragma once

#include <optional>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>

#include "core/bytes.hpp"
#include "net/tls_stream.hpp"

namespace vmc::net {

namespace beast_http = boost::beast::http;
using HttpBody = beast_http::vector_body<std::uint8_t>;

class HttpInput {
 public:
  explicit HttpInput(TlsStream& stream) : stream_{stream} {}

  // Bytes that came with the last message but belong to the next (or to nobody).
  bool empty() const { return begin_ == end_; }
  // Gives the memory back while the connection idles.
  void release() {
    if (empty()) buffer_ = Bytes{};
  }

  // Until the parser has the whole head. The parser's header_limit bounds the buffer.
  template <class Parser>
  awaitable<error_code> read_head(Parser& parser) {
    for (;;) {
      if (!empty()) {
        error_code error;
        begin_ += parser.put(asio::buffer(buffer_.data() + begin_, end_ - begin_), error);
        if (error && error != beast_http::error::need_more) co_return error;
        if (parser.is_header_done()) co_return error_code{};
      }
      const auto error = co_await fill(kHeadStep);
      if (error) co_return error;
    }
  }

  // After read_head(). error::body_limit when the body is longer than `limit`.
  template <class Parser>
  awaitable<error_code> read_body(Parser& parser, Bytes& body, std::size_t limit) {
    const boost::optional<std::uint64_t> length = parser.content_length();
    if (length && *length > limit) co_return beast_http::error::body_limit;
    if (length) co_return co_await read_exactly(static_cast<std::size_t>(*length), body);
    if (parser.is_done()) co_return error_code{};
    parser.body_limit(limit);
    while (!parser.is_done()) {
      if (!empty()) {
        error_code error;
        const auto used = parser.put(asio::buffer(buffer_.data() + begin_, end_ - begin_), error);
        begin_ += used;
        if (error && error != beast_http::error::need_more) co_return error;
        if (used > 0 && !error) continue;
        if (parser.is_done()) break;
      }
      const auto error = co_await fill(kBodyStep);
      if (error == asio::error::eof && parser.need_eof()) {
        error_code at_end;
        parser.put_eof(at_end);
        if (at_end) co_return at_end;
        break;
      }
      if (error) co_return error;
    }
    body = std::move(parser.get().body());
    if (body.size() > limit) co_return beast_http::error::body_limit;
    co_return error_code{};
  }

 private:
  static constexpr std::size_t kHeadStep = 4 * 1024;
  static constexpr std::size_t kBodyStep = 64 * 1024;
  static constexpr std::size_t kUnparsedMax = 256 * 1024;  // chunk headers and heads end long before
  // A body's memory is taken in steps, so that a peer must send to make us allocate.
  static constexpr std::size_t kFirstStep = 64 * 1024;
  static constexpr std::size_t kGrowth = 16;

  awaitable<error_code> fill(std::size_t step) {
    if (empty()) begin_ = end_ = 0;
    if (buffer_.size() - end_ < step) {
      if (begin_ > 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
        end_ -= begin_;
        begin_ = 0;
      }
      if (end_ > kUnparsedMax) co_return beast_http::error::buffer_overflow;
      if (buffer_.size() - end_ < step) buffer_.resize(end_ + step);
    }
    const asio::mutable_buffer space{buffer_.data() + end_, buffer_.size() - end_};
    const auto transfer = co_await stream_.read_some(space);
    end_ += transfer.bytes;
    co_return transfer.error;
  }

  awaitable<error_code> read_exactly(std::size_t length, Bytes& body) {
    const std::size_t ready = std::min(length, end_ - begin_);
    body.assign(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + ready));
    begin_ += ready;
    std::size_t have = ready;
    while (have < length) {
      if (have == body.size()) body.resize(std::min(length, std::max(kFirstStep, have * kGrowth)));
      const asio::mutable_buffer space{body.data() + have, body.size() - have};
      const auto transfer = co_await stream_.read_some(space);
      have += transfer.bytes;
      if (transfer.error) co_return transfer.error;
    }
    co_return error_code{};
  }

  TlsStream& stream_;
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace vmc::net
