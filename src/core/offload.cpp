#include "core/offload.hpp"

namespace vmc {

Pool::Pool(std::string, std::size_t threads) : threads_{threads} {}

Pool::~Pool() { threads_.join(); }

}  // namespace vmc
