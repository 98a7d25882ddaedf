// The coroutine vocabulary: every coroutine of a role runs on that role's one single-threaded loop.
//
// g++ 12 destroys some temporaries twice inside a statement with co_await: a capturing lambda or a
// brace-initialised temporary there must be named on the line above (tests/tidy enforces it).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vmc {

namespace asio = boost::asio;

template <class T = void>
using awaitable = asio::awaitable<T>;

using Steady = std::chrono::steady_clock;
using Duration = std::chrono::microseconds;

inline constexpr auto as_tuple_awaitable = asio::as_tuple(asio::use_awaitable);

}  // namespace vmc
