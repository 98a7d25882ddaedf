// The coroutine vocabulary: every coroutine of a role runs on that role's one single-threaded loop.
//
// What g++ 12 gets wrong, and what tests/tidy therefore refuses:
// - a statement with co_await destroys a capturing lambda or a brace-initialised temporary twice: name it on
//   the line above;
// - a coroutine that declares no variable at all crashes at a co_await in the condition of if, while, for or
//   switch: take the value into a variable first;
// - Catch's CHECK and REQUIRE evaluate a co_await inside them twice.
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
