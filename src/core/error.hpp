// The closed list of error codes and the error every fallible call returns.
//
// One table gives each code its meaning, what to do next, whether a retry can help, the HTTP status and
// the exit code; logs, API, link messages, command line and documentation all read it from here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace vmc {

enum class Code {
  auth_failed,
  duplicate_connection,
  write_keyword_detected,
  write_operation_rejected,
  write_not_permitted,
  weak_grants,
  schema_access_denied,
  approval_denied,
  query_timeout,
  connection_pool_exhausted,
  connection_not_found,
  database_error,
  command_expired,
  command_malformed,
  idempotency_mismatch,
  queue_full,
  cancelled,
  activity_timeout,
  vault_decrypt_error,
  connector_offline,
  buffer_integrity,
  script_error,
  script_limit,
  host_not_allowed,
  quota_exceeded,
  rate_limited,
  workflow_invalid,
  workflow_hash_mismatch,
  invalid_request,
  not_found,
  forbidden,
  conflict,
  update_refused,
  unavailable,
  internal,
};

struct CodeInfo {
  Code code;
  std::string_view name;     // as on the wire: "AUTH_FAILED"
  std::string_view meaning;  // one sentence
  std::string_view next;     // what to do about it
  bool retryable;            // may the same request succeed later, unchanged?
  int http_status;
  int exit_code;
};

const CodeInfo& info(Code code);
std::span<const CodeInfo> all_codes();
std::optional<Code> code_named(std::string_view name);

// What went wrong, where, and (where more is known than the table says) what to do next.
// `message` never carries secrets or row values.
struct Error {
  Error() = default;
  Error(Code c, std::string m, std::string h = {}) : code{c}, message{std::move(m)}, hint{std::move(h)} {}

  Code code = Code::internal;
  std::string message;
  std::string hint;

  std::string_view name() const { return info(code).name; }
  bool retryable() const { return info(code).retryable; }
  std::string_view next() const { return hint.empty() ? info(code).next : std::string_view{hint}; }
  // "NAME: message (next)"
  std::string text() const;
};

}  // namespace vmc
