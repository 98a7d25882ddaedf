// malloc's settings for a program that moves batches of about a megabyte.
#pragma once

namespace vmc {

// Once, first thing in main. By default each batch comes fresh from the kernel and goes back, which costs a page fault
// per 4 KiB: a quarter of the time of moving rows. A few arenas bound what is kept.
void tune_allocator() noexcept;

}  // namespace vmc
