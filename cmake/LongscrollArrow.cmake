# Arrow and its Parquet, out of pyarrow's wheel, as the target longscroll_arrow.
#
# LONGSCROLL_ARROW is the folder of pyarrow, which holds include/arrow, libarrow.so.* and libparquet.so.*; left empty, it
# is what scripts/setup_parquet.sh installs.
set(LONGSCROLL_ARROW "" CACHE PATH "Folder of pyarrow that holds include/arrow")
set(arrow_folder "${LONGSCROLL_ARROW}")
if(NOT arrow_folder)
  file(GLOB arrow_folder "${CMAKE_SOURCE_DIR}/build/arrow-venv/lib/python3*/site-packages/pyarrow")
endif()
if(NOT EXISTS "${arrow_folder}/include/arrow/util/config.h")
  message(FATAL_ERROR "LONGSCROLL_PARQUET needs pyarrow: run scripts/setup_parquet.sh, or name its folder in "
    "LONGSCROLL_ARROW (\"${LONGSCROLL_ARROW}\" has no include/arrow)")
endif()
file(STRINGS "${arrow_folder}/include/arrow/util/config.h" arrow_version REGEX "ARROW_VERSION_MAJOR [0-9]+")
string(REGEX REPLACE ".* ([0-9]+).*" "\\1" arrow_version "${arrow_version}")
if(arrow_version LESS 25)
  message(FATAL_ERROR "LONGSCROLL_PARQUET needs Arrow 25, ${arrow_folder} has ${arrow_version}")
endif()

# The wheel has libarrow.so.2500 and no plain libarrow.so beside it, so each is named with its number.
foreach(name arrow parquet)
  file(GLOB library "${arrow_folder}/lib${name}.so.${arrow_version}??")
  if(NOT EXISTS "${library}")
    message(FATAL_ERROR "${arrow_folder} must have lib${name}.so.${arrow_version}??, found \"${library}\"")
  endif()
  get_filename_component(soname "${library}" NAME)
  add_library(longscroll_arrow_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(longscroll_arrow_${name} PROPERTIES IMPORTED_LOCATION "${library}" IMPORTED_SONAME "${soname}")
endforeach()

add_library(longscroll_arrow INTERFACE IMPORTED GLOBAL)
target_include_directories(longscroll_arrow SYSTEM INTERFACE "${arrow_folder}/include")
target_link_libraries(longscroll_arrow INTERFACE longscroll_arrow_parquet longscroll_arrow_arrow)
# libparquet exports all of an OpenSSL of its own. The system's stands before it, so that libcurl finds that one: among
# the options, since CMake would put it behind, and whether anything before it needs it or not.
target_link_options(longscroll_arrow INTERFACE
  "LINKER:--push-state,--no-as-needed,${OPENSSL_CRYPTO_LIBRARY},--pop-state")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)  # an installed program finds the wheel where it was built with it

# Wheels of the old kind (manylinux2014) have std::string as it was before C++11, which links with nothing of ours.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES longscroll_arrow)
check_cxx_source_compiles("#include <arrow/status.h>
  int main() { return arrow::Status::Invalid(\"no\").ToString().empty(); }" LONGSCROLL_ARROW_LINKS)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT LONGSCROLL_ARROW_LINKS)
  unset(LONGSCROLL_ARROW_LINKS CACHE)  # asked again once another wheel is there
  message(FATAL_ERROR "${arrow_folder} must link with this compiler's C++20 and its std::string, does not")
endif()
