#include "app/platform.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include <fmt/format.h>

#include "crypto/certificate.hpp"
#include "state/platform.hpp"

namespace vmc::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileThreads = 4;
constexpr auto kCertificateLife = std::chrono::hours{24 * 365 * 2};

Result<void> make_private_folder(const fs::path& folder) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec)
    return fail(Code::unavailable, fmt::format("cannot create folder {}: {}", folder.string(), ec.message()),
                "Choose another folder with --state.");
  chmod(folder.c_str(), 0700);
  return {};
}

Result<void> write_private_file(const fs::path& file, std::string_view text) {
  const fs::path temporary = file.string() + ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Code::unavailable, fmt::format("cannot write {}", temporary.string()));
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  if (!written || rename(temporary.c_str(), file.c_str()) != 0)
    return fail(Code::unavailable, fmt::format("cannot write {}", file.string()));
  return {};
}

fs::path below(const fs::path& folder, std::string_view setting) {
  return folder / setting.substr(setting.find(':') + 1);  // an absolute path replaces the folder
}

}  // namespace

gateway::Platform Platform::for_gateway() const {
  return {*db, *objects, *bus, *cpu, master_key, system_clock()};
}
worker::Platform Platform::for_worker() const {
  return {*db, *objects, *bus, *cpu, master_key, system_clock()};
}

Result<std::unique_ptr<Platform>> open_platform(const fs::path& folder, const PlatformSettings& settings) {
  auto platform = std::make_unique<Platform>();
  platform->state_folder = below(folder, settings.state);
  const auto objects_folder = below(folder, settings.objects);
  VMC_CHECK(make_private_folder(folder));
  VMC_CHECK(make_private_folder(platform->state_folder));
  VMC_CHECK(make_private_folder(objects_folder));
  VMC_TRY(key, state::load_master_key(platform->state_folder / "master.key"));
  platform->master_key = std::move(key);
  platform->cpu = std::make_unique<Pool>("cpu", std::max(1u, std::thread::hardware_concurrency()));
  platform->files = std::make_unique<Pool>("files", kFileThreads);
  VMC_TRY(db, state::open_platform(platform->state_folder / "vmc.db"));
  platform->db = std::move(db);
  VMC_TRY(objects, store::open_folder(objects_folder.string(), *platform->files));
  platform->objects = std::move(objects);
  if (settings.bus == "local") {
    const auto bus_folder = platform->state_folder / "bus";
    VMC_CHECK(make_private_folder(bus_folder));
    VMC_TRY(bus, store::make_local_bus(bus_folder.string()));
    platform->bus = std::move(bus);
  } else {
    platform->bus = store::make_memory_bus();
  }
  return platform;
}

Result<GatewayCertificate> ensure_certificate(const fs::path& state_folder,
                                              const std::vector<std::string>& names) {
  const auto folder = state_folder / "tls";
  VMC_CHECK(make_private_folder(folder));
  GatewayCertificate files{folder / "authority.pem", folder / "certificate.pem", folder / "key.pem"};
  // The certificate is written last: where it stands, the others do too.
  if (fs::exists(files.certificate_file)) return files;
  const auto now = system_clock().now();
  crypto::CertificateRequest request{names, now - micros(std::chrono::hours{1}),
                                     now + micros(kCertificateLife)};
  VMC_TRY(made, crypto::make_certificate(request));
  VMC_CHECK(write_private_file(files.authority_file, made.authority_pem));
  VMC_CHECK(write_private_file(files.private_key_file, made.private_key_pem));
  VMC_CHECK(write_private_file(files.certificate_file, made.certificate_pem));
  return files;
}

}  // namespace vmc::app
