# A project that has threepc as a part of it, as add_subdirectory and FetchContent make it: it configures, and builds a
# plugin of its own with threepc_add_plugin, called where the project calls it.
#   SOURCE    threepc's folder        WORK  scratch folder, emptied first
#   EXAMPLES  the examples' folder    CXX, GENERATOR  as of this build tree
file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/CMakeLists.txt "
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C CXX)
include(FetchContent)
FetchContent_Declare(threepc SOURCE_DIR ${SOURCE})
FetchContent_MakeAvailable(threepc)
threepc_add_plugin(compressor-mean_square ${EXAMPLES}/custom-compressor/mean_square.cpp)
")
foreach(step "-S;${WORK};-B;${WORK}/build;-G;${GENERATOR};-DCMAKE_CXX_COMPILER=${CXX}"
             "--build;${WORK}/build;--target;compressor-mean_square")
  execute_process(COMMAND ${CMAKE_COMMAND} ${step} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "exit ${result} of: cmake ${step}\n${output}")
  endif()
endforeach()
if(NOT EXISTS ${WORK}/build/compressor-mean_square.so)
  message(FATAL_ERROR "missing: ${WORK}/build/compressor-mean_square.so")
endif()
