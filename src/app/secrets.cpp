#include "app/secrets.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::app {
namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;

Result<crypto::Secret> from_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string text(kSecretBytesMax, '\0');
  if (!in) return fail(Code::not_found, fmt::format("cannot read the secret file {}", file.string()));
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(in.gcount());
  auto secret = crypto::Secret::from_text(trim(std::string_view{text}.substr(0, size)));
  crypto::wipe(text);
  if (secret.empty())
    return fail(Code::invalid_request, fmt::format("the secret file {} is empty", file.string()));
  return secret;
}

Result<crypto::Secret> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value || !*value)
    return fail(Code::not_found, fmt::format("the environment variable {} is not set", name));
  return crypto::Secret::from_text(value);
}

}  // namespace

agent::SecretResolver make_secret_resolver() {
  return [](const config::SecretRef& reference) -> Result<crypto::Secret> {
    if (reference.scheme == "file") return from_file(reference.rest);
    if (reference.scheme == "env") return from_environment(reference.rest);
    if (reference.scheme == "cred") {
      const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
      if (!folder)
        return fail(Code::not_found, fmt::format("credential '{}' needs a systemd service", reference.rest),
                    "Start vmc as a service with LoadCredential=, or use file: instead.");
      return from_file(std::filesystem::path{folder} / reference.rest);
    }
    return fail(Code::invalid_request,
                fmt::format("secrets of kind '{}:' are not available here", reference.scheme),
                "Use file:, env:, cred: or vault:.");
  };
}

}  // namespace vmc::app
