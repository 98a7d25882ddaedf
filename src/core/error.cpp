#include "core/error.hpp"

#include <array>

#include <fmt/format.h>

namespace vmc {
namespace {

constexpr std::array kCodes{
    CodeInfo{Code::auth_failed, "AUTH_FAILED", "The key, token or signature was not accepted.",
             "Check that the key is complete and not revoked; create a new one with 'vmc key create'.", false,
             401, 4},
    CodeInfo{Code::duplicate_connection, "DUPLICATE_CONNECTION",
             "Another installation is connected with the same key.",
             "Give each installation a key of its own, or stop the other one first.", false, 409, 6},
    CodeInfo{Code::write_keyword_detected, "WRITE_KEYWORD_DETECTED", "The statement contains a writing verb.",
             "Send a reading statement.", false, 422, 1},
    CodeInfo{Code::write_operation_rejected, "WRITE_OPERATION_REJECTED",
             "The statement is not one single reading statement.", "Send one SELECT, or an intent.", false,
             422, 1},
    CodeInfo{Code::write_not_permitted, "WRITE_NOT_PERMITTED",
             "The owner of this connection has not opened the table for writing.",
             "Ask the owner to add the table to writable_tables on the agent.", false, 403, 1},
    CodeInfo{Code::weak_grants, "WEAK_GRANTS", "The database user has more rights than reading needs.",
             "Use a read-only database user.", false, 403, 1},
    CodeInfo{Code::schema_access_denied, "SCHEMA_ACCESS_DENIED",
             "The command touches a table or column that is private or not approved.",
             "Leave it out, or ask the owner to approve and publish it.", false, 403, 1},
    CodeInfo{Code::approval_denied, "APPROVAL_DENIED", "The owner has not approved this statement.",
             "Ask the owner to approve it on the agent.", false, 403, 1},
    CodeInfo{Code::query_timeout, "QUERY_TIMEOUT",
             "The query ran longer than its time limit and was stopped.",
             "Narrow the query or raise timeoutMs.", true, 504, 7},
    CodeInfo{Code::connection_pool_exhausted, "CONNECTION_POOL_EXHAUSTED",
             "No database connection became free in time.",
             "Try again, or raise pool.max for this connection.", true, 503, 7},
    CodeInfo{Code::connection_not_found, "CONNECTION_NOT_FOUND", "The agent has no connection of this name.",
             "List the connections with 'vmc agent db list'.", false, 404, 5},
    CodeInfo{Code::database_error, "DATABASE_ERROR", "The database refused or failed the request.",
             "The agent's local log names the cause.", true, 502, 1},
    CodeInfo{Code::command_expired, "COMMAND_EXPIRED", "The command waited longer than its time to live.",
             "Check that the agent is connected and run it again.", false, 410, 7},
    CodeInfo{Code::command_malformed, "COMMAND_MALFORMED", "The command does not follow the protocol.",
             "Update the older side.", false, 400, 1},
    CodeInfo{Code::idempotency_mismatch, "IDEMPOTENCY_MISMATCH",
             "The idempotency key was used before with other content.", "Use a new key for a new request.",
             false, 422, 6},
    CodeInfo{Code::queue_full, "QUEUE_FULL", "The queue has reached its limit and takes nothing more.",
             "Try again when earlier work has finished.", true, 503, 7},
    CodeInfo{Code::cancelled, "CANCELLED", "The work was cancelled.", "Start it again if it is still wanted.",
             false, 409, 3},
    CodeInfo{Code::activity_timeout, "ACTIVITY_TIMEOUT", "The activity ran longer than its time limit.",
             "Raise its timeout or give it less to do.", true, 504, 7},
    CodeInfo{Code::vault_decrypt_error, "VAULT_DECRYPT_ERROR",
             "The vault cannot be opened with this machine's key.",
             "Enter the credentials again, or restore the key file that belongs to this vault.", false, 500,
             1},
    CodeInfo{Code::connector_offline, "CONNECTOR_OFFLINE", "The connector is not connected.",
             "Start the agent, or wait until it reconnects.", true, 503, 7},
    CodeInfo{Code::buffer_integrity, "BUFFER_INTEGRITY", "Stored or received data does not match its seal.",
             "Run it again; if it happens again, check disk and network.", true, 422, 1},
    CodeInfo{Code::script_error, "SCRIPT_ERROR", "The script failed.", "Fix the line named in the message.",
             false, 422, 1},
    CodeInfo{Code::script_limit, "SCRIPT_LIMIT", "The script was stopped at one of its limits.",
             "Make the script do less, or raise the limit.", false, 422, 1},
    CodeInfo{Code::host_not_allowed, "HOST_NOT_ALLOWED", "The host is not on the allow-list.",
             "Add the host to the manifest.", false, 403, 1},
    CodeInfo{Code::quota_exceeded, "QUOTA_EXCEEDED", "The tenant's quota is used up.",
             "Wait until it renews, or raise the quota.", true, 429, 1},
    CodeInfo{Code::rate_limited, "RATE_LIMITED", "Too many requests.",
             "Wait for the time given in Retry-After.", true, 429, 7},
    CodeInfo{Code::workflow_invalid, "WORKFLOW_INVALID", "The workflow definition is not valid.",
             "Fix what the message names.", false, 422, 2},
    CodeInfo{Code::workflow_hash_mismatch, "WORKFLOW_HASH_MISMATCH",
             "The stored workflow is not the one that was published.", "Publish the workflow again.", false,
             409, 6},
    CodeInfo{Code::invalid_request, "INVALID_REQUEST", "The request is not valid.",
             "Fix what the message names.", false, 400, 2},
    CodeInfo{Code::not_found, "NOT_FOUND", "There is no such thing.", "Check the name or id.", false, 404, 5},
    CodeInfo{Code::forbidden, "FORBIDDEN", "The caller may not do this.", "Use a token with the right role.",
             false, 403, 4},
    CodeInfo{Code::conflict, "CONFLICT", "Somebody else changed it first, or it exists already.",
             "Read it again and repeat the change.", false, 409, 6},
    CodeInfo{Code::update_refused, "UPDATE_REFUSED", "The update is not signed as it must be.",
             "Download it again from the official place.", false, 422, 1},
    CodeInfo{Code::unavailable, "UNAVAILABLE", "A part that is needed cannot be reached.",
             "Check that it runs and try again.", true, 503, 7},
    CodeInfo{Code::internal, "INTERNAL", "Something went wrong inside vmc.",
             "The log has the details; please report it.", false, 500, 1},
};

}  // namespace

const CodeInfo& info(Code code) { return kCodes[static_cast<std::size_t>(code)]; }
std::span<const CodeInfo> all_codes() { return kCodes; }

std::optional<Code> code_named(std::string_view name) {
  for (const auto& entry : kCodes)
    if (entry.name == name) return entry.code;
  return std::nullopt;
}

std::string Error::text() const { return fmt::format("{}: {} ({})", name(), message, next()); }

}  // namespace vmc
