# threepc_add_plugin(NAME SOURCE...)
#
# A plugin library: NAME.so in the build tree's plugin folder (in-tree) or the current binary folder
# (out-of-tree), exporting the one symbol that the host looks for. The version script matters even with
# hidden visibility: header-only libraries such as Asio leak hundreds of symbols, some of them shared by the
# whole process.

function(threepc_add_plugin name)
  # Of the function, not of its caller: it may be called anywhere in a project that adds threepc as a subdirectory.
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin-exports.map)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES
    PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS ${exports})
  target_link_libraries(${name} PRIVATE threepc::sdk)
  target_link_options(${name} PRIVATE -Wl,--version-script=${exports})
  # A sanitizer's runtime lives in the program, so its symbols stay undefined in a plugin.
  get_target_property(sanitize threepc::sdk THREEPC_SANITIZE)
  if(NOT sanitize)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
