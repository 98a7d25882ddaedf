// Owning handles for OpenSSL objects, and the check for calls that fail only when memory is exhausted or
// the library is broken: those are not errors a caller can act on.
#pragma once

#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509v3.h>

namespace vmc::crypto {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, OpensslFree<Free>>;

using CipherContext = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using KdfContext = Handle<EVP_KDF_CTX, EVP_KDF_CTX_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Handle<X509, X509_free>;

inline void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error{std::string{"OpenSSL failed: "} + what};
}

}  // namespace vmc::crypto
