#include "core/log.hpp"

#include <atomic>
#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/printable.hpp"

namespace vmc::log {
namespace {

struct Sink {
  std::atomic<Level> level{Level::info};
  std::atomic<Format> format{Format::text};
  std::shared_ptr<spdlog::logger> logger = make();

  static std::shared_ptr<spdlog::logger> make() {
    auto out = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger = std::make_shared<spdlog::logger>("vmc", std::move(out));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    return logger;
  }
};

Sink& sink() {
  static Sink instance;
  return instance;
}

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

}  // namespace

void configure(Level level, Format format) {
  sink().level = level;
  sink().format = format;
}

bool level_named(std::string_view name, Level& level) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return level = static_cast<Level>(i), true;
  if (name == "off") return level = Level::off, true;
  return false;
}

void write(Level level, std::string_view component, std::string_view message, Fields fields) {
  if (level < sink().level.load(std::memory_order_relaxed)) return;
  const auto name = kNames[static_cast<std::size_t>(level)];
  std::string line;
  if (sink().format == Format::json) {
    nlohmann::ordered_json object;
    object["ts"] = to_rfc3339(system_clock().now());
    object["level"] = name;
    object["component"] = component;
    object["msg"] = message;
    for (const auto& field : fields) object[std::string{field.key}] = field.value;
    line = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  } else {
    line = fmt::format("{} {:<5} {:<9} {}", to_rfc3339(system_clock().now()).substr(11, 12), name, component,
                       printable(message));
    for (const auto& field : fields) line += fmt::format(" {}={}", field.key, printable(field.value));
  }
  sink().logger->log(spdlog::level::info, "{}", line);
}

}  // namespace vmc::log
