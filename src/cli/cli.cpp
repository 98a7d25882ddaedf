#include "cli/cli.hpp"

#include <fmt/format.h>

#include "cli/session.hpp"
#include "core/version.hpp"

namespace vmc::cli {
namespace {

constexpr const char* kFooter = R"(
Start here:
  vmc all-in-one --demo           see it move rows, on this machine, in a minute
  vmc gateway                     the cloud edge: agents connect to it
  vmc key create --name "Site 1"  a key for a new agent
  vmc agent configure --help      set up an agent beside a database

Exit codes: 0 done, 1 failed, 2 usage, 3 cancelled, 4 authentication, 5 not found, 6 conflict,
7 unreachable or timeout, 8 finished but the run failed.)";

void add_global_options(CLI::App& root, Session& session) {
  root.add_option("--state", session.state,
                  "folder that holds the state (default: ~/.local/state/vmc, /var/lib/vmc for root)")
      ->type_name("DIR");
  root.add_option("--config", session.config, "configuration file of the role")->type_name("FILE");
  root.add_option("--gateway", session.gateway, "work on this gateway instead of the state folder")
      ->type_name("URL");
  root.add_option("--token-file", session.token_file,
                  "file with the API token for --gateway (or set VMC_TOKEN)")
      ->type_name("FILE");
  root.add_option("--ca", session.authority_file, "certificate authority of the gateway, PEM")
      ->type_name("FILE");
  root.add_option("--tenant", session.tenant, "tenant to work on in the state folder (default: default)")
      ->type_name("NAME");
  root.add_flag("--json", session.json, "print one JSON document instead of text");
}

void add_version(CLI::App& root, Session& session) {
  auto* command = root.add_subcommand("version", "Print version and build");
  command->callback([&session] {
    session.action = [&session]() -> Result<int> {
      if (session.json)
        print_json({{"version", kVersion}, {"compiler", __VERSION__}});
      else
        print_line(fmt::format("vmc {}", kVersion));
      return 0;
    };
  });
}

int report(const Error& error, bool json) {
  if (json)
    fmt::print(stderr, "{}\n",
               Json{{"code", error.name()}, {"message", error.message}, {"next", error.next()}}.dump());
  else
    fmt::print(stderr, "{}\n{}\n", error.message, error.next());
  return info(error.code).exit_code;
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App root{"vmc connects databases and APIs behind firewalls with cloud workflows.", "vmc"};
  Session session;
  root.require_subcommand(1);
  root.fallthrough();
  root.footer(kFooter);
  root.get_formatter()->column_width(34);
  add_global_options(root, session);
  add_roles(root, session);
  add_agent(root, session);
  add_tenant(root, session);
  add_key(root, session);
  add_token(root, session);
  add_connector(root, session);
  add_schema(root, session);
  add_workflow(root, session);
  add_execution(root, session);
  add_guard(root, session);
  add_lua(root, session);
  add_config(root, session);
  add_version(root, session);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return root.exit(e);
  } catch (const CLI::ParseError& e) {
    root.exit(e);
    return 2;
  }
  if (!session.action) return 2;
  auto outcome = session.action();
  if (!outcome) return report(outcome.error(), session.json);
  return *outcome;
}

}  // namespace vmc::cli
