#include "workflow/plan.hpp"

#include <catch2/catch.hpp>

#include "samples.hpp"

using namespace vmc;
using namespace vmc::workflow;

namespace {

constexpr Micros kNow = 1'700'000'000'000'000;
constexpr Micros kLater = kNow + 3'600'000'000;

// A log that is written and folded as a worker does it.
struct Run {
  explicit Run(Json document = test::sample_document()) : definition{*definition_from_json(document)} {
    add(Started{hash(definition), std::nullopt});
  }

  Run& add(EventBody body, Micros time = kNow) {
    log.push_back({static_cast<std::int64_t>(log.size()) + 1, time, std::move(body)});
    apply(state, log.back());
    return *this;
  }
  Run& parts(int count, bool in_order = false) {
    PartsFixed fixed{"1", {}, {}, 0, false, in_order};
    for (int i = 0; i < count; ++i)
      fixed.parts.push_back({{"id"}, {data::Value{std::int64_t{i}}}, {data::Value{std::int64_t{i + 1}}}});
    return add(fixed);
  }
  Run& issued(const std::string& id, Purpose purpose, std::int64_t part = 0, std::int64_t epoch = 1) {
    return add(CommandIssued{id, "1", part, purpose, epoch});
  }
  Run& extracted(std::int64_t part) {
    const auto id = "x" + std::to_string(part);
    return issued(id, Purpose::extract, part).add(PartExtracted{part, 1, id, "b/", 1, 10, "in"});
  }
  Run& shaped(std::int64_t part, std::int64_t refused = 0) {
    return add(PartShaped{part, 1, "l" + std::to_string(part), "s/", 1, 10, 10 - refused, refused, 0, "in",
                          "out", "k"});
  }
  Run& loaded(std::int64_t part) { return add(PartLoaded{part, 1, "l" + std::to_string(part), 10, false}); }
  Run& verified(std::int64_t part, bool ok = true) {
    const auto id = "d" + std::to_string(part);
    return issued(id, Purpose::digest_keys, part).add(PartVerified{part, 1, id, 10, ok ? "out" : "other", true});
  }
  Run& failed(const std::string& id, Purpose purpose, std::int64_t part, Code code, bool retryable,
              int attempt = 1, Micros time = kNow) {
    return add(CommandFailed{id, "1", part, purpose, code, "it went wrong", retryable, attempt}, time);
  }
  Run& whole_part(std::int64_t part) { return extracted(part).shaped(part).loaded(part); }

  std::vector<Action> next(Micros now = kNow) const {
    return workflow::next(definition, state, limits, now).actions;
  }

  Definition definition;
  std::vector<Event> log;
  ExecutionState state;
  PlanLimits limits;
};

template <class T>
T only(const std::vector<Action>& actions) {
  REQUIRE(actions.size() == 1);
  REQUIRE(std::holds_alternative<T>(actions[0]));
  return std::get<T>(actions[0]);
}

Json loading_with(const char* mode) {
  return test::with(test::sample_document(), "/activities/2/params/mode", mode);
}
Json replacing() {
  Json document = test::without(loading_with("replace"), "/activities/2/params/conflictKey");
  for (const char* field : {"mode", "cursor", "overlap"}) document["activities"][0]["params"].erase(field);
  return document;
}
Json keyless() { return test::without(loading_with("insert"), "/activities/2/params/conflictKey"); }

}  // namespace

TEST_CASE("a run begins by having its source cut into parts") {
  Run run;
  CHECK(only<IssueSplit>(run.next()) == IssueSplit{1});
  run.issued("c1", Purpose::split);
  CHECK(only<Park>(run.next()).cause == "1 split command at its agent");
  run.parts(2);
  CHECK(run.next() == std::vector<Action>{IssueExtract{0, 1}, IssueExtract{1, 1}});
}

