# What `cmake --install` puts where. bin/threepc finds lib/threepc/plugins relative to itself, so the prefix can
# be moved as a whole.
include(CMakePackageConfigHelpers)

set(THREEPC_CMAKE_DIR lib/cmake/threepc)
set(THREEPC_INSTALLED_PROGRAM ${CMAKE_INSTALL_BINDIR}/threepc)

install(TARGETS threepc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/framework/include/threepc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/THIRD_PARTY.md DESTINATION share/doc/threepc)
install(FILES ${PROJECT_SOURCE_DIR}/third_party/plotly/LICENSE DESTINATION share/doc/threepc RENAME LICENSE.plotly)

# bin/threepc finds its experiments in ../share/threepc/configs/paper; in the build tree through a link.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION share/threepc)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/threepc)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/configs ${PROJECT_BINARY_DIR}/share/threepc/configs SYMBOLIC)

# A plugin must know whether the program that loads it carries a sanitizer's runtime; see ThreepcPlugin.cmake.
set_property(TARGET threepc_sdk APPEND PROPERTY EXPORT_PROPERTIES THREEPC_SANITIZE)
install(TARGETS threepc_sdk EXPORT threepc-targets)
install(EXPORT threepc-targets NAMESPACE threepc:: DESTINATION ${THREEPC_CMAKE_DIR})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/threepc-config.cmake.in
  ${PROJECT_BINARY_DIR}/threepc-config.cmake
  INSTALL_DESTINATION ${THREEPC_CMAKE_DIR} PATH_VARS THREEPC_INSTALLED_PROGRAM THREEPC_PLUGIN_DIR)
# Headers only ever add to the boundary within a major version; an older SDK than asked for is refused.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/threepc-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES
  ${PROJECT_BINARY_DIR}/threepc-config.cmake
  ${PROJECT_BINARY_DIR}/threepc-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/ThreepcPlugin.cmake
  ${PROJECT_SOURCE_DIR}/cmake/plugin-exports.map
  DESTINATION ${THREEPC_CMAKE_DIR})
