# Build rules shared by every folder: language level, warnings, sanitizers, and one function per kind of target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

find_program(MIDWATCH_CCACHE ccache)
if(MIDWATCH_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MIDWATCH_CCACHE})
endif()
find_program(MIDWATCH_LLD NAMES ld.lld ld.lld-14)
if(MIDWATCH_LLD)
  add_link_options(-fuse-ld=lld)
endif()

set(MIDWATCH_SANITIZE "" CACHE STRING "Sanitizers to build with: '', 'address,undefined,fuzzer-no-link' or 'thread'")
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror)
if(MIDWATCH_SANITIZE)
  add_compile_options(-fsanitize=${MIDWATCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MIDWATCH_SANITIZE})
endif()

find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)

add_custom_target(folder_tests)  # Builds the test binary of every folder.

# midwatch_module(NAME [DEPS module...] [LIBS library...] [TEST_DEPS module...])
#
# One folder of controller/: every *.cc is the static library midwatch_NAME, every *_test.cc goes into the test binary
# NAME_test. DEPS are other folders (include order of tests/tidy/layers.yaml), LIBS outside libraries, TEST_DEPS folders that only
# the tests use. Folders may nest (reconcilers/dispatch is the module reconcilers_dispatch).
function(midwatch_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM ARG_DEPS PREPEND midwatch_)
  list(TRANSFORM ARG_TEST_DEPS PREPEND midwatch_)
  if(sources)
    add_library(midwatch_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(midwatch_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(midwatch_${name} ${scope} ${PROJECT_SOURCE_DIR})
  target_link_libraries(midwatch_${name} ${scope} ${ARG_DEPS} ${ARG_LIBS} Threads::Threads)
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE midwatch_${name} ${ARG_TEST_DEPS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE MIDWATCH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS folder)
    add_dependencies(folder_tests ${name}_test)
  endif()
endfunction()