TEST_CASE("a load that replaces its table swaps once, when every part is laid aside, and reads it back whole") {
  Run run{replacing()};
  CHECK(only<IssueSplit>(run.next()) == IssueSplit{1});
  CHECK_FALSE(run.state.started_loading());
  run.parts(2).whole_part(0).extracted(1).shaped(1);
  CHECK(run.state.started_loading());
  CHECK(only<Park>(run.next()).cause == "1 load command at its agent");
  CHECK(summarise(run.state, ReadBack::table).rows_written == 0);
  run.loaded(1);
  CHECK(run.state.rows_out() == 20);
  CHECK(only<IssueSwap>(run.next()) == IssueSwap{1});
  run.issued("w1", Purpose::swap);
  CHECK(only<Park>(run.next()).cause == "1 swap command at its agent");
  run.failed("w1", Purpose::swap, 0, Code::query_timeout, true);
  CHECK(only<IssueSwap>(run.next(kLater)) == IssueSwap{2});
  run.issued("w2", Purpose::swap, 0, 2).add(TableSwapped{2, "w2", 20, false}).add(TableSwapped{2, "w2", 7, false});
  CHECK(run.state.swapped->rows == 20);
  CHECK(only<IssueDigestTable>(run.next()) == IssueDigestTable{1});
  run.issued("t1", Purpose::digest_table);
  CHECK(only<Park>(run.next()).cause == "1 digest command at its agent");
  run.add(TableVerified{1, "t1", 20, "sum", true});
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::succeeded));
  CHECK(finish.summary.at("proofDetail") == "complete");
  CHECK(finish.summary.at("rowsWritten") == 20);
}

TEST_CASE("a replaced table that is not what was handed over fails the run") {
  for (const auto& found : {TableVerified{1, "t1", 10, "other", false}, TableVerified{1, "t1", 11, "sum", true}}) {
    Run run{replacing()};
    run.parts(1).whole_part(0).issued("w1", Purpose::swap).add(TableSwapped{1, "w1", 10, false});
    run.issued("t1", Purpose::digest_table).add(found);
    const auto finish = only<Finish>(run.next());
    CHECK((finish.status == FinalStatus::failed));
    CHECK((finish.code == Code::buffer_integrity));
    CHECK(finish.message.find("the replaced table as a whole") != std::string::npos);
    CHECK(finish.summary.at("proofDetail") == "failed");
  }
}

TEST_CASE("an empty source empties the table, and a run that fails before the swap changes nothing") {
  Run empty{replacing()};
  empty.parts(0);
  CHECK(only<IssueSwap>(empty.next()) == IssueSwap{1});

  Run failing{replacing()};
  failing.parts(1).whole_part(0).issued("w1", Purpose::swap).failed("w1", Purpose::swap, 0, Code::conflict, false);
  const auto finish = only<Finish>(failing.next());
  CHECK((finish.status == FinalStatus::failed));
  CHECK(finish.summary.at("rowsWritten") == 0);
  CHECK_FALSE(failing.state.swapped.has_value());
}

TEST_CASE("an extracted part is shaped, and its load comes with it") {
  Run run;
  run.parts(1).extracted(0);
  CHECK(only<Shape>(run.next()) == Shape{0, 1, 1});
  run.shaped(0);
  CHECK(only<Park>(run.next()).cause == "1 load command at its agent");
  CHECK(run.state.parts[0].load.command_id == "l0");
}

TEST_CASE("the load command may be announced before the part is shaped or not at all") {
  Run run;
  run.parts(1).extracted(0).issued("l0", Purpose::load, 0, 1).shaped(0);
  CHECK(run.state.parts[0].shaped.has_value());
  run.issued("l0", Purpose::load, 0, 1).loaded(0);
  CHECK(run.state.parts[0].loaded.has_value());
}

TEST_CASE("no more parts are in flight than the limit") {
  Run run;
  run.parts(5);
  CHECK(run.next().size() == 3);
  run.extracted(0).extracted(1).issued("x2", Purpose::extract, 2);
  CHECK(run.next() == std::vector<Action>{Shape{0, 1, 1}, Shape{1, 1, 1}});
  run.shaped(0).loaded(0);
  CHECK(run.next() == std::vector<Action>{Shape{1, 1, 1}, IssueExtract{3, 1}});
}

TEST_CASE("the destination is read back after everything is loaded, a bounded number of reads at once") {
  Run run;
  run.parts(4).whole_part(0).whole_part(1).whole_part(2).extracted(3).shaped(3);
  CHECK(only<Park>(run.next()).cause == "1 load command at its agent");
  run.loaded(3);
  CHECK(run.next() == std::vector<Action>{IssueDigestKeys{0, 1}, IssueDigestKeys{1, 1}, IssueDigestKeys{2, 1}});
  for (int part : {0, 1, 2, 3}) run.verified(part);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::succeeded));
  CHECK(finish.summary.at("proof") == true);
  CHECK(finish.summary.at("proofDetail") == "complete");
  CHECK(finish.summary.at("rowsRead") == 40);
  CHECK(finish.summary.at("rowsWritten") == 40);
  run.add(Finished{finish.status, finish.code, finish.message, finish.summary});
  CHECK(run.next().empty());
}

