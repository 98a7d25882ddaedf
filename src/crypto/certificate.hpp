// Certificates for a first start: a P-256 authority and a server certificate signed by it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace vmc::crypto {

struct CertificateRequest {
  std::vector<std::string> names;             // DNS names and IP addresses, put into subjectAltName
  Micros not_before = 0;
  Micros not_after = 0;
};

struct CertificateFiles {
  std::string authority_pem;                  // give this to agents as their custom CA
  std::string certificate_pem;                // leaf, then authority
  std::string private_key_pem;                // of the leaf; the authority's key is not kept
};

Result<CertificateFiles> make_certificate(const CertificateRequest& request);

}  // namespace vmc::crypto
