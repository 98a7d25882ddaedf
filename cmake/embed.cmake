# vmc_embed_migrations(LIBRARY DIRECTORY SYMBOL): the NNNN_name.sql files of DIRECTORY (relative to the source
# tree, not its subfolders) become std::span<const vmc::store::Migration> vmc::LIBRARY::SYMBOL() in vmc_LIBRARY,
# in the order of their numbers. Rebuilt when one of them changes or one is added.
#
# The same file is the script that writes the .cpp: cmake -D OUTPUT= -D FOLDER= -D SYMBOL= -D FILES= -P embed.cmake

if(CMAKE_SCRIPT_MODE_FILE)
  set(steps "")
  string(REPLACE "|" ";" FILES "${FILES}")
  foreach(path IN LISTS FILES)
    get_filename_component(name "${path}" NAME)
    if(NOT name MATCHES "^([0-9]+)_([a-z0-9_]+)\\.sql$")
      message(FATAL_ERROR "${path}: a migration is called NNNN_name.sql")
    endif()
    set(title "${CMAKE_MATCH_2}")
    string(REGEX REPLACE "^0+" "" number "${CMAKE_MATCH_1}")
    file(READ "${path}" sql)
    string(APPEND steps "    {${number}, \"${title}\", R\"vmc_sql(${sql})vmc_sql\"},\n")
  endforeach()
  file(WRITE "${OUTPUT}" "// Written by cmake/embed.cmake.
#include <span>

#include \"store/database.hpp\"

namespace vmc::${FOLDER} {

static const store::Migration kSteps[] = {
${steps}};

std::span<const store::Migration> ${SYMBOL}();
std::span<const store::Migration> ${SYMBOL}() { return kSteps; }

}  // namespace vmc::${FOLDER}
")
  return()
endif()

set(VMC_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(vmc_embed_migrations folder directory symbol)
  get_target_property(kind vmc_${folder} TYPE)
  if(kind STREQUAL "INTERFACE_LIBRARY")
    return()  # a folder without sources has nobody to ask for its migrations
  endif()
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.sql)
  if(NOT files)
    message(FATAL_ERROR "${directory} holds no migrations")
  endif()
  list(SORT files COMPARE NATURAL)
  list(JOIN files "|" joined)
  set(output ${CMAKE_BINARY_DIR}/generated/${folder}_${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DFOLDER=${folder}" "-DSYMBOL=${symbol}" "-DFILES=${joined}"
            -P ${VMC_EMBED_SCRIPT}
    DEPENDS ${files} ${VMC_EMBED_SCRIPT}
    COMMENT "Embedding ${directory}" VERBATIM)
  target_sources(vmc_${folder} PRIVATE ${output})
endfunction()