TEST_CASE("a destination that differs fails the run and names the part") {
  Run run;
  run.parts(2).whole_part(0).whole_part(1).verified(0).verified(1, false);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::failed));
  CHECK((finish.code == Code::buffer_integrity));
  CHECK(finish.message.find("part 1 (destination)") != std::string::npos);
  CHECK(finish.summary.at("proof") == false);
  CHECK(finish.summary.at("failedParts") == Json::array({1}));
}

TEST_CASE("a part that differs from its source is extracted again, and no other") {
  Run run;
  run.parts(2).extracted(0).extracted(1).add(PartDiffers{1, 1, "x1", 9, "less"});
  CHECK_FALSE(run.state.parts[1].extracted.has_value());
  CHECK(run.next(kLater) == std::vector<Action>{Shape{0, 1, 1}, IssueExtract{1, 2}});
  CHECK(summarise(run.state, ReadBack::keys).proof_detail == "failed");

  run.issued("x1b", Purpose::extract, 1, 2).add(PartExtracted{1, 2, "x1b", "b2/", 1, 10, "in"});
  run.add(PartDiffers{1, 1, "x1", 9, "less"});  // of the attempt before
  run.shaped(0).loaded(0).shaped(1).loaded(1).verified(0).verified(1);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::succeeded));
  CHECK(finish.summary.at("proof") == true);
}

TEST_CASE("the parts of an incremental run are read, loaded and read back in their order") {
  Run run;
  run.parts(3, true);
  CHECK(only<IssueExtract>(run.next()) == IssueExtract{0, 1});
  run.extracted(0);
  CHECK(run.next() == std::vector<Action>{Shape{0, 1, 1}, IssueExtract{1, 1}});
  run.extracted(1).issued("x2", Purpose::extract, 2).shaped(0);
  CHECK(only<Park>(run.next()).cause == "2 commands at their agents");
  run.loaded(0);
  CHECK(only<IssueDigestKeys>(run.next()) == IssueDigestKeys{0, 1});
  run.verified(0);
  CHECK(only<Shape>(run.next()) == Shape{1, 1, 1});

  // What was read after a part that is read again would be older than it.
  run.add(PartDiffers{1, 1, "x1", 9, "less"});
  CHECK(only<IssueExtract>(run.next(kLater)) == IssueExtract{1, 2});
  run.add(PartExtracted{2, 1, "x2", "b/", 1, 10, "in"});
  CHECK_FALSE(run.state.parts[2].extracted.has_value());
  run.issued("x1b", Purpose::extract, 1, 2).add(PartExtracted{1, 2, "x1b", "b2/", 1, 10, "in"});
  CHECK(run.next(kLater) == std::vector<Action>{Shape{1, 1, 1}, IssueExtract{2, 2}});
}

TEST_CASE("a part that differs from its source time and again fails the proof") {
  Run run;
  run.parts(1);
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    const auto id = "x" + std::to_string(epoch);
    run.issued(id, Purpose::extract, 0, epoch).add(PartExtracted{0, epoch, id, "b/", 1, 10, "in"});
    run.add(PartDiffers{0, epoch, id, epoch == 3 ? 10 : 9, "other"});
  }
  const auto finish = only<Finish>(run.next(kLater));
  CHECK((finish.status == FinalStatus::failed));
  CHECK((finish.code == Code::buffer_integrity));
  CHECK(finish.message ==
        "step '1', part 0 failed 3 times, the last time with: the source, read again, has other values in its 10 rows");
  CHECK(finish.summary.at("proofDetail") == "failed");
  CHECK(finish.summary.at("failedParts") == Json::array({0}));
}

TEST_CASE("a part is not proven by its worker's word") {
  Run shaped;
  shaped.parts(1).extracted(0).add(PartShaped{0, 1, "l0", "s/", 1, 9, 9, 0, 0, "less", "out", "k"});
  CHECK_FALSE(shaped.state.parts[0].source->ok);

  Run verified;
  verified.parts(1).whole_part(0).issued("d0", Purpose::digest_keys);
  verified.add(PartVerified{0, 1, "d0", 9, "out", true});  // a row is missing, and it says ok
  CHECK_FALSE(verified.state.parts[0].destination->ok);
}

TEST_CASE("an insert without a key is proven at its source only, and says so") {
  Run run{keyless()};
  run.parts(1).whole_part(0);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::succeeded));
  CHECK(finish.summary.at("proof") == false);
  CHECK(finish.summary.at("proofDetail") == "source only");
}

