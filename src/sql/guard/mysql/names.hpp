// Names as MySQL and MariaDB compare them.
#pragma once

#include <string>
#include <string_view>

namespace vmc::sql::mysql {

// Lower case of every letter the servers fold: case never distinguishes columns, accents always do. No letter outside
// ASCII folds to one inside, so a folded word is a keyword only when it was spelt as one.
std::string fold(std::string_view name);

// As much of a name as a message shows.
std::string_view shortened(std::string_view name);

}  // namespace vmc::sql::mysql
