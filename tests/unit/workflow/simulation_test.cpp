// Whole runs with a worker, agents and a log that behave as badly as they are allowed to: outcomes in any
// order, failures, events written twice, outcomes of superseded attempts, a worker that dies between any two
// actions.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "samples.hpp"
#include "workflow/plan.hpp"

using namespace vmc;
using namespace vmc::workflow;

namespace {

struct Trouble {
  int failures_percent = 0;
  int repeats_percent = 0;
  int damage_percent = 0;
  bool altered_destination = false;  // one part is changed behind the engine's back
  int changing_percent = 0;          // of the source's parts, between the two reads of it
  bool in_order = false;             // an incremental run
};

class Simulation {
 public:
  Simulation(std::uint32_t seed, int parts, Trouble trouble, Definition definition = test::sample_definition())
      : random_{seed}, part_count_{parts}, trouble_{trouble}, definition_{std::move(definition)} {
    limits_.attempts = 1000;
    append(Started{hash(definition_), std::nullopt});
  }

  Finished run() {
    for (int turn = 0; turn < 100'000; ++turn) {
      check_bounds();
      const Plan plan = next(definition_, state_, limits_, now_);
      if (state_.finished) return *state_.finished;
      REQUIRE_FALSE(plan.actions.empty());
      if (const Park* park = plan.park()) {
        // Quiescent only when something is on its way or a time is set.
        REQUIRE((!flights_.empty() || (park->until && *park->until > now_)));
        if (flights_.empty())
          now_ = *park->until;
        else
          land(below(flights_.size()));
        continue;
      }
      for (const auto& action : plan.actions) {
        if (chance(20)) break;  // the worker dies here; another plans anew
        std::visit([&](const auto& a) { perform(a); }, action);
        if (!flights_.empty() && chance(30)) land(below(flights_.size()));
        if (state_.finished) break;
        if (chance(50)) break;  // what landed may have changed the plan
      }
    }
    FAIL("the run does not end");
    return {};
  }

  const ExecutionState& state() const { return state_; }
  const std::vector<Event>& log() const { return log_; }
  int changes(const char* what, std::int64_t part) { return changes_[{what, part}]; }
  std::int64_t rows(std::int64_t part) const { return 10 * (part % 4); }  // some parts have none

 private:
  struct Flight {
    std::string id;
    Purpose purpose;
    std::int64_t part, epoch;
  };

  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  std::string digest(const char* side, std::int64_t part) const {
    return std::string{side} + std::to_string(part);
  }

  void append(const EventBody& body) {
    now_ += 1000;
    const auto before = state_;
    log_.push_back({static_cast<std::int64_t>(log_.size()) + 1, now_, body});
    apply(state_, log_.back());
    count(before);
    if (chance(trouble_.repeats_percent)) repeat(log_.back().body);
    if (chance(trouble_.repeats_percent)) repeat(log_[below(log_.size())].body);  // something old
    apply(state_, log_[below(log_.size())]);                                      // read twice
  }

  // A body that reaches the log once more must not change a thing.
  void repeat(EventBody body) {
    if (std::holds_alternative<Finished>(body)) return;
    const auto before = state_;
    log_.push_back({static_cast<std::int64_t>(log_.size()) + 1, now_, std::move(body)});
    apply(state_, log_.back());
    count(before);
  }

  void count(const ExecutionState& before) {
    for (std::size_t i = 0; i < before.parts.size(); ++i) {
      const auto& was = before.parts[i];
      const auto& is = state_.parts[i];
      const auto part = static_cast<std::int64_t>(i);
      if (was.extracted != is.extracted && is.extracted) ++changes_[{"extracted", part}];
      if (was.shaped != is.shaped && is.shaped) ++changes_[{"shaped", part}];
      if (was.loaded != is.loaded && is.loaded) ++changes_[{"loaded", part}];
      if (!(was.source && was.source->ok) && is.source && is.source->ok) ++changes_[{"source", part}];
      if (!was.destination && is.destination) ++changes_[{"destination", part}];
    }
    if (!before.swapped && state_.swapped) {
      REQUIRE(before.all_loaded());
      ++changes_[{"swapped", 0}];
    }
    if (!before.table && state_.table) ++changes_[{"table", 0}];
  }

  void fly(Purpose purpose, std::int64_t part, std::int64_t epoch) {
    const Flight flight{"cmd_" + std::to_string(++commands_), purpose, part, epoch};
    flights_.push_back(flight);
    append(CommandIssued{flight.id, "s", part, purpose, epoch});
    issued_at_[flight.id] = log_.size();
  }