TEST_CASE("no parts and no rows are fine") {
  Run none;
  none.parts(0);
  CHECK((only<Finish>(none.next()).status == FinalStatus::succeeded));

  Run empty;
  empty.add(PartsFixed{"1", {}, {}, 0, true}).issued("x0", Purpose::extract);
  empty.add(PartExtracted{0, 1, "x0", "b/", 1, 0, "0"});
  CHECK(only<Shape>(empty.next()) == Shape{0, 1, 1});
  empty.add(PartShaped{0, 1, "", "", 0, 0, 0, 0, 0, "0", "0", ""});  // nothing to load
  const auto finish = only<Finish>(empty.next());
  CHECK((finish.status == FinalStatus::succeeded));
  CHECK(finish.summary.at("proof") == true);
}

TEST_CASE("a failure that may pass is tried again after a growing pause, with a higher epoch") {
  Run run;
  run.parts(1)
      .issued("x0", Purpose::extract)
      .failed("x0", Purpose::extract, 0, Code::connector_offline, true);
  const auto first = only<Park>(run.next());
  REQUIRE(first.until.has_value());
  CHECK(*first.until >= kNow + 1'600'000);
  CHECK(*first.until <= kNow + 2'400'000);
  CHECK(first.cause == "1 failed command to be tried again");
  CHECK(only<IssueExtract>(run.next(*first.until)) == IssueExtract{0, 2});

  run.issued("x0b", Purpose::extract, 0, 2);
  run.failed("x0b", Purpose::extract, 0, Code::connector_offline, true, 2, *first.until);
  const auto second = only<Park>(run.next(*first.until));
  CHECK(*second.until >= *first.until + 3'200'000);
  CHECK(only<IssueExtract>(run.next(kLater)) == IssueExtract{0, 3});

  run.issued("x0c", Purpose::extract, 0, 3)
      .failed("x0c", Purpose::extract, 0, Code::connector_offline, true, 3);
  const auto finish = only<Finish>(run.next(kLater));
  CHECK((finish.status == FinalStatus::failed));
  CHECK((finish.code == Code::connector_offline));
  CHECK(finish.message == "step '1', part 0 failed 3 times, the last time with: it went wrong");
}

TEST_CASE("waiting for a session in vain is no attempt, and has an end") {
  Run run;
  run.limits.waits = 5;
  run.parts(1);
  for (std::int64_t epoch = 1; epoch <= 5; ++epoch) {
    const auto id = "x" + std::to_string(epoch);
    CHECK(only<IssueExtract>(run.next(kLater)) == IssueExtract{0, epoch});
    run.issued(id, Purpose::extract, 0, epoch)
        .failed(id, Purpose::extract, 0, Code::connection_pool_exhausted, true, static_cast<int>(epoch));
  }
  CHECK(run.state.parts[0].extract.failures == 0);
  const auto finish = only<Finish>(run.next(kLater));
  CHECK((finish.code == Code::connection_pool_exhausted));
}

TEST_CASE("splitting, loading and verifying are tried again as well") {
  Run run;
  run.issued("c", Purpose::split).failed("c", Purpose::split, 0, Code::query_timeout, true);
  CHECK(only<IssueSplit>(run.next(kLater)).epoch == 2);
  run.issued("c2", Purpose::split, 0, 2).parts(1).extracted(0).shaped(0);
  run.failed("l0", Purpose::load, 0, Code::database_error, true);
  CHECK(only<IssueLoad>(run.next(kLater)) == IssueLoad{0, 2});
  run.issued("l0b", Purpose::load, 0, 2).add(PartLoaded{0, 2, "l0b", 10, true});
  run.issued("d0", Purpose::digest_keys).failed("d0", Purpose::digest_keys, 0, Code::unavailable, true);
  CHECK(only<IssueDigestKeys>(run.next(kLater)) == IssueDigestKeys{0, 2});
}

TEST_CASE("a failure that cannot pass ends the run at once") {
  Run run;
  run.parts(2)
      .extracted(1)
      .issued("x0", Purpose::extract)
      .failed("x0", Purpose::extract, 0, Code::schema_access_denied, false);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::failed));
  CHECK((finish.code == Code::schema_access_denied));
  CHECK(finish.message == "step '1', part 0: it went wrong");
}

