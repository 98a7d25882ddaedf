// The stand-in that fails the n-th call, built into this program. g++ takes what is included for a header,
// and warns about the nameless types of a coroutine frame in one.
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#include "support/fault_store.cpp"
