#include "app/roles.hpp"

#include <filesystem>

#include "cli/session.hpp"
#include "core/log.hpp"

namespace vmc::cli {
namespace {

namespace fs = std::filesystem;

// --config, else the role's file in the usual places, else the defaults.
std::optional<fs::path> config_file(const Session& session, const std::string& role) {
  if (!session.config.empty()) return fs::path{session.config};
  const fs::path usual = app::default_config_folder() / (role + ".toml");
  return fs::exists(usual) ? std::optional{usual} : std::nullopt;
}

Result<app::RoleOptions> role_options(const Session& session, const std::string& role) {
  VMC_TRY(config, app::load_config(config_file(session, role)));
  log::configure(config.log.level, config.log.format);
  return app::RoleOptions{std::move(config), session.state_folder()};
}

}  // namespace

void add_roles(CLI::App& root, Session& session) {
  auto* gateway =
      root.add_subcommand("gateway", "Run the cloud edge: agents connect here, the REST API answers here");
  gateway->fallthrough();
  gateway->callback([&session] {
    session.action = [&session]() -> Result<int> {
      VMC_TRY(options, role_options(session, "gateway"));
      return app::run_gateway(options);
    };
  });

  auto* worker =
      root.add_subcommand("worker", "Run workflow executions; start more of them for more throughput");
  worker->fallthrough();
  worker->callback([&session] {
    session.action = [&session]() -> Result<int> {
      VMC_TRY(options, role_options(session, "worker"));
      return app::run_worker(options);
    };
  });

  // Shared by the options, which CLI11 fills in, and the action, which reads them.
  auto demo = std::make_shared<app::DemoOptions>();
  auto with_demo = std::make_shared<bool>(false);
  auto* all =
      root.add_subcommand("all-in-one", "Run gateway, worker and agent in one process on embedded SQLite");
  all->fallthrough();
  all->add_flag("--demo", *with_demo, "make a small ERP database and move it, with proof");
  all->add_flag("--once", demo->once, "with --demo: stop afterwards; exit code 0 only if the proof holds");
  all->add_option("--listen", demo->listen,
                  "with --demo: address of the gateway (default: a free port on loopback)")
      ->type_name("HOST:PORT");
  all->add_option("--order-lines", demo->order_lines,
                  "with --demo: rows of the largest table (default: 120000)")
      ->check(CLI::Range(1000, 5'000'000));
  all->callback([&session, demo, with_demo] {
    session.action = [&session, demo, with_demo]() -> Result<int> {
      if (*with_demo) {
        demo->state = session.state.empty() ? session.state_folder() / "demo" : session.state_folder();
        demo->json = session.json;
        log::configure(log::Level::warn, log::Format::text);
        return app::run_demo(*demo);
      }
      VMC_TRY(options, role_options(session, "all-in-one"));
      return app::run_all_in_one(options);
    };
  });
}

}  // namespace vmc::cli
