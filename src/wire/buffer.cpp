#include "wire/buffer.hpp"

#include <fmt/format.h>

namespace vmc::wire {

std::string download_text(std::string_view path, std::string_view connector, std::int64_t session_epoch,
                          std::string_view command) {
  return fmt::format("vmc download 1\n{}\n{}\n{}\n{}", path, connector, session_epoch, command);
}

}  // namespace vmc::wire
