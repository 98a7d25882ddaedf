#include "wire/command.hpp"

#include <catch2/catch.hpp>

#include "samples.hpp"

using namespace vmc;
using namespace vmc::wire;

TEST_CASE("operations and load modes are found by the names they print") {
  for (auto operation : {Operation::split, Operation::extract, Operation::digest, Operation::load,
                         Operation::digest_keys, Operation::query, Operation::swap, Operation::drop_aside})
    CHECK(operation_named(to_string(operation)) == operation);
  for (auto mode : {LoadMode::insert, LoadMode::upsert, LoadMode::replace})
    CHECK(load_mode_named(to_string(mode)) == mode);
  CHECK_FALSE(operation_named("drop").has_value());
  CHECK_FALSE(load_mode_named("").has_value());
}

TEST_CASE("a command is stored without its keys and read again") {
  Command command = test::sample_command(Operation::load);
  command.input->data_key.clear();
  const auto read = command_from_json(to_json(command));
  REQUIRE(read.has_value());
  CHECK(*read == command);
  const auto deliverable = check_deliverable(*read);
  REQUIRE_FALSE(deliverable.has_value());
  CHECK(deliverable.error().code == Code::command_malformed);
  CHECK(deliverable.error().message == "'input.dataKey' is missing");
}

TEST_CASE("a swap says how many rows were laid aside, and only a load that replaces has one") {
  const Command swap = test::sample_command(Operation::swap);
  const auto read = command_from_json(to_json(swap));
  REQUIRE(read.has_value());
  CHECK(*read == swap);

  const auto refused = [](Command other) { return !command_from_json(to_json(other)).has_value(); };
  Command uncounted = swap;
  uncounted.payload.load->rows.reset();
  CHECK(refused(uncounted));
  Command negative = swap;
  negative.payload.load->rows = -1;
  CHECK(refused(negative));
  for (auto operation : {Operation::swap, Operation::drop_aside}) {
    Command other = test::sample_command(operation);
    other.payload.load->mode = LoadMode::upsert;
    CHECK(refused(other));
    other.payload.load.reset();
    CHECK(refused(other));
  }
  Command keyless = test::sample_command(Operation::load);
  keyless.payload.load->key.clear();
  CHECK(refused(keyless));
  keyless.payload.load->mode = LoadMode::replace;
  CHECK_FALSE(refused(keyless));
}

TEST_CASE("a query is an intent or a statement with its values, never both, and no other operation takes one") {
  Command command = test::sample_command(Operation::query);
  command.payload.intent.reset();
  command.payload.query = "SELECT name FROM orders WHERE id = $1 AND note IS NOT DISTINCT FROM $2";
  command.payload.params = {data::Value{std::int64_t{1} << 60}, data::Value{}};
  const auto read = command_from_json(to_json(command));
  REQUIRE(read.has_value());
  CHECK(*read == command);

  const auto refused = [](Command other) { return !command_from_json(to_json(other)).has_value(); };
  Command both = command;
  both.payload.intent = test::sample_intent();
  CHECK(refused(both));
  Command neither = command;
  neither.payload.query.reset();
  neither.payload.params.clear();
  CHECK(refused(neither));
  Command extract = test::sample_command(Operation::extract);
  extract.payload.query = "SELECT 1";
  CHECK(refused(extract));
  Command values_alone = test::sample_command(Operation::query);
  values_alone.payload.params = {data::Value{std::int64_t{1}}};
  CHECK(refused(values_alone));
  Command too_long = command;
  too_long.payload.query = std::string(kStatementBytesMax + 1, 'x');
  CHECK(refused(too_long));
  Command too_many = command;
  too_many.payload.params.resize(kParamsMax + 1);
  CHECK(refused(too_many));
}

TEST_CASE("the fingerprint is of the request, not of the attempt") {
  const Command command = test::sample_command(Operation::extract);
  const auto print = fingerprint(command);
  CHECK(print.size() == 64);

  Command again = command;
  again.command_id = "cmd_2";
  again.attempt = 9;
  again.attempt_epoch = 9;
  again.data_key = test::filled(32, 77);
  again.upload = "elsewhere/";
  again.payload.expires_at += 1;
  again.payload.timeout_ms += 1;
  CHECK(fingerprint(again) == print);

  Command other = command;
  other.payload.intent->columns.push_back("secret");
  CHECK(fingerprint(other) != print);
  other = command;
  other.payload.connection = "crm";
  CHECK(fingerprint(other) != print);
  other = command;
  other.operation = Operation::query;
  CHECK(fingerprint(other) != print);

  Command load = test::sample_command(Operation::load);
  const auto of_load = fingerprint(load);
  load.input->data_key = test::filled(32, 99);
  CHECK(fingerprint(load) == of_load);
  load.input->label_epoch = 2;
  CHECK(fingerprint(load) != of_load);
}
