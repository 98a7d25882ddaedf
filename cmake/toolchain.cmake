# Warnings are errors; ccache and a fast linker are used when present; sanitizers come from VMC_SANITIZE.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these inside its own headers and coroutine frames at -O2.
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict -Wno-array-bounds
                      -Wno-mismatched-new-delete -Wno-dangling-pointer -Wno-stringop-overread)
endif()
add_compile_options(-fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()

find_program(VMC_CCACHE ccache)
if(VMC_CCACHE)
  # CCACHE_BASEDIR lets a fresh clone elsewhere share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${VMC_CCACHE})
endif()
find_program(VMC_MOLD mold)
find_program(VMC_LLD ld.lld)
if(VMC_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
elseif(VMC_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed)

if(VMC_SANITIZE)
  add_compile_options(-fsanitize=${VMC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VMC_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fno-sanitize=function)
  elseif(VMC_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan)  # Asio's fences are not seen; everything they order is ordered by a mutex as well
  endif()
endif()
if(VMC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
