// An OpenSSL BIO over a non-blocking socket that never raises SIGPIPE and never touches a closed descriptor.
#pragma once

#include <openssl/bio.h>

namespace vmc::net {

// `descriptor` is read at each call and must outlive the BIO; -1 stands for a closed socket.
BIO* make_socket_bio(const int* descriptor);

}  // namespace vmc::net
