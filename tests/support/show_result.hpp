// Lets Catch show a Result in a failed check: its error in words, or that there was a value.
#pragma once

#include <catch2/catch.hpp>

#include "core/result.hpp"

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, vmc::Error>> {
  static std::string convert(const boost::system::result<T, vmc::Error>& result) {
    return result ? "a value" : result.error().text();
  }
};

}  // namespace Catch
