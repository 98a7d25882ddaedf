// How agents move chunks: PUT and GET below /buffer/v1/, authenticated under the session key.
//
// PUT /buffer/v1/<tenant>/<execution>/<command>/<attempt epoch>/<index>: the sealed chunk is the body; kMacHeader is
// data::chunk_mac over its label. GET of the same path: kMacHeader is HMAC-SHA-256 over download_text().
// 422 BUFFER_INTEGRITY: the MAC does not fit, send it again. 409 CONFLICT: a newer session of this connector exists.
// 404: the command is not open, or is not this connector's.
#pragma once

#include <string>

#include "core/bytes.hpp"

namespace vmc::wire {

inline constexpr const char* kConnectorHeader = "X-Vmc-Connector";   // connector id
inline constexpr const char* kSessionHeader = "X-Vmc-Session";       // epoch of the session, decimal
inline constexpr const char* kCommandHeader = "X-Vmc-Command";       // GET: the command that needs the chunk
inline constexpr const char* kLastHeader = "X-Vmc-Last";             // PUT: "1" on the last chunk, else "0"
inline constexpr const char* kMacHeader = "X-Vmc-Mac";               // hex

std::string download_text(std::string_view path, std::string_view connector, std::int64_t session_epoch,
                          std::string_view command);

}  // namespace vmc::wire
