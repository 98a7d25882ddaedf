// config: check a configuration file before a role is started with it.
#include <fmt/format.h>

#include "cli/session.hpp"

namespace vmc::cli {

void add_config(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "config", "Configuration files");
  auto file = std::make_shared<std::string>();
  auto* check = add_verb(*noun, session, "check", "Check a file and list everything that is wrong with it",
                         [&session, file]() -> Result<int> {
                           const auto name = file->empty() ? session.config : *file;
                           if (name.empty())
                             return fail(Code::invalid_request, "which file?", "vmc config check FILE");
                           VMC_TRY(config, app::load_config(std::filesystem::path{name}));
                           (void)config;
                           if (session.json)
                             print_json({{"file", name}, {"ok", true}});
                           else
                             print_line(fmt::format("{}: nothing to complain about", name));
                           return 0;
                         });
  check->add_option("file", *file, "configuration file");
}

}  // namespace vmc::cli
