// Named places where a test may kill the process, to show that nothing is lost there.
//
// VMC_CRASH_AT="name" or "name:n" makes the n-th visit of that point end the process as kill -9 would.
// VMC_CRASH_LOG=FILE appends every name the first time it is visited. Without these variables a visit
// costs one load.
#pragma once

#include <string_view>

namespace vmc {

void crash_point(std::string_view name);

}  // namespace vmc
