// The demo's databases: a small ERP with a few years of orders, and an empty warehouse. Seeded: the same rows
// every time. This is the customer's side, so it speaks SQLite directly.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/result.hpp"

namespace vmc::app {

// Creates the ERP unless it is there: customers, products, orders, order lines (at least `order_lines`), with
// NULLs, decimals, dates, non-ASCII text and ids beyond 2^53.
Result<void> make_erp(const std::filesystem::path& file, std::uint64_t order_lines);
// Creates the warehouse with its table sales_lines unless it is there.
Result<void> make_warehouse(const std::filesystem::path& file);

struct ErpChange {
  std::int64_t inserted = 0, updated = 0;
};
// A day's work at the ERP: 500 new order lines and 500 changed ones, 50 of them with equal timestamps.
Result<ErpChange> change_erp(const std::filesystem::path& file);

}  // namespace vmc::app
