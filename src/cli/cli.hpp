// The command line: `vmc NOUN VERB`. Data on standard output, talk on standard error.
#pragma once

namespace vmc::cli {

// Parses, runs, prints; the exit code: 0 done, 1 failed, 2 usage, 3 cancelled, 4 authentication, 5 not found,
// 6 conflict, 7 unreachable or timeout, 8 finished but the run failed.
int run(int argc, char** argv);

}  // namespace vmc::cli
