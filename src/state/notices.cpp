#include "state/connectors.hpp"
#include "state/detail.hpp"

namespace vmc::state {

Result<void> add_notice(store::Tx& tx, std::string_view code, std::string_view message, Micros now) {
  detail::add_notice_for(tx, tx.tenant(), code, message, now);
  return {};
}

Result<std::vector<Notice>> list_notices(store::Tx& tx, std::size_t limit) {
  std::vector<Notice> list;
  for (const auto& row : tx.query("SELECT notice_id, time, code, message FROM notices WHERE tenant = :tenant "
                                  "ORDER BY time DESC, notice_id DESC LIMIT :most",
                                  {{"most", detail::bounded(limit)}})) {
    list.push_back({row.text(0), row.integer(1), row.text(2), row.text(3)});
  }
  return list;
}

}  // namespace vmc::state
