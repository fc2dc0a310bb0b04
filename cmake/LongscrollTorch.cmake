# LibTorch, for the layers that train, as the target longscroll_torch; what it includes, read once for all of them, as
# longscroll_torch_headers.
#
# LONGSCROLL_TORCH is the folder of torch that holds share/cmake/Torch, of a pip wheel or a LibTorch archive; left
# empty, it is what scripts/setup_train.sh installs.
set(LONGSCROLL_TORCH "" CACHE PATH "Folder of torch that holds share/cmake/Torch")
set(torch_folder "${LONGSCROLL_TORCH}")
if(NOT torch_folder)
  file(GLOB torch_folder "${CMAKE_SOURCE_DIR}/build/torch-venv/lib/python3*/site-packages/torch")
endif()
find_package(Torch 2.11 REQUIRED HINTS ${torch_folder})
set(LONGSCROLL_CUDA OFF)
if(TORCH_CUDA_LIBRARIES)
  set(LONGSCROLL_CUDA ON)  # LibTorch was built with it
endif()

# The wheel brings the headers of another fmt, which would be found before those of the library that we link.
find_path(fmt_folder fmt/format.h REQUIRED)
set(fmt_first "${CMAKE_BINARY_DIR}/fmt-first")
file(MAKE_DIRECTORY "${fmt_first}")
file(CREATE_LINK "${fmt_folder}/fmt" "${fmt_first}/fmt" SYMBOLIC)

add_library(longscroll_torch INTERFACE)
target_include_directories(longscroll_torch SYSTEM BEFORE INTERFACE "${fmt_first}")
# The compiler's own library before torch's: wheels for CUDA (2.11) export std::filesystem functions of another one, which
# fail when they are called from here.
target_link_libraries(longscroll_torch INTERFACE stdc++ torch)

# All that trains is compiled with -O1: the time goes into LibTorch's products, and the compiler's own would go into
# templates.
set(torch_headers <ATen/ATen.h> <torch/types.h> <torch/utils.h> <torch/nn/module.h>
  <torch/csrc/autograd/autograd.h> <torch/csrc/autograd/custom_function.h> <fmt/format.h> <nlohmann/json.hpp>)
set(torch_headers_deps longscroll_torch fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
if(LONGSCROLL_BUILD_TESTS)
  list(APPEND torch_headers <gmock/gmock.h> <gtest/gtest.h>)
  list(APPEND torch_headers_deps GTest::gmock)
endif()
longscroll_headers(longscroll_torch_headers HEADERS ${torch_headers} DEPS ${torch_headers_deps} OPTIONS -O1)