  void perform(const IssueSplit& a) { fly(Purpose::split, 0, a.epoch); }
  void perform(const IssueExtract& a) {
    // A worker issues before it shapes; here a part may have turned out to differ since the plan was made.
    const auto part = static_cast<std::size_t>(a.part);
    if (trouble_.in_order && part > 0 && !state_.parts.at(part - 1).extracted) return;
    fly(Purpose::extract, a.part, a.epoch);
  }
  void perform(const IssueLoad& a) { fly(Purpose::load, a.part, a.epoch); }
  void perform(const IssueSwap& a) { fly(Purpose::swap, 0, a.epoch); }
  void perform(const IssueDigestTable& a) { fly(Purpose::digest_table, 0, a.epoch); }
  void perform(const IssueDigestKeys& a) { fly(Purpose::digest_keys, a.part, a.epoch); }
  void perform(const Park&) {}
  void perform(const Finish& a) { append(Finished{a.status, a.code, a.message, a.summary}); }
  void perform(const Shape& a) {
    // The plan this action is from may be behind what landed since.
    const auto& part = state_.parts.at(static_cast<std::size_t>(a.part));
    if (!part.extracted || part.shaped) return;
    if (chance(trouble_.damage_percent))
      return append(
          CommandFailed{"", "s", a.part, Purpose::shape, Code::buffer_integrity, "damaged", true, a.attempt});
    const auto& again = *part.extracted;
    if (again.digest != digest("in", a.part))
      return append(PartDiffers{a.part, again.epoch, again.command_id, rows(a.part), digest("in", a.part)});
    const bool none = rows(a.part) == 0 && chance(50);
    const auto id = none ? std::string{} : "cmd_" + std::to_string(++commands_);
    if (!none) flights_.push_back({id, Purpose::load, a.part, a.epoch});
    append(PartShaped{a.part, a.epoch, id, "s/", 1, rows(a.part), rows(a.part), 0, 0, digest("in", a.part),
                      digest("out", a.part), ""});
  }

  void land(std::size_t index) {
    const Flight flight = flights_[index];
    read_at_[flight.id] = log_.size();
    flights_.erase(flights_.begin() + static_cast<std::ptrdiff_t>(index));
    if (chance(trouble_.failures_percent)) {
      const bool damaged = flight.purpose == Purpose::load && chance(trouble_.damage_percent);
      return append(CommandFailed{flight.id, "s", flight.part, flight.purpose,
                                  damaged ? Code::buffer_integrity : Code::query_timeout, "passing", true,
                                  1});
    }
    const auto n = rows(flight.part);
    switch (flight.purpose) {
      case Purpose::split: {
        PartsFixed fixed{"s", {}, {}, 0, false};
        fixed.in_order = trouble_.in_order;
        for (int i = 0; i < part_count_; ++i)
          fixed.parts.push_back({{"id"}, {data::Value{std::int64_t{i}}}, {}});
        return append(fixed);
      }
      case Purpose::extract:
        return append(
            PartExtracted{flight.part, flight.epoch, flight.id, "b/", 1, n,
                          digest(chance(trouble_.changing_percent) ? "changed" : "in", flight.part)});
      case Purpose::load:
        return append(PartLoaded{flight.part, flight.epoch, flight.id, n, chance(10)});
      case Purpose::digest_keys: {
        const bool altered = trouble_.altered_destination && flight.part == 1;
        return append(PartVerified{flight.part, flight.epoch, flight.id, n,
                                   altered ? "altered" : digest("out", flight.part), !altered});
      }
      case Purpose::swap:
        return append(TableSwapped{flight.epoch, flight.id, state_.rows_out(), chance(10)});
      case Purpose::digest_table: {
        const auto found = state_.rows_out() + (trouble_.altered_destination ? 1 : 0);
        return append(TableVerified{flight.epoch, flight.id, found, "sum", true});
      }
      case Purpose::shape:
        return;
    }
  }

  void check_bounds() {
    int in_flight = 0, digests = 0;
    for (const auto& part : state_.parts) {
      in_flight += part.in_flight();
      digests += part.digest_keys.open;
    }
    REQUIRE(in_flight <= limits_.parts_in_flight);
    REQUIRE(digests <= limits_.parts_in_flight);
    if (digests > 0 && !trouble_.in_order) REQUIRE(state_.all_loaded());
    if (trouble_.in_order) check_order();
  }

  // No part is on its way to the destination before the one before it has been read back; none was read before it.
  void check_order() const {
    for (std::size_t i = 1; i < state_.parts.size(); ++i) {
      const auto &before = state_.parts[i - 1], &part = state_.parts[i];
      if (part.shaped) REQUIRE((before.loaded && (before.destination || before.shaped->load_command_id.empty())));
      if (part.extracted && before.extracted) REQUIRE(read_at_.at(before.extracted->command_id) <
                                                      issued_at_.at(part.extracted->command_id));
    }
  }

