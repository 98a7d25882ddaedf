// Text from outside on its way to a terminal: control characters, which a terminal would obey, become spaces.
#pragma once

#include <string>
#include <string_view>

namespace vmc {

std::string printable(std::string_view text, std::string_view kept = "");  // `kept`: control characters that stay

}  // namespace vmc
