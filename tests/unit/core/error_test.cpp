#include <set>

#include <catch2/catch.hpp>

#include "core/result.hpp"
#include "support/show_result.hpp"

using namespace vmc;

TEST_CASE("the error table has one complete row per code, in the order of the codes") {
  std::set<std::string_view> names;
  std::size_t position = 0;
  for (const auto& row : all_codes()) {
    CAPTURE(row.name);
    CHECK(static_cast<std::size_t>(row.code) == position++);
    CHECK(names.insert(row.name).second);
    CHECK(!row.name.empty());
    CHECK(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string_view::npos);
    CHECK(row.meaning.ends_with('.'));
    CHECK(row.next.ends_with('.'));
    CHECK(row.http_status >= 400);
    CHECK(row.http_status < 600);
    CHECK(row.exit_code >= 1);
    CHECK(row.exit_code <= 8);
    CHECK(&info(row.code) == &row);
    CHECK(code_named(row.name) == row.code);
  }
  CHECK(position == static_cast<std::size_t>(Code::internal) + 1);
}

TEST_CASE("the error table knows exactly the codes of the protocol") {
  const std::set<std::string_view> expected{"AUTH_FAILED",
                                            "DUPLICATE_CONNECTION",
                                            "WRITE_KEYWORD_DETECTED",
                                            "WRITE_OPERATION_REJECTED",
                                            "WRITE_NOT_PERMITTED",
                                            "WEAK_GRANTS",
                                            "SCHEMA_ACCESS_DENIED",
                                            "APPROVAL_DENIED",
                                            "QUERY_TIMEOUT",
                                            "CONNECTION_NOT_FOUND",
                                            "CONNECTION_POOL_EXHAUSTED",
                                            "DATABASE_ERROR",
                                            "COMMAND_EXPIRED",
                                            "COMMAND_MALFORMED",
                                            "IDEMPOTENCY_MISMATCH",
                                            "QUEUE_FULL",
                                            "CANCELLED",
                                            "ACTIVITY_TIMEOUT",
                                            "VAULT_DECRYPT_ERROR",
                                            "CONNECTOR_OFFLINE",
                                            "BUFFER_INTEGRITY",
                                            "SCRIPT_ERROR",
                                            "SCRIPT_LIMIT",
                                            "HOST_NOT_ALLOWED",
                                            "QUOTA_EXCEEDED",
                                            "RATE_LIMITED",
                                            "WORKFLOW_INVALID",
                                            "WORKFLOW_HASH_MISMATCH",
                                            "INVALID_REQUEST",
                                            "NOT_FOUND",
                                            "FORBIDDEN",
                                            "CONFLICT",
                                            "UPDATE_REFUSED",
                                            "UNAVAILABLE",
                                            "INTERNAL"};

  std::set<std::string_view> actual;
  for (const auto& row : all_codes()) actual.insert(row.name);

  CHECK(actual == expected);
}

TEST_CASE("a name that is no code is not found") {
  CHECK_FALSE(code_named("NO_SUCH_CODE"));
  CHECK_FALSE(code_named("auth_failed"));
  CHECK_FALSE(code_named(""));
}

TEST_CASE("an error says its name, what happened and what to do next") {
  CHECK(fail(Code::queue_full, "the queue has 5 rows", "Wait.").text() ==
        "QUEUE_FULL: the queue has 5 rows (Wait.)");
  CHECK(fail(Code::queue_full, "full").next() == info(Code::queue_full).next);
  CHECK(fail(Code::queue_full, "full").retryable());
  CHECK_FALSE(fail(Code::forbidden, "no").retryable());
}

namespace {
Result<int> half(int number) {
  if (number % 2 != 0) return fail(Code::invalid_request, "odd");
  return number / 2;
}
Result<void> must_be_even(int number) {
  VMC_TRY(halved, half(number));
  if (halved * 2 != number) return fail(Code::internal, "arithmetic");
  return {};
}
Result<int> quarter(int number) {
  VMC_CHECK(must_be_even(number));
  VMC_TRY(halved, half(number));
  return half(halved);
}
}  // namespace

TEST_CASE("VMC_TRY and VMC_CHECK hand the first error to the caller") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error().message == "odd");
  CHECK(quarter(3).error().code == Code::invalid_request);
}

TEST_CASE("taking the value of an error throws BadResult with the error inside") {
  try {
    (void)half(1).value();
    FAIL("no exception");
  } catch (const BadResult& e) {
    CHECK(e.error.code == Code::invalid_request);
    CHECK(std::string{e.what()}.find("INVALID_REQUEST") == 0);
  }
}