  std::mt19937 random_;
  int part_count_;
  Trouble trouble_;
  Definition definition_;
  PlanLimits limits_;
  Micros now_ = 1'700'000'000'000'000;
  std::vector<Event> log_;
  ExecutionState state_;
  std::vector<Flight> flights_;
  std::map<std::pair<std::string, std::int64_t>, int> changes_;
  int commands_ = 0;
  std::map<std::string, std::size_t> issued_at_, read_at_;  // places in the log
};

}  // namespace

TEST_CASE("whatever the order and however often events are repeated, every part is done exactly once") {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    const int parts = static_cast<int>(seed % 9);
    INFO("seed " << seed);
    Simulation simulation{
        seed, parts, Trouble{static_cast<int>(seed % 3) * 15, static_cast<int>(seed % 2) * 30, 0, false}};
    const auto finished = simulation.run();
    REQUIRE((finished.status == FinalStatus::succeeded));
    REQUIRE(finished.summary.at("proof") == true);
    std::int64_t rows = 0;
    for (int part = 0; part < parts; ++part) {
      rows += simulation.rows(part);
      for (const char* what : {"extracted", "shaped", "loaded", "source"}) {
        INFO(what << " part " << part);
        REQUIRE(simulation.changes(what, part) == 1);
      }
      REQUIRE(simulation.changes("destination", part) <= 1);
    }
    REQUIRE(finished.summary.at("rowsRead") == rows);
    REQUIRE(finished.summary.at("rowsWritten") == rows);
  }
}

TEST_CASE("damaged chunks and a changing source cost another read, never a second load") {
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    Simulation simulation{seed, 5, Trouble{25, 20, seed % 2 ? 30 : 0, false, seed % 3 ? 40 : 0, seed % 5 < 2}};
    REQUIRE((simulation.run().status == FinalStatus::succeeded));
    for (int part = 0; part < 5; ++part) {
      REQUIRE(simulation.changes("extracted", part) >= 1);
      REQUIRE(simulation.changes("loaded", part) == 1);
      REQUIRE(simulation.changes("source", part) >= 1);
    }
  }
}

TEST_CASE("a part that was altered after the load is found in every run") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Simulation simulation{seed, 4, Trouble{10, 20, 0, true}};
    const auto finished = simulation.run();
    REQUIRE((finished.status == FinalStatus::failed));
    REQUIRE(finished.summary.at("failedParts") == Json::array({1}));
    REQUIRE(finished.summary.at("proof") == false);
  }
}

TEST_CASE("a table is replaced exactly once, after all parts, and read back whole") {
  auto definition = test::sample_definition();
  std::get<LoadParams>(definition.activities[2].params).mode = LoadMode::replace;
  for (std::uint32_t seed = 1; seed <= 80; ++seed) {
    INFO("seed " << seed);
    const bool altered = seed % 4 == 0;
    Simulation simulation{seed, static_cast<int>(seed % 6), Trouble{20, 30, 10, altered}, definition};
    const auto finished = simulation.run();
    REQUIRE((finished.status == (altered ? FinalStatus::failed : FinalStatus::succeeded)));
    REQUIRE(finished.summary.at("proof") == !altered);
    REQUIRE(finished.summary.at("rowsWritten") == simulation.state().rows_out());
    REQUIRE(simulation.changes("swapped", 0) == 1);
    REQUIRE(simulation.changes("table", 0) == 1);
    REQUIRE(simulation.changes("destination", 0) == 0);
  }
}

TEST_CASE("folding a log again gives the state it was folded to, whole or in pages") {
  Simulation simulation{4711, 7, Trouble{20, 20, 20, false}};
  simulation.run();
  const auto& log = simulation.log();
  const auto whole = fold(log);
  ExecutionState paged;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const auto text = to_json(log[i]).dump();  // as the store keeps it
    apply(paged, *event_from_json(Json::parse(text)));
    apply(paged, log[i / 2]);
  }
  const ExecutionState* both[] = {&whole, &paged};
  for (const auto* state : both) {
    CHECK(state->last_seq == simulation.state().last_seq);
    CHECK(to_json(summarise(*state, ReadBack::keys)) == to_json(summarise(simulation.state(), ReadBack::keys)));
    CHECK((state->finished == simulation.state().finished));
    for (std::size_t i = 0; i < state->parts.size(); ++i) {
      CHECK((state->parts[i].shaped == simulation.state().parts[i].shaped));
      CHECK(state->parts[i].extract.epoch == simulation.state().parts[i].extract.epoch);
      CHECK(state->parts[i].load.failures == simulation.state().parts[i].load.failures);
    }
  }
}
