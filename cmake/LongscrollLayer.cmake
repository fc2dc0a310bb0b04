# longscroll_layer(NAME [THREADED] [LIGHT] [UNITY] [HEADERS TARGET] [LABEL LABEL] [SOURCES …] [TESTS …] [DEPS …] [TEST_DEPS …])
#
# One layer = one static library `longscroll_NAME` built from src/NAME, and, when it has tests, one
# program `NAME_test`. DEPS are other layers' libraries (downwards only: scripts/check_layers.py) or
# imported targets. THREADED: its tests run threads, so they are run under the thread sanitizer too.
# LIGHT: it computes little, so that its tests, and under the sanitizers all of it, are compiled without
# optimisation: that takes the compiler longer than the tests take to run. UNITY: a dozen of its sources is compiled
# together, and so are its tests, in a third of the time: names in anonymous namespaces must differ within the layer.
# HEADERS: precompiled headers of longscroll_headers(), for its sources and tests, which are then all compiled with
# those headers' options. LABEL: of its tests, instead of unit.
#
# unit_tests builds every layer's test program, threaded_tests those of the THREADED layers.
add_library(longscroll_flags INTERFACE)
target_compile_options(longscroll_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
target_include_directories(longscroll_flags INTERFACE "${CMAKE_SOURCE_DIR}/src")
if(LONGSCROLL_SANITIZE)
  target_compile_options(longscroll_flags INTERFACE
    -fsanitize=${LONGSCROLL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(longscroll_flags INTERFACE -fsanitize=${LONGSCROLL_SANITIZE})
endif()
# Eight sources at a time, as the sanitizers' presets have it: a third off their compilation. So names in a layer's
# unnamed namespaces must differ between its sources.
if(CMAKE_UNITY_BUILD)
  # A source's own types may have members of types of its own; the compiler takes an included source for a header.
  target_compile_options(longscroll_flags INTERFACE -Wno-subobject-linkage)
endif()
# longscroll_headers(NAME HEADERS … [DEPS …] [OPTIONS …]): read by the compiler once for all that is compiled alike.
function(longscroll_headers NAME)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPS;OPTIONS" ${ARGN})
  # Left as it is where it is there: a new configuration alone has nothing compiled again.
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/${NAME}.cc" CONTENT "")
  add_library(${NAME} OBJECT EXCLUDE_FROM_ALL "${CMAKE_BINARY_DIR}/${NAME}.cc")
  target_link_libraries(${NAME} PRIVATE longscroll_flags ${ARG_DEPS})
  target_compile_options(${NAME} PRIVATE ${ARG_OPTIONS})
  target_precompile_headers(${NAME} PRIVATE ${ARG_HEADERS})
endfunction()
# longscroll_share_headers(TARGET HEADERS): compiles TARGET with the options of HEADERS and after its headers.
function(longscroll_share_headers target headers)
  target_compile_options(${target} PRIVATE $<TARGET_PROPERTY:${headers},COMPILE_OPTIONS>)
  target_precompile_headers(${target} REUSE_FROM ${headers})
endfunction()
# What many sources include, and nearly every test.
set(light_options "")
if(LONGSCROLL_SANITIZE)
  set(light_options -O0)
endif()
set(source_headers HEADERS <fmt/format.h> <nlohmann/json.hpp> <filesystem> <functional> <optional> <set> <span>
  <string> <thread> <unordered_map> <vector> DEPS fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
longscroll_headers(longscroll_source_headers ${source_headers})
longscroll_headers(longscroll_light_source_headers ${source_headers} OPTIONS ${light_options})
if(LONGSCROLL_BUILD_TESTS)
  set(test_headers HEADERS <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h> <nlohmann/json.hpp>
    DEPS fmt::fmt nlohmann_json::nlohmann_json GTest::gmock Threads::Threads)
  longscroll_headers(longscroll_test_headers ${test_headers})
  longscroll_headers(longscroll_light_test_headers ${test_headers} OPTIONS -O0)
endif()
add_custom_target(unit_tests)
add_custom_target(threaded_tests)

function(longscroll_layer NAME)
  cmake_parse_arguments(ARG "THREADED;LIGHT;UNITY" "HEADERS;LABEL" "SOURCES;TESTS;DEPS;TEST_DEPS" ${ARGN})
  add_library(longscroll_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(longscroll_${NAME} PUBLIC longscroll_flags ${ARG_DEPS})
  if(ARG_UNITY)
    set_target_properties(longscroll_${NAME} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
  set(light "")
  if(ARG_LIGHT)
    set(light _light)
  endif()
  if(ARG_HEADERS)
    longscroll_share_headers(longscroll_${NAME} ${ARG_HEADERS})
  else()
    longscroll_share_headers(longscroll_${NAME} longscroll${light}_source_headers)
  endif()
  if(LONGSCROLL_BUILD_TESTS AND ARG_TESTS)
    add_executable(${NAME}_test ${ARG_TESTS})
    if(ARG_UNITY)
      set_target_properties(${NAME}_test PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 7)
    endif()
    if(ARG_HEADERS)
      longscroll_share_headers(${NAME}_test ${ARG_HEADERS})
    else()
      longscroll_share_headers(${NAME}_test longscroll${light}_test_headers)
    endif()
    target_link_libraries(${NAME}_test PRIVATE longscroll_${NAME} ${ARG_TEST_DEPS} GTest::gmock GTest::gtest_main)
    add_dependencies(unit_tests ${NAME}_test)
    set(label unit)  # one word: gtest_discover_tests takes no list of labels
    if(ARG_LABEL)
      set(label ${ARG_LABEL})
    endif()
    if(ARG_THREADED)
      add_dependencies(threaded_tests ${NAME}_test)
      set(label unit-threaded)
    endif()
    gtest_discover_tests(${NAME}_test TEST_PREFIX "${NAME}." DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS ${label})
  endif()
endfunction()
