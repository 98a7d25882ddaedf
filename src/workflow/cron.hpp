// Cron expressions of five fields: minute, hour, day of month, month, day of week.
#pragma once

#include <string>
#include <string_view>

namespace vmc::workflow {

// What is wrong with the expression, as the end of a sentence that begins with "schedule"; empty when it is
// well formed. Lists, ranges, steps, and the English names of months and days are understood.
std::string cron_problem(std::string_view expression);

}  // namespace vmc::workflow
