#include "net/socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <new>

namespace vmc::net {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int descriptor_of(BIO* bio) { return *static_cast<const int*>(BIO_get_data(bio)); }

int read_bytes(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = recv(descriptor_of(bio), out, static_cast<std::size_t>(size), 0);
  if (got < 0 && would_block(errno)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

int write_bytes(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = send(descriptor_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
      return 0;
  }
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (m == nullptr) throw std::bad_alloc{};
    BIO_meth_set_read(m, read_bytes);
    BIO_meth_set_write(m, write_bytes);
    BIO_meth_set_ctrl(m, control);
    BIO_meth_set_create(m, create);
    return m;
  }();
  return made;
}

}  // namespace

BIO* make_socket_bio(const int* descriptor) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) throw std::bad_alloc{};
  BIO_set_data(bio, const_cast<int*>(descriptor));
  return bio;
}

}  // namespace vmc::net