TEST_CASE("a part whose chunks are damaged is read again") {
  Run run;
  run.parts(1).extracted(0).failed("", Purpose::shape, 0, Code::buffer_integrity, true, 1);
  CHECK_FALSE(run.state.parts[0].extracted.has_value());
  CHECK(std::get<Park>(run.next()[0]).until.has_value());
  CHECK(only<IssueExtract>(run.next(kLater)) == IssueExtract{0, 2});
  run.issued("x0b", Purpose::extract, 0, 2).add(PartExtracted{0, 2, "x0b", "b2/", 1, 10, "in"});
  CHECK(only<Shape>(run.next(kLater)) == Shape{0, 1, 2});
}

TEST_CASE("shaped chunks that cannot be read are made again") {
  Run run;
  run.parts(1).extracted(0).shaped(0).failed("l0", Purpose::load, 0, Code::buffer_integrity, true);
  CHECK(only<Shape>(run.next(kLater)) == Shape{0, 2, 1});
  run.add(PartShaped{0, 2, "l0b", "s2/", 1, 10, 10, 0, 0, "in", "out", "k"})
      .add(PartLoaded{0, 2, "l0b", 10, false});
  CHECK(run.state.all_loaded());
}

TEST_CASE("a script that fails ends the run; one that was interrupted is run again") {
  Run run;
  run.parts(1).extracted(0).failed("", Purpose::shape, 0, Code::unavailable, true, 1);
  run.failed("", Purpose::shape, 0, Code::unavailable, true, 1);  // the same failure, written twice
  CHECK(run.state.parts[0].shape.failures == 1);
  CHECK(only<Shape>(run.next(kLater)) == Shape{0, 1, 2});
  run.failed("", Purpose::shape, 0, Code::script_error, false, 2);
  CHECK((only<Finish>(run.next(kLater)).code == Code::script_error));
}

TEST_CASE("too many refused rows stop the run") {
  const auto document = test::with(test::sample_document(), "/activities/2/params/maxRefused", 2);
  Run run{document};
  run.parts(2).extracted(0).shaped(0, 2);
  CHECK(std::holds_alternative<IssueExtract>(run.next()[0]));
  run.extracted(1).shaped(1, 1);
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::failed));
  CHECK(finish.message == "3 of 20 rows were refused, 2 are allowed");
  CHECK(finish.summary.at("rowsRefused") == 3);
}

TEST_CASE("pausing parks, resuming goes on, cancelling ends") {
  Run run;
  run.parts(1).add(PauseRequested{});
  const auto park = only<Park>(run.next());
  CHECK(park.cause == "paused on request");
  CHECK_FALSE(park.until.has_value());
  run.extracted(0);  // what was on its way still counts
  CHECK(std::holds_alternative<Park>(run.next()[0]));
  run.add(Resumed{});
  CHECK(only<Shape>(run.next()) == Shape{0, 1, 1});
  run.add(CancelRequested{});
  const auto finish = only<Finish>(run.next());
  CHECK((finish.status == FinalStatus::cancelled));
  CHECK((finish.code == Code::cancelled));
}

TEST_CASE("a definition other than the one it was started with is not run") {
  Run run;
  run.definition.name = "other";
  CHECK((only<Finish>(run.next()).code == Code::workflow_hash_mismatch));
  run.definition.steps.clear();
  CHECK((only<Finish>(run.next()).code == Code::workflow_invalid));
}

TEST_CASE("outcomes of superseded attempts change nothing") {
  Run run;
  run.parts(1).issued("x0", Purpose::extract).issued("x0b", Purpose::extract, 0, 2);
  run.add(PartExtracted{0, 1, "x0", "old/", 1, 10, "in"});
  CHECK_FALSE(run.state.parts[0].extracted.has_value());
  run.failed("x0", Purpose::extract, 0, Code::internal, false);
  CHECK_FALSE(run.state.failure.has_value());
  run.add(PartExtracted{0, 2, "x0b", "new/", 1, 10, "in"});
  CHECK(run.state.parts[0].extracted->buffer_key == "new/");
  run.issued("x0", Purpose::extract, 0, 1).issued("x0c", Purpose::extract, 0, 3);
  CHECK_FALSE(run.state.parts[0].extract.open);
}

TEST_CASE("events about parts that do not exist change nothing") {
  Run run;
  run.parts(1)
      .issued("c", Purpose::extract, 7)
      .issued("c", Purpose::extract, -1)
      .add(PartExtracted{-1, 1, "c", "", 0, 0, ""});
  run.add(PartLoaded{9, 1, "c", 1, false})
      .add(PartVerified{9, 1, "c", 1, "", true})
      .add(PartDiffers{9, 1, "c", 1, ""})
      .failed("", Purpose::shape, 9, Code::internal, false);
  CHECK(only<IssueExtract>(run.next()) == IssueExtract{0, 1});
}
