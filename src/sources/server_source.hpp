// The Source of a database server: it keeps the settings, and opens sessions over connections.
#pragma once

#include "sources/source.hpp"

namespace vmc::sources {

template <class Connection, class ConnectionSession, class Settings = ServerSettings>
class ServerSource final : public Source {
 public:
  ServerSource(std::string_view type, Settings settings) : type_{type}, settings_{std::move(settings)} {}
  std::string_view type() const override { return type_; }
  Result<std::unique_ptr<Session>> open(Access access, Duration timeout) override {
    VMC_TRY(db, Connection::open(settings_, access, timeout));
    return std::unique_ptr<Session>{std::make_unique<ConnectionSession>(std::move(db))};
  }

 private:
  std::string_view type_;
  Settings settings_;
};

}  // namespace vmc::sources
