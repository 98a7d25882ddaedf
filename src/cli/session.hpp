// What every command shares: global options, output, and the door to the platform.
//
// A noun's file offers `void add_NOUN(CLI::App& root, Session& session)`: it declares its verbs, and each
// verb's callback sets session.action. The action runs after the whole line was parsed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/config.hpp"
#include "core/json.hpp"
#include "core/result.hpp"
#include "crypto/secret.hpp"

namespace vmc::cli {

struct Session {
  // Global options.
  std::string state;           // --state; "": the default folder
  std::string config;          // --config; "": the role's default file when it exists
  std::string gateway;         // --gateway URL; "": the embedded store in the state folder
  std::string token_file;      // --token-file; else VMC_TOKEN
  std::string authority_file;  // --ca
  std::string tenant = "default";
  bool json = false;

  std::function<Result<int>()> action;

  std::filesystem::path state_folder() const;
};

// Declares a verb under its noun; `run` becomes the session's action when the verb was given.
CLI::App* add_verb(CLI::App& noun, Session& session, const std::string& name, const std::string& summary,
                   std::function<Result<int>()> run);
CLI::App* add_noun(CLI::App& root, const std::string& name, const std::string& summary);

// Output. Tables adapt to their content; nothing is coloured that is no terminal.
void print_line(std::string_view text);  // standard output, for a reader
void print_data(std::string_view line);  // the same for a program: as it stands
void say(std::string_view text);         // standard error
void print_json(const Json& json);
void print_table(const std::vector<std::string>& header, std::vector<std::vector<std::string>> rows);
std::string text_of(const Json& value);   // "" for null
std::string time_of(const Json& micros);  // local reading of µs, "never" for null

// Secrets come from standard input (or a prompt without echo on a terminal) or a file, never from an
// argument.
Result<crypto::Secret> read_secret(const std::string& prompt);
// "-" is standard input. INVALID_REQUEST when there is more.
Result<std::string> read_text_file(const std::string& file, std::size_t bytes_max);

// The platform's API: over HTTPS with a token, or on the embedded store of this machine.
class ApiClient {
 public:
  explicit ApiClient(const Session& session);
  ~ApiClient();
  Result<Json> get(const std::string& path) { return call("GET", path, nullptr, {}); }
  Result<Json> post(const std::string& path, const Json& body, const std::string& idempotency_key = {}) {
    return call("POST", path, &body, idempotency_key);
  }
  // For embedded use: makes the default tenant when it is missing, so that the first command just works.
  Result<void> ensure_tenant();

 private:
  Result<Json> call(const std::string& method, const std::string& path, const Json* body,
                    const std::string& idempotency_key);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Declared by each noun's file.
void add_roles(CLI::App& root, Session& session);
void add_agent(CLI::App& root, Session& session);
void add_config(CLI::App& root, Session& session);
void add_tenant(CLI::App& root, Session& session);
void add_key(CLI::App& root, Session& session);
void add_token(CLI::App& root, Session& session);
void add_connector(CLI::App& root, Session& session);
void add_schema(CLI::App& root, Session& session);
void add_workflow(CLI::App& root, Session& session);
void add_execution(CLI::App& root, Session& session);
void add_lua(CLI::App& root, Session& session);
void add_guard(CLI::App& root, Session& session);

}  // namespace vmc::cli
