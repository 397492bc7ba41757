# Installs threepc into an empty prefix, moves the prefix (nothing may remember where it was), builds every example
# against it with find_package alone, and trains with each example's own configuration.
#   BUILD     the build tree to install from        EXAMPLES  the folder of the examples
#   WORK      scratch folder, emptied first         CXX, CXX_FLAGS, GENERATOR, PLUGIN_DIR  as of that build tree

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "exit ${result} of: ${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(require file)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "missing: ${file}")
  endif()
endfunction()

function(build_and_train example library)
  set(project ${WORK}/${example})
  file(COPY ${EXAMPLES}/${example} DESTINATION ${WORK})
  file(REMOVE_RECURSE ${project}/build ${project}/runs)
  run(${CMAKE_COMMAND} -S ${project} -B ${project}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/moved
      -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${CXX_FLAGS})
  # Nobody has said so: an unoptimised plugin would be found out only by its slowness.
  file(STRINGS ${project}/build/build.ninja optimised REGEX "-O3")
  if(GENERATOR STREQUAL "Ninja" AND NOT optimised)
    message(FATAL_ERROR "${project}: is built without optimisation when no CMAKE_BUILD_TYPE is given")
  endif()
  run(${CMAKE_COMMAND} --build ${project}/build)
  require(${project}/build/${library}.so)
  run(${WORK}/moved/bin/threepc config check ${project}/train.toml)
  run(${WORK}/moved/bin/threepc run ${project}/train.toml --out ${project}/run)
  check_run(${project}/run)
endfunction()

# The squared gradient norm must have fallen a hundredfold, or the plugin did not train.
function(check_run folder)
  require(${folder}/summary.json)
  file(STRINGS ${folder}/metrics.jsonl lines)
  list(GET lines 0 first)
  file(READ ${folder}/summary.json summary)
  string(JSON before GET "${first}" grad_norm_sq)
  string(JSON after GET "${summary}" grad_norm_sq)
  execute_process(COMMAND awk -v before=${before} -v after=${after} "BEGIN { exit !(after < before / 100) }"
                  RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${folder}: the squared gradient norm went from ${before} to ${after} only")
  endif()
  message(STATUS "${folder}: squared gradient norm ${before} -> ${after}")
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/installed)
file(RENAME ${WORK}/installed ${WORK}/moved)
require(${WORK}/moved/include/threepc/abi.h)
require(${WORK}/moved/include/threepc/sdk/compressor.hpp)
require(${WORK}/moved/${PLUGIN_DIR}/compressor-topk.so)
run(${WORK}/moved/bin/threepc --version)

build_and_train(custom-compressor compressor-mean_square)
build_and_train(custom-mechanism mechanism-every)
