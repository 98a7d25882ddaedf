// The version of this build; CMake passes it in.
#pragma once

#include <string_view>

namespace vmc {

inline constexpr std::string_view kVersion = VMC_VERSION;

}  // namespace vmc
