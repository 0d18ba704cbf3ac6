# SPDX-License-Identifier: GPL-3.0-or-later
# One place for the compiler flags and for how a library, program or test of this project is made.

set(MIPFLOW_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Werror)

function(mipflow_compile_options target)
  target_compile_options(${target} PRIVATE ${MIPFLOW_WARNINGS})
  if(MIPFLOW_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${MIPFLOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${MIPFLOW_SANITIZE})
  endif()
endfunction()

# mipflow_library(NAME SOURCES a.cpp ... LINKS target ...): a static library that exports only its own include/.
function(mipflow_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  mipflow_compile_options(${name})
endfunction()

# mipflow_program(NAME SOURCES ... LINKS ...)
function(mipflow_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  mipflow_compile_options(${name})
endfunction()

# mipflow_test(NAME SOURCES ... LINKS ... LABELS ...): a Catch2 program that is one ctest. Linked against
# mipflow_catch_main (tests/CMakeLists.txt).
function(mipflow_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE mipflow_catch_main ${ARG_LINKS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  mipflow_compile_options(${name})
  target_precompile_headers(${name} REUSE_FROM mipflow_test_header)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300)
endfunction()
