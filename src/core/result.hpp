// Result<T>: a value or an Error, where the caller can act on the difference.
//
// Exceptions mean a bug; calling value() on an error throws BadResult, which only main, a session or a
// job catches.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <utility>

#include "core/error.hpp"

namespace vmc {

template <class T = void>
using Result = boost::system::result<T, Error>;

struct BadResult : std::runtime_error {
  explicit BadResult(Error e) : std::runtime_error{e.text()}, error{std::move(e)} {}
  Error error;
};

[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) {
  throw BadResult{e};
}

inline Error fail(Code code, std::string message, std::string hint = {}) {
  return Error{code, std::move(message), std::move(hint)};
}

}  // namespace vmc

// VMC_TRY(name, expression): declares `name` from the value, or returns the error to the caller.
// VMC_CHECK(expression): the same for Result<void>. The CO_ forms do it inside a coroutine.
#define VMC_TRY(name, ...)                                     \
  auto name##_result = (__VA_ARGS__);                          \
  if (!name##_result) return std::move(name##_result).error(); \
  auto name = std::move(*name##_result)
#define VMC_CO_TRY(name, ...)                                     \
  auto name##_result = (__VA_ARGS__);                             \
  if (!name##_result) co_return std::move(name##_result).error(); \
  auto name = std::move(*name##_result)
#define VMC_CHECK(...)                                       \
  do {                                                       \
    auto vmc_checked = (__VA_ARGS__);                        \
    if (!vmc_checked) return std::move(vmc_checked).error(); \
  } while (false)
#define VMC_CO_CHECK(...)                                       \
  do {                                                          \
    auto vmc_checked = (__VA_ARGS__);                           \
    if (!vmc_checked) co_return std::move(vmc_checked).error(); \
  } while (false)
