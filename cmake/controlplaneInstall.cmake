# libcontrolplane and libcontrolplane_capi, their headers, CMake package and pkg-config files.

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/controlplane")

install(TARGETS controlplane EXPORT controlplaneTargets)
install(DIRECTORY "${controlplane_SOURCE_DIR}/include/controlplane"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")

install(EXPORT controlplaneTargets NAMESPACE controlplane:: DESTINATION "${package_dir}")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/controlplaneConfig.cmake.in"
  "${controlplane_BINARY_DIR}/controlplaneConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
  "${controlplane_BINARY_DIR}/controlplaneConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${controlplane_BINARY_DIR}/controlplaneConfig.cmake"
  "${controlplane_BINARY_DIR}/controlplaneConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/controlplaneDependencies.cmake"
  DESTINATION "${package_dir}")

if(CONTROLPLANE_CAPI)
  install(TARGETS controlplane_capi EXPORT controlplaneCapiTargets)
  install(FILES "${controlplane_SOURCE_DIR}/capi/include/controlplane.h"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT controlplaneCapiTargets NAMESPACE controlplane:: DESTINATION "${package_dir}")
endif()

# With only an archive to link, every host needs the private libraries, not just those that ask
# for --static.
if(BUILD_SHARED_LIBS)
  set(pc_requires Requires.private)
else()
  set(pc_requires Requires)
endif()
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE pc_to_prefix)
configure_file("${CMAKE_CURRENT_LIST_DIR}/controlplane.pc.in" controlplane.pc @ONLY)
install(FILES "${controlplane_BINARY_DIR}/controlplane.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(CONTROLPLANE_CAPI)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/controlplane-capi.pc.in" controlplane-capi.pc @ONLY)
  install(FILES "${controlplane_BINARY_DIR}/controlplane-capi.pc"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endif()
