# SPDX-License-Identifier: GPL-3.0-or-later
# One place for the compiler flags and for how a library, program or test of this project is made.

set(MIPFLOW_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Werror)

function(mipflow_compile_options target)
  target_compile_options(${target} PRIVATE ${MIPFLOW_WARNINGS})
  if(MIPFLOW_SANITIZE)
    # What g++ derives from the flow of data is wrong in instrumented code; a build without sanitizers has these warnings.
    target_compile_options(${target} PRIVATE
      "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow>")
    target_compile_options(${target} PRIVATE -fsanitize=${MIPFLOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${MIPFLOW_SANITIZE})
  endif()
  if($CACHE{CMAKE_UNITY_BUILD})
    # What stands in an unnamed namespace of a source file is nobody else's here either.
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>")
  endif()
  if(MIPFLOW_FUZZ)
    # Coverage for the fuzzer; without its main(), so that every program can still be linked. What clang 14 does not know about
    # C++20 or g++ sees otherwise is no business of fuzzing.
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link -Wno-error)
    target_link_options(${target} PUBLIC -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# mipflow_unity(TARGET FILE ...): a unity build (CMAKE_UNITY_BUILD: tools/check and the packages) makes one source of all files of
# the target, however many, so that two private names clash as soon as there are two, and not when a further file moves them together.
function(mipflow_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP most)
endfunction()

# mipflow_compiled_apart(FILE ...): those whose private names are those of others of the target make a second source.
function(mipflow_compiled_apart)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP apart)
endfunction()

# mipflow_compiled_alone(FILE ...): nor do they go together with those.
function(mipflow_compiled_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# mipflow_library(NAME SOURCES a.cpp ... LINKS target ...): a static library that exports only its own include/.
function(mipflow_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  mipflow_unity(${name} ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  mipflow_compile_options(${name})
endfunction()

# mipflow_program(NAME SOURCES ... LINKS ...)
function(mipflow_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  mipflow_unity(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  mipflow_compile_options(${name})
endfunction()

# mipflow_pure_test(TARGET): it needs no root, so that a build without MIPFLOW_PURE_TESTS leaves it out of `all`.
function(mipflow_pure_test target)
  if(NOT MIPFLOW_PURE_TESTS)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
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
  if(ARG_LABELS MATCHES "unit|simulation|conformance")
    mipflow_pure_test(${name})
  endif()
endfunction()
